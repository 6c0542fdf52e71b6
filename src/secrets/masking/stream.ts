import { shortestForm } from "./forms.ts";
import { isSpace, type Matcher, type Range } from "./matcher.ts";

/** What stands in the place of a secret, once on each line that it is on. */
export const mask = "***";

/** Masks text that arrives in pieces. */
export type MaskStream = {
  /** @returns what of the text so far can be shown: all but an end that may be the beginning of a secret, which is at most four times as long as the longest form and 256 characters */
  push(piece: string): string;
  /** @returns the rest; what only began like a secret is none */
  end(): string;
};

/**
 * A stream that looks for what the matcher knows at the time, so that secrets may be added on the way. However text is cut into pieces, what comes out is the same.
 */
export function createStream(matcher: Matcher): MaskStream {
  /** From where the next search begins. */
  let text = "";
  /** How much of it is shown already. */
  let shown = 0;
  let ranges: Range[] = [];
  /** Whether what was shown last was masked, so that what adjoins is masked with it. */
  let masked = false;

  function search(ended: boolean): string {
    let at = 0;
    for (; at < text.length; at += 1) {
      if (isSpace(text.charCodeAt(at))) continue;
      const found = matcher.at(text, at, ended);
      if (found === "more") break;
      if (found !== "nothing") ranges.push(found);
    }
    const until = at === text.length || (endsLine(text) && isShort(text, at)) ? text.length : at;
    const out = until > shown ? render(shown, until) : "";
    shown = Math.max(shown, until) - at;
    text = text.slice(at);
    ranges = ranges.filter(({ to }) => to > at).map(({ from, to }) => ({ from: from - at, to: to - at }));
    return out;
  }

  /** Ranges are in the order of their beginnings. */
  function render(from: number, to: number): string {
    let out = "";
    let at = from;
    for (const range of ranges) {
      const begin = Math.max(at, range.from);
      const end = Math.min(to, range.to);
      if (begin >= end) continue;
      if (begin > at) {
        out += text.slice(at, begin);
        masked = false;
      }
      out += hidden(text.slice(begin, end));
      at = end;
    }
    if (at < to) {
      out += text.slice(at, to);
      masked = false;
    }
    return out;
  }

  /** Line breaks stay, so that a line remains a line. */
  function hidden(part: string): string {
    let out = "";
    for (const [run] of part.matchAll(/\r\n|[\r\n]|[^\r\n]+/g)) {
      if (run === "\n" || run === "\r" || run === "\r\n") {
        out += run;
        masked = false;
      } else if (run.trim() !== "" && !masked) {
        out += mask;
        masked = true;
      }
    }
    return out;
  }

  return {
    push(piece) {
      if (matcher.size() === 0 && text === "") return piece;
      text += piece;
      return search(false);
    },
    end() {
      const out = search(true);
      masked = false;
      return out;
    },
  };
}

/** Whether so little stands behind a position that a break there leaves it out of any range (see `Matcher.at`): a line need not wait for it. */
function isShort(text: string, position: number): boolean {
  let count = 0;
  for (let at = position; at < text.length; at += 1) {
    if (!isSpace(text.charCodeAt(at))) count += 1;
    if (count >= shortestForm) return false;
  }
  return true;
}

function endsLine(text: string): boolean {
  return text.endsWith("\n");
}
