import type { Place } from "../read/types.ts";

/** A comment that switches a rule off for a line. */
export type Ignore = {
  readonly rules: readonly string[];
  readonly reason: string;
  /** The line that it is about, from 1. */
  readonly line: number;
  readonly place: Place;
};

const comment = /(?:^|\s)(?:#|\/\/)\s*shiplock-lint:\s*ignore(?:\s+(?<rules>[\w,-]+))?(?<reason>[^\n]*)$/;

/** The comments of a file that switch rules off: on the line itself, or on lines of their own right above it. */
export function ignoresIn(source: string): readonly Ignore[] {
  if (!source.includes("shiplock-lint:")) return [];
  const lines = source.split("\n");
  return lines.flatMap((written, index) => {
    const line = written.replace(/\r$/, "");
    const found = comment.exec(line);
    if (found === null) return [];
    const column = line.search(/(?:#|\/\/)\s*shiplock-lint:/) + 1;
    const alone = line.slice(0, column - 1).trim() === "";
    const about = alone ? nextCode(lines, index) : index + 1;
    const rules = (found.groups?.["rules"] ?? "").split(",").filter((rule) => rule !== "");
    const reason = (found.groups?.["reason"] ?? "").replace(/^[\s:–—-]+/, "").trim();
    return { rules, reason, line: about, place: { line: index + 1, column } };
  });
}

/** The line after a block of comments, from 1. */
function nextCode(lines: readonly string[], from: number): number {
  let at = from + 1;
  while (at < lines.length && /^\s*(?:#|\/\/|$)/.test(lines[at] ?? "")) at += 1;
  return at + 1;
}
