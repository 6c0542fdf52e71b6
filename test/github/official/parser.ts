import { allowJsonImports } from "./json-imports.ts";
import type { WorkflowTemplate } from "@actions/workflow-parser";
import type { TemplateToken } from "@actions/workflow-parser/templates/tokens/template-token";

allowJsonImports();
const parser = await import("@actions/workflow-parser");

/** What stands in `${{ }}`; a text with some of these in it is one `format(…)`, as GitHub makes of it. */
export type Expression = { readonly expression: string };

/** A workflow file as a tree: values as GitHub reads them, with expressions apart from texts. */
export type Tree = string | number | boolean | null | Expression | readonly Tree[] | ReadonlyMap<string, Tree>;

/** What GitHub's converter makes of `on`. */
export type Events = WorkflowTemplate["events"];

/** A workflow as GitHub's own parser and converter read it. Conditions have the `success()` that GitHub puts before them. */
export type ParsedWorkflow = {
  readonly tree: ReadonlyMap<string, Tree>;
  readonly events: Events;
  /** By the job's key. */
  readonly jobs: ReadonlyMap<
    string,
    { readonly condition: string; readonly steps: readonly { id: string; condition: string }[] }
  >;
};

/**
 * Reads a workflow file with GitHub's own parser and converter.
 * @throws Error with every complaint of theirs
 */
export async function parseOfficially(file: string, content: string): Promise<ParsedWorkflow> {
  const { context, value } = parser.parseWorkflow({ name: file, content }, new parser.NoOperationTraceWriter());
  const template = value === undefined ? undefined : await parser.convertWorkflowTemplate(context, value);
  const errors = context.errors.getErrors().map(({ message }) => message);
  if (value === undefined || template === undefined || errors.length > 0)
    throw new Error(`GitHub's parser does not take ${file}:\n${errors.join("\n")}`);
  const tree = treeOf(value);
  if (!(tree instanceof Map)) throw new Error(`${file} is no mapping`);
  const jobs = template.jobs.map((job) => {
    const steps = job.type === "job" ? job.steps : [];
    return [
      job.id.value,
      {
        condition: job.if.expression,
        steps: steps.map((step) => ({ id: step.id, condition: step.if?.expression ?? "success()" })),
      },
    ] as const;
  });
  return { tree, events: template.events, jobs: new Map(jobs) };
}

/** What GitHub's tokens say, without their classes. */
export function treeOf(token: TemplateToken): Tree {
  if (parser.isBasicExpression(token)) return { expression: token.expression };
  if (parser.isString(token) || parser.isNumber(token) || parser.isBoolean(token)) return token.value;
  if (parser.isSequence(token)) return Array.from(token, treeOf);
  if (parser.isMapping(token)) return new Map(Array.from(token, ({ key, value }) => [keyOf(key), treeOf(value)]));
  if (parser.isLiteral(token)) return null;
  throw new Error(`the runner for tests does not know ${token.typeName()}`);
}

function keyOf(token: TemplateToken): string {
  if (parser.isString(token)) return token.value;
  throw new Error("the runner for tests does not evaluate keys");
}
