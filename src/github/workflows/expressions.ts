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
  if (typeof condition === "string") return condition;
  const [only, ...others] = "all" in condition ? condition.all : condition.any;
  if (only === undefined) return "all" in condition ? "true" : "false";
  return others.length === 0 ? expressionOf(only) : termsOf(condition).join("all" in condition ? " && " : " || ");
}

/** A condition for `if`, on as many lines as it takes. */
export function ifOf(condition: Condition): string | Folded {
  const whole = expressionOf(condition);
  if (whole.length < widest) return whole.startsWith("!") ? valueOf(whole) : whole;
  const terms = termsOf(condition);
  const operator = typeof condition !== "string" && "any" in condition ? "||" : "&&";
  const lines = terms.map((term, index) => (index === terms.length - 1 ? term : `${term} ${operator}`));
  // YAML takes a text that begins with ! for a tag.
  if (!whole.startsWith("!")) return { kind: "folded", lines };
  const last = lines.length - 1;
  const marked = lines.map((line, index) => `${index === 0 ? "${{ " : ""}${line}${index === last ? " }}" : ""}`);
  return { kind: "folded", lines: marked };
}

/** The value of an expression. */
export function valueOf(expression: string): string {
  return `\${{ ${expression} }}`;
}

/** A text that stands for itself where expressions are filled in. */
export function literal(text: string): string {
  return text.replaceAll("${{", "${{ '${{' }}");
}

/** The parts of a condition, each in parentheses that is not a single comparison. */
function termsOf(condition: Condition): string[] {
  if (typeof condition === "string") return [condition];
  const parts = "all" in condition ? condition.all : condition.any;
  if (parts.length === 1) return termsOf(parts[0] ?? "true");
  return parts.map((part) => {
    const written = expressionOf(part);
    return written.includes(" && ") || written.includes(" || ") ? `(${written})` : written;
  });
}
