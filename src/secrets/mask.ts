import { formsOf, wholeForms } from "./masking/forms.ts";
import { createMatcher, type Range } from "./masking/matcher.ts";
import { createStream, mask, type MaskStream } from "./masking/stream.ts";

export type { MaskStream } from "./masking/stream.ts";

/** Masks lines that come one by one, a secret that is broken over several of them too. */
export type LineMask<Item> = {
  /** A line, without its break, and what belongs to it. It is told at once, unless its end may be the beginning of a secret: then with the line that shows it. */
  push(item: Item, line: string): void;
  /** Tells what was still held back. */
  end(): void;
};

/** Takes the values of secrets out of text. Called with a whole text, it gives back what may be shown and stored. */
export type Masker = {
  (text: string): string;
  /** For text that arrives in pieces; a stream for each thing that writes. */
  stream(): MaskStream;
  /** For lines; one for each thing that writes. */
  lines<Item>(tell: (item: Item, line: string) => void): LineMask<Item>;
  /** Masks these values too, from now on, also in streams that are open. */
  add(values: Iterable<string>): void;
};

/** The text is searched in pieces of so many characters, so that a long one needs no memory beside itself. */
const pieceLength = 1 << 16;

/**
 * Replaces secret values wherever they appear in text, in every form of `formsOf`, also where a program broke one over lines. Where secrets overlap, all of them are masked.
 * @param values the secrets' values; those under four characters are left alone, since they would mask ordinary text
 */
export function createMasker(values: Iterable<string>): Masker {
  const matcher = createMatcher();
  const known = new Set<string>();

  function add(added: Iterable<string>): void {
    for (const value of added) {
      if (known.has(value)) continue;
      known.add(value);
      for (const form of formsOf(value)) matcher.add(form);
    }
  }

  function whole(text: string): string {
    if (matcher.size() === 0) return text;
    const stream = createStream(matcher);
    const out: string[] = [];
    for (let at = 0; at < text.length; at += pieceLength) out.push(stream.push(text.slice(at, at + pieceLength)));
    return out.join("") + stream.end();
  }

  function lines<Item>(tell: (item: Item, line: string) => void): LineMask<Item> {
    return lineMask(createStream(matcher), tell);
  }

  add(values);
  return Object.assign(whole, { stream: () => createStream(matcher), lines, add });
}

/**
 * Finds secret values in text, in every form and also broken over lines. Unlike a masker it takes no line of a value for the value: what a key begins with, a certificate does too.
 * @returns for a text, where something stands, in order
 */
export function createFinder(values: Iterable<string>): (text: string) => readonly Range[] {
  const matcher = createMatcher();
  for (const value of values) for (const form of wholeForms(value)) matcher.add(form);
  return (text) => {
    const ranges: Range[] = [];
    for (let at = 0; at < text.length; at += 1) {
      const found = matcher.at(text, at, true);
      if (found === "nothing" || found === "more") continue;
      const last = ranges.at(-1);
      if (last !== undefined && found.from <= last.to)
        ranges[ranges.length - 1] = { from: last.from, to: Math.max(last.to, found.to) };
      else ranges.push(found);
    }
    return ranges;
  };
}

/** `createMasker` for one text that arrives in pieces. */
export function createMaskStream(values: Iterable<string>): MaskStream {
  return createMasker(values).stream();
}

function lineMask<Item>(stream: MaskStream, tell: (item: Item, line: string) => void): LineMask<Item> {
  const waiting: { item: Item; breaks: number }[] = [];
  let out = "";

  function tellWhole(): void {
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      const end = nthBreak(out, first.breaks);
      if (end < 0) return;
      waiting.shift();
      tell(first.item, out.slice(0, end));
      out = out.slice(end + 1);
    }
  }

  return {
    push(item, line) {
      waiting.push({ item, breaks: line.split("\n").length });
      out += stream.push(`${line}\n`);
      tellWhole();
    },
    end() {
      out += stream.end();
      tellWhole();
    },
  };
}

/** Where the nth line break of a text is; -1 where there are fewer. */
function nthBreak(text: string, count: number): number {
  let at = -1;
  for (let n = 0; n < count; n += 1) {
    at = text.indexOf("\n", at + 1);
    if (at < 0) return -1;
  }
  return at;
}

/** Lines that belong together, masked together: a secret may be broken over several of them. */
export function maskTogether(lines: readonly string[], masker: (text: string) => string): string[] {
  const counts = lines.map((line) => line.split("\n").length);
  const masked = masker(lines.join("\n")).split("\n");
  return counts.map((count) => masked.splice(0, count).join("\n"));
}

/**
 * A value as JSON, with what may not be read masked before it is written: so what comes out is JSON in any case.
 * @param indent as of `JSON.stringify`
 */
export function maskedJson(value: unknown, masker: (text: string) => string, indent?: number): string | undefined {
  return JSON.stringify(
    value,
    (_key, inner: unknown) => {
      if (typeof inner === "string") return masker(inner);
      if (typeof inner === "number") return masker(String(inner)) === mask ? mask : inner;
      if (typeof inner !== "object" || inner === null) return inner;
      if (!Array.isArray(inner))
        return Object.fromEntries(Object.entries(inner).map(([key, one]): [string, unknown] => [masker(key), one]));
      const items = inner as readonly unknown[];
      return items.every((one) => typeof one === "string") ? maskTogether(items, masker) : items;
    },
    indent,
  );
}
