import { posix } from "node:path";

/** One line of a `.dockerignore`: what it leaves out, or (`exception`) takes in again. */
export type IgnoreRule = { exception: boolean; matches: (path: string) => boolean };

/** What is known of a path: whether it is left out, and which rules fit it, so that what lies below need not be asked again. */
export type Judged = { ignored: boolean; fitted: readonly boolean[] };

/** The characters that mean something in a regular expression and nothing in a rule. */
const plainText = /[.+()|{}$^/]/;

/**
 * Reads a `.dockerignore` by Docker's rules, which are not git's: every line is a path from the root of the context, `**` stands for any folders, a later line beats an
 * earlier one, and `!` takes something in again.
 * @returns null where Docker itself would refuse the file
 */
export function parseIgnore(text: string): IgnoreRule[] | null {
  const rules: IgnoreRule[] = [];
  for (const line of text.replace(/^\uFEFF/, "").split("\n")) {
    if (line.startsWith("#")) continue;
    const written = line.trim();
    if (written === "") continue;
    const exception = written.startsWith("!");
    const pattern = clean(exception ? written.slice(1).trim() : written);
    if (pattern === null) {
      if (exception) return null;
      continue;
    }
    const expression = compile(pattern);
    if (expression === null) return null;
    rules.push({ exception, matches: (path) => expression.test(path) });
  }
  return rules;
}

/**
 * Judges a path of the context.
 * @param path from the root of the context, with `/`
 * @param above what was found for the folder it lies in; null at the root
 */
export function judge(rules: readonly IgnoreRule[], path: string, above: Judged | null): Judged {
  let ignored = false;
  const fitted = rules.map((rule, index) => {
    const inherited = above?.fitted[index] ?? false;
    // As in Docker's own matcher, a rule that could change nothing is not asked; so it is not inherited either.
    if (!inherited && rule.exception !== ignored) return false;
    const fits = inherited || rule.matches(path);
    if (fits) ignored = !rule.exception;
    return fits;
  });
  return { ignored, fitted };
}

/** A path without `.`, `..`, doubled and outer slashes; null for nothing at all. */
function clean(pattern: string): string | null {
  if (pattern === "") return null;
  const normal = posix.normalize(pattern);
  const trimmed = normal.length > 1 ? normal.replace(/\/$/, "") : normal;
  return trimmed.length > 1 ? trimmed.replace(/^\//, "") : trimmed;
}

function compile(pattern: string): RegExp | null {
  const characters = [...pattern];
  let source = "";
  for (let at = 0; at < characters.length; at += 1) {
    const character = characters[at] ?? "";
    if (character === "*" && characters[at + 1] === "*") {
      at += characters[at + 2] === "/" ? 2 : 1;
      source += at + 1 >= characters.length ? ".*" : "(?:.*/)?";
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[") {
      const set = readSet(characters, at);
      if (set === null) return null;
      source += set.source;
      at = set.end;
    } else if (character === "\\") {
      at += 1;
      const escaped = characters[at];
      if (escaped === undefined) return null;
      source += RegExp.escape(escaped);
    } else source += plainText.test(character) ? `\\${character}` : RegExp.escape(character);
  }
  return expressionOf(`^${source}$`);
}

/** A set of characters, `[a-z]` or `[^a-z]`; null where it does not end or is empty. */
function readSet(characters: readonly string[], start: number): { source: string; end: number } | null {
  let at = start + 1;
  let source = "[";
  if (characters[at] === "^") {
    source += "^/";
    at += 1;
  }
  const first = at;
  for (; at < characters.length; at += 1) {
    const character = characters[at] ?? "";
    if (character === "]" && at > first) return { source: `${source}]`, end: at };
    if (character === "\\") {
      at += 1;
      const escaped = characters[at];
      if (escaped === undefined) return null;
      source += inSet(escaped);
    } else source += character === "-" ? "-" : inSet(character);
  }
  return null;
}

function inSet(character: string): string {
  return /[\\\]^[-]/.test(character) ? `\\${character}` : character;
}

function expressionOf(source: string): RegExp | null {
  try {
    return new RegExp(source, "su");
  } catch (error) {
    // A range that runs backwards, for example.
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
