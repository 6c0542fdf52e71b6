/** One thing that a character of a name has to be, or `star`: any number of them. */
type Token =
  | { readonly kind: "is"; readonly character: string }
  | { readonly kind: "any" }
  | { readonly kind: "star" }
  | { readonly kind: "set"; readonly not: boolean; readonly ranges: readonly (readonly [string, string])[] }
  /** A set that nobody has closed: nothing is it. */
  | { readonly kind: "never" };

/** A part between two slashes; `deep` stands for any number of parts, also none. */
type Segment = "deep" | readonly Token[];

/**
 * Whether the whole name of a branch or tag fits a pattern, by the rules that GitHub has for the branches and tags of an environment: those of Ruby's `File.fnmatch` with
 * `FNM_PATHNAME`. `*` is any text without a slash and `?` one character but a slash; `[a-z]` is one of a set, `[!a-z]` or `[^a-z]` one that is not in it; `**` and a slash
 * are any number of parts; a backslash takes the next character as it is. Cases differ. Ruby's rule for names that begin with a dot is left out, since git has no such names.
 */
export function matchesRef(pattern: string, name: string): boolean {
  return fitsSegments(segmentsOf(pattern), name.split("/"));
}

/** What is wrong with a pattern that no branch or tag can fit, as a sentence; undefined where one can. */
export function refPatternProblem(pattern: string): string | undefined {
  if (pattern.startsWith("refs/")) return "is matched with the name alone: leave out refs/heads/ and refs/tags/";
  if (pattern.startsWith("/") || pattern.endsWith("/")) return "no branch or tag begins or ends with a slash";
  if (pattern.replaceAll("**/", "").includes("//")) return "no branch or tag has two slashes in a row";
  if (/[\s~^:]/.test(pattern.replaceAll(/\[[^\]]*\]/g, "")))
    return "no branch or tag has a space, ~, ^ or : in its name";
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(pattern)) return "ends with a backslash, which has nothing to take as it is";
  const tokens = segmentsOf(pattern).flatMap((segment) => (segment === "deep" ? [] : segment));
  if (tokens.some(({ kind }) => kind === "never")) return "has a [ without its ]";
  const empty = tokens.some(
    (token) => token.kind === "set" && !token.not && token.ranges.every(([from, to]) => from > to),
  );
  return empty ? "has a set in [ ] that no character is in" : undefined;
}

function fitsSegments(pattern: readonly Segment[], parts: readonly string[]): boolean {
  const [first, ...others] = pattern;
  if (first === undefined) return parts.length === 0;
  if (first === "deep")
    return fitsSegments(others, parts) || (parts.length > 0 && fitsSegments(pattern, parts.slice(1)));
  const [part, ...left] = parts;
  return part !== undefined && fitsPart(first, [...part]) && fitsSegments(others, left);
}

/** Of several stars only the last one that was met needs to be tried again, so this takes no more steps than pattern times text. */
function fitsPart(tokens: readonly Token[], text: readonly string[]): boolean {
  let [at, here] = [0, 0];
  let star: { readonly after: number; from: number } | null = null;
  while (here < text.length) {
    const token = tokens[at];
    if (token?.kind === "star") {
      star = { after: at + 1, from: here };
      at += 1;
      continue;
    }
    if (token !== undefined && fits(token, text[here] ?? "")) {
      [at, here] = [at + 1, here + 1];
      continue;
    }
    if (star === null) return false;
    star.from += 1;
    [at, here] = [star.after, star.from];
  }
  return tokens.slice(at).every(({ kind }) => kind === "star");
}

function fits(token: Token, character: string): boolean {
  switch (token.kind) {
    case "is":
      return token.character === character;
    case "any":
    case "star":
      return true;
    case "set":
      return token.ranges.some(([from, to]) => inRange(character, from, to)) !== token.not;
    case "never":
      return false;
  }
}

function inRange(character: string, from: string, to: string): boolean {
  const [point = 0, low = 0, high = 0] = [character, from, to].map((each) => each.codePointAt(0));
  // As Ruby has it, both ends are in their range even where they are the wrong way round.
  return character === from || character === to || (low <= point && point <= high);
}

function segmentsOf(pattern: string): Segment[] {
  const characters = [...pattern];
  const segments: Segment[] = [];
  let tokens: Token[] = [];
  let at = 0;
  while (at < characters.length) {
    const character = characters[at] ?? "";
    if (tokens.length === 0 && characters.slice(at, at + 3).join("") === "**/") {
      segments.push("deep");
      at += 3;
    } else if (character === "/" || (character === "\\" && characters[at + 1] === "/")) {
      segments.push(tokens);
      tokens = [];
      at += character === "/" ? 1 : 2;
    } else if (character === "[") {
      const set = setAt(characters, at + 1);
      tokens.push(set.token);
      at = set.next;
    } else {
      const escaped = character === "\\" && at + 1 < characters.length;
      tokens.push(escaped ? { kind: "is", character: characters[at + 1] ?? "" } : tokenOf(character));
      at += escaped ? 2 : 1;
    }
  }
  return [...segments, tokens];
}

function tokenOf(character: string): Token {
  if (character === "*") return { kind: "star" };
  return character === "?" ? { kind: "any" } : { kind: "is", character };
}

/** A set from after its bracket. A slash in it is one of its characters, and none of a name that is looked at in parts. */
function setAt(characters: readonly string[], begin: number): { token: Token; next: number } {
  const not = characters[begin] === "!" || characters[begin] === "^";
  const ranges: (readonly [string, string])[] = [];
  let at = not ? begin + 1 : begin;
  const take = (): string => {
    if (characters[at] === "\\") at += 1;
    at += 1;
    return characters[at - 1] ?? "";
  };
  while (at < characters.length) {
    if (characters[at] === "]") return { token: { kind: "set", not, ranges }, next: at + 1 };
    const from = take();
    const ranged = characters[at] === "-" && at + 1 < characters.length && characters[at + 1] !== "]";
    if (ranged) at += 1;
    ranges.push([from, ranged ? take() : from]);
  }
  return { token: { kind: "never" }, next: characters.length };
}
