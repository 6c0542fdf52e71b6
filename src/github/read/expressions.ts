/** One `${{ }}` in a text: where it stands, and what is between the braces. */
export type Expression = { readonly start: number; readonly end: number; readonly body: string };

/** The expressions of a text, in their order. One that is never closed is none. */
export function expressionsIn(text: string): readonly Expression[] {
  const found: Expression[] = [];
  for (let at = text.indexOf("${{"); at !== -1; at = text.indexOf("${{", at)) {
    const end = expressionEnd(text, at);
    if (end === -1) break;
    found.push({ start: at, end, body: text.slice(at + 3, end - 2).trim() });
    at = end;
  }
  return found;
}

/** Longer ones GitHub refuses. Characters. */
const LONGEST = 21_000;

/** Where the expression that starts here has ended: after its braces. -1 for one that never ends. Braces inside quotes are text. */
export function expressionEnd(text: string, start: number): number {
  let quoted = false;
  const last = Math.min(text.length, start + LONGEST);
  for (let at = start + 3; at < last; at += 1) {
    if (text[at] === "'") quoted = !quoted;
    else if (!quoted && text[at] === "}" && text[at + 1] === "}") return at + 2;
  }
  return -1;
}

/** What `if:` says: with or without the braces. */
export function conditionOf(text: string): string {
  const whole = text.trim();
  return whole.startsWith("${{") && whole.endsWith("}}") ? whole.slice(3, -2).trim() : whole;
}

/** A piece of an expression. */
export type Token = { kind: "name" | "text" | "number" | "mark"; text: string };

const tokenPattern =
  /\s*(?:(?<text>'(?:[^']|'')*')|(?<name>[A-Za-z_][\w-]*)|(?<number>[+-]?(?:0x[\da-fA-F]+|\d+(?:\.\d+)?(?:e[+-]?\d+)?))|(?<mark>&&|\|\||==|!=|<=|>=|[!<>()[\],.*]))/y;

/** Functions whose answer is a truth value or a fingerprint, so that nobody's text comes through them. */
const opaque = new Set([
  ...["contains", "startswith", "endswith", "hashfiles", "success", "failure", "always", "cancelled"],
]);

/** Deeper than anybody writes; the reader goes one call down for each. */
const DEEPEST = 50;

/**
 * The contexts whose text can come out of an expression, in small letters, with a star for what is chosen at run time: `github.ref_name == 'main' && 'prod' || inputs.name` lets
 * through `inputs.name` alone. Null for what is no expression.
 */
export function flowsOf(body: string): readonly string[] | null {
  const tokens = tokensOf(body);
  if (tokens === null) return null;
  let at = 0;
  const peek = () => tokens[at];
  const isMark = (...marks: readonly string[]): boolean => {
    const token = tokens[at];
    return token?.kind === "mark" && marks.includes(token.text);
  };
  const take = (mark: string): boolean => {
    if (!isMark(mark)) return false;
    at += 1;
    return true;
  };

  function either(depth: number): readonly string[] | null {
    let flows = both(depth);
    while (flows !== null && take("||")) {
      const right = both(depth);
      flows = right === null ? null : [...flows, ...right];
    }
    return flows;
  }

  /** What stands before `&&` comes out only when it is empty or false. */
  function both(depth: number): readonly string[] | null {
    let flows = compared(depth);
    while (flows !== null && take("&&")) flows = compared(depth);
    return flows;
  }

  function compared(depth: number): readonly string[] | null {
    let flows = one(depth);
    while (flows !== null && isMark("==", "!=", "<", "<=", ">", ">=")) {
      at += 1;
      flows = one(depth) === null ? null : [];
    }
    return flows;
  }

  function one(depth: number): readonly string[] | null {
    if (depth > DEEPEST) return null;
    if (take("!")) return one(depth + 1) === null ? null : [];
    const token = peek();
    if (token === undefined) return null;
    at += 1;
    if (token.kind === "text" || token.kind === "number") return [];
    if (token.kind === "name") return isMark("(") ? called(token.text, depth) : followed(token.text, depth);
    if (token.text !== "(") return null;
    const inner = either(depth + 1);
    return inner !== null && take(")") ? inner : null;
  }

  function called(name: string, depth: number): readonly string[] | null {
    at += 1;
    const flows: string[] = [];
    while (!isMark(")")) {
      const argument = either(depth + 1);
      if (argument === null) return null;
      flows.push(...argument);
      if (!take(",") && !isMark(")")) return null;
    }
    at += 1;
    // What is taken out of a function's answer is as much somebody's as the answer.
    if (isMark(".", "[")) return followed("", depth) === null ? null : flows;
    return opaque.has(name.toLowerCase()) ? [] : flows;
  }

  function followed(name: string, depth: number): readonly string[] | null {
    let path = name.toLowerCase();
    for (;;) {
      if (take(".")) {
        const token = peek();
        if (token === undefined || (token.kind !== "name" && token.text !== "*")) return null;
        at += 1;
        path += `.${token.text.toLowerCase()}`;
      } else if (take("[")) {
        const token = peek();
        const literal = token?.kind === "text" && tokens?.[at + 1]?.text === "]";
        if (either(depth + 1) === null || !take("]")) return null;
        path += literal ? `.${token.text.slice(1, -1).toLowerCase()}` : ".*";
      } else return path === "true" || path === "false" || path === "null" ? [] : [path];
    }
  }

  const flows = either(0);
  return flows === null || at < tokens.length ? null : flows;
}

/** Every context that an expression reads, whether its text comes out or not. */
export function contextsIn(body: string): readonly string[] {
  const tokens = tokensOf(body) ?? [];
  const found: string[] = [];
  for (const [index, token] of tokens.entries()) {
    if (token.kind !== "name" || tokens[index - 1]?.text === "." || tokens[index + 1]?.text === "(") continue;
    let path = token.text.toLowerCase();
    for (let at = index + 1; at < tokens.length; at += 2) {
      const next = tokens[at + 1];
      if (tokens[at]?.text === "." && next !== undefined) path += `.${next.text.toLowerCase()}`;
      else if (tokens[at]?.text === "[" && next?.kind === "text") {
        path += `.${next.text.slice(1, -1).toLowerCase()}`;
        at += 1;
      } else break;
    }
    found.push(path);
  }
  return found;
}

/** Whether an expression of a text reads a context: `secrets`, or something in it. */
export function readsContext(text: string, context: string): boolean {
  return expressionsIn(text).some(({ body }) =>
    contextsIn(body).some((path) => path === context || path.startsWith(`${context}.`)),
  );
}

/** The pieces of an expression; null where it has something that belongs to none. */
export function tokensOf(body: string): readonly Token[] | null {
  const tokens: Token[] = [];
  const pattern = new RegExp(tokenPattern);
  const text = body.trimEnd();
  while (pattern.lastIndex < text.length) {
    const groups = pattern.exec(text)?.groups;
    if (groups === undefined) return null;
    for (const kind of ["text", "name", "number", "mark"] as const)
      if (groups[kind] !== undefined) tokens.push({ kind, text: groups[kind] });
  }
  return tokens;
}
