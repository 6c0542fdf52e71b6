import type { Folded } from "./yaml.ts";

/** A condition of GitHub's expression language: one comparison, or several of which all have to be true, or one. */
export type Condition = string | { readonly all: readonly Condition[] } | { readonly any: readonly Condition[] };

/** A line longer than this is hard to read beside the rest of the file. */
const widest = 100;

/** A text of GitHub's expression language; a quote is doubled in it. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

/** A condition as an expression. */
export function expressionOf(condition: Condition): string {
  const { terms, operator } = takenApart(condition);
  return terms.length === 0 ? "false" : terms.join(` ${operator} `);
}

/**
 * A condition for `if`, on as many lines as it takes. Never in `${{ }}`: on several lines GitHub takes what surrounds that for text, and every text is true.
 */
export function ifOf(condition: Condition): string | Folded {
  const whole = expressionOf(condition);
  const { terms, operator } = takenApart(condition);
  const last = terms.length - 1;
  if (whole.length < widest || last < 1) return whole;
  return { kind: "folded", lines: terms.map((term, index) => (index === last ? term : `${term} ${operator}`)) };
}

/** The value of an expression. */
export function valueOf(expression: string): string {
  return `\${{ ${expression} }}`;
}

/** A text that stands for itself where expressions are filled in. */
export function literal(text: string): string {
  return text.replaceAll("${{", "${{ '${{' }}");
}

/** The terms of a condition and what joins them; each is in parentheses that is joined itself, in another way. What holds one part alone is that part. */
function takenApart(condition: Condition): { terms: string[]; operator: "&&" | "||" } {
  if (typeof condition === "string") return { terms: [condition], operator: "&&" };
  const parts = "all" in condition ? condition.all : condition.any;
  const [only, ...others] = parts;
  if (only !== undefined && others.length === 0) return takenApart(only);
  const operator = "all" in condition ? "&&" : "||";
  const terms = parts.flatMap((part) => {
    const inner = takenApart(part);
    if (inner.terms.length < 2) return [expressionOf(part)];
    return inner.operator === operator ? inner.terms : [`(${inner.terms.join(` ${inner.operator} `)})`];
  });
  return { terms, operator };
}
