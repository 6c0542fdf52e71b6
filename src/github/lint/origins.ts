import { expressionsIn, flowsOf } from "../read/expressions.ts";
import { callersOf, type Project, variableIn } from "../read/project.ts";
import type { Workflow } from "../read/types.ts";
import { textOf, valueAt } from "../read/values.ts";
import { refIsFree } from "./refs.ts";

/** Who chooses a text. `anybody`: also somebody without any right; `writers`: who may push, tag or start a workflow. */
export type Origin = { readonly what: string; readonly who: "anybody" | "writers" };

/** What is known around an expression. */
export type OriginScope = {
  readonly project: Project;
  /** Null inside an action. */
  readonly workflow: Workflow | null;
  /** A variable of `env` as it is written. */
  readonly variable: (name: string) => string | null;
  /** What the step with an id uses. */
  readonly stepUses: (id: string) => string | null;
  /** What the users of an action hand in for an input; null where this is no action. */
  readonly handedIn: (input: string) => readonly { text: string; scope: OriginScope }[] | null;
  readonly depth: number;
};

/** Variables that hold variables, workflows that call workflows. */
const DEEPEST = 5;

/** What people without any right write. */
const anybody: readonly (readonly [RegExp, string])[] = [
  [/^github\.event\.(?:issue|pull_request|discussion)\.title$/, "a title"],
  [
    /^github\.event\.(?:issue|pull_request|discussion|comment|review|review_comment)\.body$/,
    "a text that somebody wrote",
  ],
  [
    /^github\.event\.(?:commits\.\S+|head_commit|workflow_run\.head_commit)\.(?:message|(?:author|committer)\.(?:email|name))$/,
    "the words of a commit",
  ],
  [
    /^github\.event\.pull_request\.head\.(?:ref|label|repo\.(?:default_branch|description|homepage))$/,
    "the name of a pull request's branch",
  ],
  [/^github\.head_ref$/, "the name of a pull request's branch"],
  [
    /^github\.event\.workflow_run\.(?:head_branch|display_title)$/,
    "the name of the branch, or the title, of the run before",
  ],
  [/^github\.event\.workflow_run\.pull_requests\.\S+\.head\.ref$/, "the name of a pull request's branch"],
  [/^github\.event\.pages\.\S+\.page_name$/, "the name of a page"],
  [/^github\.event\.client_payload(?:\.\S+)?$/, "what somebody sent"],
  // The whole of something that holds one of these.
  [
    /^github\.event(?:\.(?:issue|pull_request|discussion|comment|review|commits|head_commit|workflow_run|pages))?$/,
    "the whole event, with what people wrote",
  ],
  [/^github\.event\.pull_request\.head$/, "the name of a pull request's branch"],
  [/^github$/, "the whole event, with what people wrote"],
];

/** What people write who may push, tag or publish. */
const writers: readonly (readonly [RegExp, string])[] = [
  [/^github\.event\.release(?:\.(?:tag_name|name|body|target_commitish))?$/, "what the release says"],
  [/^github\.event\.label\.name$/, "the name of a label"],
];

/** Actions whose outputs hold names of files or branches. */
const tellingActions =
  /^(?:tj-actions\/(?:changed-files|branch-names)|xt0rted\/pull-request-comment-branch|jitterbit\/get-changed-files|trilom\/file-changes-action)@/;

/** Who chooses the text of a context; null for one that cannot hold anything harmful, or of which that is not known. */
export function originOf(context: string, scope: OriginScope): Origin | null {
  for (const [pattern, what] of anybody) if (pattern.test(context)) return { what, who: "anybody" };
  for (const [pattern, what] of writers) if (pattern.test(context)) return { what, who: "writers" };
  if (/^github\.(?:ref|ref_name|event\.ref)$/.test(context))
    return scope.workflow !== null && refIsFree(scope.workflow)
      ? { what: "the name of a branch or tag", who: "writers" }
      : null;
  const input = /^(?:github\.event\.)?inputs\.([\w-]+)$/.exec(context)?.[1];
  if (input !== undefined) return originOfInput(input, scope);
  const variable = /^env\.(\w+)$/.exec(context)?.[1];
  if (variable !== undefined && scope.depth < DEEPEST) return originOfVariable(variable, scope);
  const step = /^steps\.([\w-]+)\.outputs\./.exec(context)?.[1];
  if (step !== undefined && tellingActions.test(scope.stepUses(step) ?? ""))
    return { what: "names of files or branches", who: "anybody" };
  return null;
}

/** A variable whose value is itself an expression: `${{ env.TITLE }}` is as bad as what it stands for. */
function originOfVariable(name: string, scope: OriginScope): Origin | null {
  // Contexts compare without regard to capitals; variables in `env` are written in capitals.
  const written = scope.variable(name) ?? scope.variable(name.toUpperCase());
  return written === null ? null : originOfText(written, { ...scope, depth: scope.depth + 1 });
}

function originOfText(text: string, scope: OriginScope): Origin | null {
  for (const { body } of expressionsIn(text))
    for (const flow of flowsOf(body) ?? []) {
      const origin = originOf(flow, scope);
      if (origin !== null) return origin;
    }
  return null;
}

function originOfInput(name: string, scope: OriginScope): Origin | null {
  const { workflow, project, depth } = scope;
  if (depth >= DEEPEST) return null;
  const handed = scope.handedIn(name);
  if (workflow === null) {
    if (handed === null || handed.length === 0) return { what: `the action's input ${name}`, who: "writers" };
    return firstOrigin(handed.map(({ text, scope: theirs }) => originOfText(text, { ...theirs, depth: depth + 1 })));
  }
  if (isTyped(workflow, "workflow_dispatch", name)) return { what: `the input ${name}`, who: "writers" };
  if (!isTyped(workflow, "workflow_call", name)) return null;
  const callers = callersOf(project, workflow);
  if (callers.length === 0) return { what: `the input ${name}`, who: "writers" };
  return firstOrigin(
    callers.map(({ job, workflow: calling }) => {
      const written = textOf(job.with.find(({ key }) => key.toLowerCase() === name)?.value) ?? "";
      const variable = (key: string) => variableIn({ job, workflow: calling }, { env: [] }, key);
      return originOfText(written, { ...scope, workflow: calling, variable, handedIn: () => null, depth: depth + 1 });
    }),
  );
}

function firstOrigin(origins: readonly (Origin | null)[]): Origin | null {
  return origins.find((origin) => origin !== null) ?? null;
}

/** Whether an input of a workflow takes any text, and not one of a list, a number or a truth value. */
function isTyped({ triggers }: Workflow, event: string, name: string): boolean {
  const inputs = valueAt(triggers.find((trigger) => trigger.event === event)?.options, "inputs");
  if (inputs?.kind !== "map") return false;
  const input = inputs.entries.find(({ key }) => key.toLowerCase() === name);
  if (input === undefined) return false;
  return !["boolean", "number", "choice", "environment"].includes(textOf(valueAt(input.value, "type")) ?? "string");
}
