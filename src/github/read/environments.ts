import { conditionOf, expressionsIn, flowsOf } from "./expressions.ts";
import type { Job, Workflow } from "./types.ts";
import { entryAt, textsOf, valueAt } from "./values.ts";

const production = /^(?:prod|production|prd|live)$/;
const staging = /^(?:staging|stage|stg)$/;

/**
 * The environments that a job can change, in small letters: those that `environment` names, the choices of the input or the matrix that it takes its name from, or
 * what the job, the workflow and the file are called. Empty where none of that says it.
 */
export function environmentsOf(workflow: Workflow, job: Job): readonly string[] {
  const written = job.environment?.name.value;
  if (written !== undefined)
    return expressionsIn(written).length === 0 ? [named(written)] : chosen(workflow, job, written);
  for (const text of [job.id, job.name?.value ?? "", workflow.name ?? "", workflow.file.split("/").at(-1) ?? ""]) {
    const found = spokenOf(text);
    if (found.length === 1) return found;
    if (found.length > 1) return [];
  }
  return [];
}

export function isProduction(environment: string): boolean {
  return production.test(environment) || /(?:^|[-_/ ])(?:prod|production|live)(?:$|[-_/ ])/.test(environment);
}

export function isStaging(environment: string): boolean {
  return staging.test(environment) || /(?:^|[-_/ ])(?:stage|staging)(?:$|[-_/ ])/.test(environment);
}

/** A place of one pull request, which nobody else uses. */
export function isPreview(environment: string): boolean {
  return /preview|review|(?:^|[-_/ ])pr(?:$|[-_/ \d])/.test(environment);
}

/** One name for an environment's usual names. */
function named(text: string): string {
  const small = text.trim().toLowerCase();
  return production.test(small) ? "production" : staging.test(small) ? "staging" : small;
}

function spokenOf(text: string): readonly string[] {
  const words = text
    .toLowerCase()
    .split(/[^a-z]+/)
    .map(named);
  return [...new Set(words.filter((word) => word === "production" || word === "staging" || word === "preview"))];
}

/** The names that an expression can have for its value, as far as the file lists them. */
function chosen(workflow: Workflow, job: Job, written: string): readonly string[] {
  const text = written.trim();
  const [expression] = expressionsIn(text);
  if (expression === undefined || expression.start > 0 || expression.end < text.length) return [];
  const names: string[] = [];
  for (const flow of flowsOf(conditionOf(expression.body)) ?? ["?"]) {
    const input = /^(?:github\.event\.)?inputs\.([\w-]+)$/.exec(flow)?.[1];
    const column = /^matrix\.([\w-]+)$/.exec(flow)?.[1];
    const found = input === undefined ? matrixValues(job, column) : inputChoices(workflow, input);
    if (found.length === 0) return [];
    names.push(...found);
  }
  // The texts that can come out beside a context: `inputs.environment || 'staging'`.
  for (const [, literal] of expression.body.matchAll(/(?:&&|\|\|)\s*'([^']*)'(?=\s*(?:$|\|\|))/g))
    if (literal !== undefined && literal !== "") names.push(literal);
  return [...new Set(names.map(named))];
}

function matrixValues({ matrix }: Job, column: string | undefined): readonly string[] {
  if (column === undefined) return [];
  const include = valueAt(matrix, "include");
  const rows = include?.kind === "list" ? include.items : [];
  return [...textsOf(valueAt(matrix, column)), ...rows.flatMap((row) => textsOf(valueAt(row, column)))];
}

/** The choices of an input, whatever the letters of its name. */
function inputChoices({ triggers }: Workflow, name: string): readonly string[] {
  const dispatch = triggers.find(({ event }) => event === "workflow_dispatch");
  const inputs = valueAt(dispatch?.options, "inputs");
  if (inputs?.kind !== "map") return [];
  const key = inputs.entries.find((entry) => entry.key.toLowerCase() === name)?.key;
  return key === undefined ? [] : textsOf(valueAt(entryAt(inputs, key)?.value, "options"));
}
