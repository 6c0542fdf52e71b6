import { expressionEnd } from "../expressions.ts";
import type { Word } from "./types.ts";

/** A word that was read, and where the reading goes on. */
export type ReadWord = {
  readonly word: Word;
  readonly next: number;
  /** The scripts inside `$( )` and backquotes. */
  readonly substitutions: readonly { readonly from: number; readonly to: number }[];
};

const endsWord = new Set([" ", "\t", "\n", "\r", ";", "&", "|", "<", ">", "(", ")"]);

/**
 * Reads the word that starts here. What is in quotes stays one word, `\` at a line's end joins lines, and `${{ }}` is one piece whatever is inside:
 * GitHub puts its value in before any shell looks.
 * @param to where the script ends
 */
export function readWord(source: string, from: number, to: number): ReadWord {
  let text = "";
  let quoted = false;
  let at = from;
  const offsets: number[] = [];
  const substitutions: { from: number; to: number }[] = [];

  function keep(until: number): void {
    for (; at < until; at += 1) {
      text += source.charAt(at);
      offsets.push(at);
    }
  }

  /** Takes what begins with `$` or a backquote and belongs together; false for a plain character. */
  function keepExpansion(): boolean {
    if (source.startsWith("${{", at)) {
      const end = expressionEnd(source, at);
      keep(end === -1 || end > to ? at + 3 : end);
      return true;
    }
    if (source.startsWith("$(", at) || source[at] === "`") {
      const open = source[at] === "`" ? 1 : 2;
      const end = open === 1 ? closingBackquote(source, at + 1, to) : closingParenthesis(source, at + 2, to);
      substitutions.push({ from: at + open, to: end });
      keep(Math.min(end + 1, to));
      return true;
    }
    if (source.startsWith("${", at)) {
      keep(closingBrace(source, at + 2, to));
      return true;
    }
    return false;
  }

  function keepDoubleQuoted(): void {
    at += 1;
    while (at < to && source[at] !== '"') {
      if (source[at] === "\\" && at + 1 < to) {
        if (source[at + 1] === "\n") at += 2;
        else {
          if ('"$`\\'.includes(source.charAt(at + 1))) at += 1;
          keep(at + 1);
        }
      } else if (!keepExpansion()) keep(at + 1);
    }
    at += 1;
  }

  while (at < to) {
    const character = source.charAt(at);
    if (endsWord.has(character)) break;
    if (character === "\\") {
      const joins = source[at + 1] === "\n";
      at += joins ? 2 : 1;
      if (!joins && at < to) {
        quoted = true;
        keep(at + 1);
      }
    } else if (character === "'") {
      const end = source.indexOf("'", at + 1);
      const stop = end === -1 || end > to ? to : end;
      at += 1;
      keep(stop);
      at += 1;
      quoted = true;
    } else if (character === '"') {
      keepDoubleQuoted();
      quoted = true;
    } else if (!keepExpansion()) keep(at + 1);
  }
  offsets.push(Math.min(at, to));
  return { word: { text, offsets, quoted }, next: Math.min(at, to), substitutions };
}

/** Where the `)` stands that ends what has begun here; quotes and inner pairs are passed over. */
export function closingParenthesis(source: string, from: number, to: number): number {
  let depth = 0;
  for (let at = from; at < to; at += 1) {
    const character = source[at];
    if (character === "\\") at += 1;
    else if (character === "'") at = orEnd(source.indexOf("'", at + 1), to);
    else if (character === '"') at = closingQuote(source, at + 1, to);
    else if (source.startsWith("${{", at)) {
      const end = expressionEnd(source, at);
      if (end !== -1) at = end - 1;
    } else if (character === "(") depth += 1;
    else if (character === ")") {
      if (depth === 0) return at;
      depth -= 1;
    }
  }
  return to;
}

function closingQuote(source: string, from: number, to: number): number {
  let depth = 0;
  for (let at = from; at < to; at += 1) {
    const character = source[at];
    if (character === "\\") at += 1;
    else if (source.startsWith("$(", at)) depth += 1;
    else if (character === ")" && depth > 0) depth -= 1;
    else if (character === '"' && depth === 0) return at;
  }
  return to;
}

function closingBackquote(source: string, from: number, to: number): number {
  for (let at = from; at < to; at += 1) {
    if (source[at] === "\\") at += 1;
    else if (source[at] === "`") return at;
  }
  return to;
}

/** After the `}` of `${NAME}`; after the name's start where it never comes on this line. */
function closingBrace(source: string, from: number, to: number): number {
  let depth = 0;
  for (let at = from; at < to && source[at] !== "\n"; at += 1) {
    if (source[at] === "{") depth += 1;
    else if (source[at] === "}") {
      if (depth === 0) return at + 1;
      depth -= 1;
    }
  }
  return from;
}

function orEnd(at: number, to: number): number {
  return at === -1 || at > to ? to : at;
}
