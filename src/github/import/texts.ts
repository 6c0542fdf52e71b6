import { expressionsIn } from "../read/expressions.ts";
import { type JobFacts, variableIn } from "../read/project.ts";
import type { Step, Value } from "../read/types.ts";
import { textOf, textsOf, valueAt } from "../read/values.ts";
import type { Found } from "./types.ts";

/** One combination of a matrix: its values by name. */
export type Row = Readonly<Record<string, string>>;

/** What a text is read with. */
export type Reading = {
  readonly facts: JobFacts;
  readonly step: Pick<Step, "env" | "with">;
  readonly row: Row;
  /** Inputs of the workflow, where another one calls it. */
  readonly inputs: Row;
  /** `acme/shop`, where it is known. */
  readonly repository: string | null;
};

/** More than any matrix of places or images has. */
const MOST_ROWS = 60;
const DEEPEST = 4;

/** The combinations of a job's matrix; one without values where it has none. */
export function rowsOf(matrix: Value | null): readonly Row[] {
  if (matrix?.kind !== "map") return [{}];
  let rows: readonly Row[] = [{}];
  for (const { key, value } of matrix.entries) {
    if (key === "include" || key === "exclude") continue;
    const values = textsOf(value);
    if (values.length === 0 || rows.length * values.length > MOST_ROWS) continue;
    rows = rows.flatMap((row) => values.map((each) => ({ ...row, [key]: each })));
  }
  const include = valueAt(matrix, "include");
  const added = include?.kind === "list" ? include.items.map(rowOf).filter((row) => Object.keys(row).length > 0) : [];
  if (added.length === 0) return rows;
  return Object.keys(rows[0] ?? {}).length === 0 ? added.slice(0, MOST_ROWS) : mixed(rows, added);
}

function rowOf(value: Value): Row {
  if (value.kind !== "map") return {};
  return Object.fromEntries(
    value.entries.flatMap(({ key, value: one }) => {
      const text = textOf(one);
      return text === null ? [] : [[key, text]];
    }),
  );
}

/** What `include` adds goes to the combinations that it agrees with, or is one of its own. */
function mixed(rows: readonly Row[], added: readonly Row[]): readonly Row[] {
  const agrees = (row: Row, more: Row): boolean =>
    Object.entries(more).every(([key, value]) => row[key] === undefined || row[key] === value) &&
    Object.keys(more).some((key) => row[key] !== undefined);
  const grown = rows.map((row) =>
    added.filter((more) => agrees(row, more)).reduce((all, more) => ({ ...all, ...more }), row),
  );
  const alone = added.filter((more) => !rows.some((row) => agrees(row, more)));
  return [...grown, ...alone].slice(0, MOST_ROWS);
}

/** A text with what the files themselves answer of its expressions: `env`, the matrix, the inputs of a called workflow, the repository's name. The rest stays as it is written. */
export function filledIn(text: string, reading: Reading, depth = 0): string {
  let filled = "";
  let from = 0;
  for (const { start, end, body } of expressionsIn(text)) {
    filled +=
      text.slice(from, start) +
      (depth < DEEPEST ? (answerOf(body, reading, depth) ?? text.slice(start, end)) : text.slice(start, end));
    from = end;
  }
  return filled + text.slice(from);
}

function answerOf(body: string, reading: Reading, depth: number): string | null {
  const [, context, name] = /^(env|matrix|inputs)\.([\w-]+)$/i.exec(body) ?? [];
  const { row, inputs, repository } = reading;
  if (context === "matrix") return own(row, name);
  if (context === "inputs") return own(inputs, name);
  if (context === "env") {
    const found = variableIn(reading.facts, reading.step, name ?? "");
    return found === null ? null : filledIn(found, reading, depth + 1);
  }
  if (repository === null) return null;
  if (body === "github.repository") return repository.toLowerCase();
  if (body === "github.repository_owner") return repository.toLowerCase().split("/", 1)[0] ?? null;
  return body === "github.event.repository.name" ? (repository.toLowerCase().split("/")[1] ?? null) : null;
}

function own(values: Row, name: string | undefined): string | null {
  return name !== undefined && Object.hasOwn(values, name) ? (values[name] ?? null) : null;
}

/** A word of a script: the shell's own `$NAME` is looked up, too. */
export function filledInShell(text: string, reading: Reading): string {
  const looked = text.replaceAll(
    /\$(?:\{([A-Za-z_]\w*)\}|([A-Za-z_]\w*))/g,
    (whole, braced?: string, bare?: string) => {
      const value = variableIn(reading.facts, reading.step, braced ?? bare ?? "");
      return value ?? whole;
    },
  );
  return filledIn(looked, reading);
}

/** Nothing of it is left to be answered. */
export function isKnown(text: string): boolean {
  return !/\$[{(A-Za-z_]|`/.test(text);
}

/** The secret that a text is, or one that stands in it. */
export function secretIn(text: string): string | null {
  if (/\$\{\{\s*github\.token\s*\}\}/.test(text)) return "GITHUB_TOKEN";
  return /\$\{\{[^}]*\bsecrets\.(\w+)/.exec(text)?.[1] ?? null;
}

/** In words, who knows what a text leaves open. */
export function whoKnows(text: string): string {
  const secret = secretIn(text);
  if (secret !== null) return `the secret ${secret} on GitHub`;
  const variable = /\bvars\.(\w+)/.exec(text)?.[1];
  if (variable !== undefined) return `the variable ${variable} on GitHub`;
  const input = /\binputs\.([\w-]+)/.exec(text)?.[1];
  return input === undefined ? text : `the input ${input}`;
}

/** The first line of a text, as a list names it. */
export function headline(text: string): string {
  const [first = ""] = text.trim().split("\n");
  return first.length > 100 ? `${first.slice(0, 97)}...` : first;
}

/** Each value once, with the first line that says it. */
export function uniqueFound<Said>(found: readonly Found<Said>[]): readonly Found<Said>[] {
  const seen = new Set<string>();
  return found.filter(({ value }) => {
    const key = JSON.stringify(value);
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}
