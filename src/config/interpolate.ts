import { ShiplockError, type SourceLocation } from "../errors.ts";
import { quote } from "./display.ts";

export type Variables = Readonly<Record<string, string | undefined>>;

export type TemplatePart =
  | { kind: "text"; text: string }
  | { kind: "variable"; name: string; fallback: string | undefined; demand: string | undefined };

/**
 * Takes a text with `${NAME}`, `${NAME:-default}`, `${NAME:?message}` and `$$` apart. A text that is none of these is answered with the
 * sentence that says why.
 */
export function parseTemplate(text: string): { parts: readonly TemplatePart[] } | { problem: string } {
  const parts: TemplatePart[] = [];
  const token = /\$\$|\$\{([^}]*)(\}?)|\$([A-Za-z_]\w*)/g;
  let end = 0;
  for (const match of text.matchAll(token)) {
    parts.push({ kind: "text", text: text.slice(end, match.index) });
    end = match.index + match[0].length;
    const [whole, inside, closing, bare] = match;
    if (whole === "$$") {
      parts.push({ kind: "text", text: "$" });
      continue;
    }
    if (bare !== undefined)
      return { problem: `$${bare} is not filled in: write \${${bare}}, or $$${bare} for a real dollar sign` };
    if (closing === "") return { problem: `${quote(whole)} lacks its closing brace; $$ is a real dollar sign` };
    const reference = /^([A-Za-z_]\w*)(?::(-|\?)([^]*))?$/.exec(inside ?? "");
    const [, name, operator, rest] = reference ?? [];
    if (name === undefined || rest?.includes("${")) {
      return {
        problem: `${quote(whole)} is not one of \${NAME}, \${NAME:-default}, \${NAME:?message}; $$ is a real dollar sign`,
      };
    }
    const fallback = operator === "-" ? rest : undefined;
    parts.push({ kind: "variable", name, fallback, demand: operator === "?" ? rest : undefined });
  }
  parts.push({ kind: "text", text: text.slice(end) });
  return { parts: parts.filter((part) => part.kind === "variable" || part.text !== "") };
}

/** The names of the variables that a text refers to; empty for a text that is no valid template. */
export function variablesIn(text: string): readonly string[] {
  const template = parseTemplate(text);
  if ("problem" in template) return [];
  return template.parts.flatMap((part) => (part.kind === "variable" ? [part.name] : []));
}

/**
 * Fills in `${NAME}`, `${NAME:-default}` (also for an empty value) and `${NAME:?message}` (an empty value counts as unset) and turns `$$`
 * into `$`. Values are put in as they are and not looked through again.
 *
 * Errors: `config/unset-variable` names the first variable without a value and where the text comes from; `config/bad-reference` for a
 * reference that is not one of these forms. Neither holds a value.
 */
export function interpolate(text: string, variables: Variables, where?: SourceLocation | string): string {
  const template = parseTemplate(text);
  const origin = where === undefined ? {} : { where };
  if ("problem" in template) {
    throw new ShiplockError({ code: "config/bad-reference", blame: "usage", message: template.problem, ...origin });
  }
  return template.parts.map((part) => (part.kind === "text" ? part.text : valueOf(part, variables, origin))).join("");
}

function valueOf(
  part: Extract<TemplatePart, { kind: "variable" }>,
  variables: Variables,
  origin: { where?: SourceLocation | string },
): string {
  const value = Object.hasOwn(variables, part.name) ? variables[part.name] : undefined;
  const emptyCounts = part.fallback === undefined && part.demand === undefined;
  if (value !== undefined && (emptyCounts || value !== "")) return value;
  if (part.fallback !== undefined) return part.fallback;
  const said = part.demand === undefined || part.demand === "" ? "" : `: ${quote(part.demand)}`;
  throw new ShiplockError({
    code: "config/unset-variable",
    blame: "usage",
    message: `The variable ${part.name} is ${value === "" ? "empty" : "not set"}${said}.`,
    remedy: `Set ${part.name} under the environment's "variables", or in the environment of the command.`,
    ...origin,
  });
}
