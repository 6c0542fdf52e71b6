import type { Place, Text } from "./types.ts";

/**
 * The text that a scalar means, with the place in the file of each of its characters. A block's indentation, quotes and escapes stand in the file
 * and not in the text, so both are walked side by side.
 * @param raw the scalar as it stands in the file, without the line that opens a block
 * @param from where `raw` starts in the file
 * @param placeOf line and column of an offset in the file
 */
export function scalarText(value: string, raw: string, from: number, placeOf: (offset: number) => Place): Text {
  let offsets: readonly number[] | undefined;
  return {
    value,
    place: placeOf(from),
    placeAt: (offset) => {
      offsets ??= alignedOffsets(value, raw);
      const at = offsets[Math.max(0, Math.min(offset, offsets.length - 1))] ?? 0;
      return placeOf(from + at);
    },
  };
}

/** A part of a text that is a text of its own: the script that a command hands to another machine. */
export function partOfText(whole: Text, value: string, offsets: readonly number[]): Text {
  const placeAt = (offset: number): Place => {
    const known = offsets[Math.max(0, Math.min(offset, offsets.length - 1))];
    return known === undefined ? whole.place : whole.placeAt(known);
  };
  return { value, place: placeAt(0), placeAt };
}

/** For each character of the value, where it stands in the raw text. */
function alignedOffsets(value: string, raw: string): readonly number[] {
  const offsets: number[] = [];
  let at = 0;
  for (let index = 0; index < value.length; index += 1) {
    const wanted = value.charAt(index);
    at = nextMatch(raw, at, wanted);
    offsets.push(Math.min(at, raw.length));
    at += escapeLength(raw, at, wanted);
  }
  offsets.push(Math.min(at, raw.length));
  return offsets;
}

/** The next place that can stand for a character: what is passed over is indentation, line ends and quotes, and nothing else. */
function nextMatch(raw: string, from: number, wanted: string): number {
  let at = from;
  while (at < raw.length) {
    const found = raw.charAt(at);
    // A line that is joined with the next one, in double quotes.
    if (found === "\\" && wanted !== found && /^\r?\n/.test(raw.slice(at + 1, at + 3))) {
      at += 2;
      continue;
    }
    if (found === wanted || found === "\\") return at;
    const folded = isBlank(found);
    if (folded && isBlank(wanted)) return at;
    if (!folded && found !== '"' && found !== "'") return at;
    at += 1;
  }
  return from;
}

/** How many characters of the raw text one character of the value took. */
function escapeLength(raw: string, at: number, wanted: string): number {
  const found = raw[at];
  if (found === wanted) return 1;
  if (found !== "\\") return isBlank(found ?? "") ? 1 : 0;
  const long = { x: 4, u: 6, U: 10 }[raw[at + 1] ?? ""];
  return long ?? 2;
}

function isBlank(character: string): boolean {
  return character === " " || character === "\n" || character === "\t" || character === "\r";
}
