import assert from "node:assert/strict";
import type { Json } from "../../../src/json.ts";
import type { WorkflowFile } from "../../../src/github/workflows/types.ts";
import { type Contexts, createEvaluation } from "../official/expressions.ts";
import { type ParsedWorkflow, parseOfficially, type Tree } from "../official/parser.ts";

/** What is read of a job: its keys as written, and what they are in a run. */
export type ReadJob = {
  readonly tree: ReadonlyMap<string, Tree>;
  readonly steps: readonly ReadonlyMap<string, Tree>[];
  readonly needs: readonly string[];
  /** Whether it runs. */
  runs(contexts: Contexts): boolean;
};

/** A workflow as GitHub reads it. */
export async function read(files: readonly WorkflowFile[], name: string): Promise<ParsedWorkflow> {
  const file = files.find((one) => one.name === name);
  assert.ok(file !== undefined, `there is no ${name}, only ${files.map((one) => one.name).join(", ")}`);
  return parseOfficially(name, file.text);
}

export function job(workflow: ParsedWorkflow, name: string): ReadJob {
  const tree = at(at(workflow.tree, "jobs"), name);
  assert.ok(tree instanceof Map, `there is no job ${name}`);
  const condition = workflow.jobs.get(name)?.condition ?? "";
  return {
    tree,
    steps: listAt(tree, "steps") as readonly ReadonlyMap<string, Tree>[],
    needs: listAt(tree, "needs").map(String),
    runs: (contexts) => evaluation(contexts).holds(condition),
  };
}

/** The step of a job that runs a command of Shiplock. */
export function shiplockStep({ steps }: ReadJob, command?: string): ReadonlyMap<string, Tree> {
  const found = steps.find(
    (step) =>
      String(at(step, "uses")).startsWith("shiplock/") &&
      (command === undefined || at(at(step, "with"), "command") === command),
  );
  assert.ok(found !== undefined, `no step runs ${command ?? "a command"}`);
  return found;
}

/** The texts of a mapping, such as `with`, as they are in a run. */
export function textsOf(tree: Tree | undefined, contexts: Contexts = {}): Record<string, string> {
  return evaluation(contexts).texts(tree);
}

export function keysOf(tree: Tree | undefined): string[] {
  return tree instanceof Map ? [...tree.keys()].map(String) : [];
}

export function at(tree: Tree | undefined, key: string): Tree | undefined {
  return tree instanceof Map ? (tree.get(key) as Tree | undefined) : undefined;
}

function listAt(tree: Tree, key: string): readonly Tree[] {
  const found = at(tree, key);
  if (found === undefined) return [];
  return Array.isArray(found) ? (found as readonly Tree[]) : [found];
}

/** Everything that an expression may name is there; what a test does not say is empty. */
function evaluation(contexts: Contexts): ReturnType<typeof createEvaluation> {
  const empty: Record<string, Json> = {
    github: {},
    needs: {},
    inputs: {},
    secrets: {},
    vars: {},
    steps: {},
    matrix: {},
  };
  const answers = { success: true, always: true, failure: false, cancelled: false };
  const functions = Object.fromEntries(Object.entries(answers).map(([name, answer]) => [name, () => answer]));
  return createEvaluation({ ...empty, runner: { temp: "/tmp" }, strategy: { "job-index": 0 }, ...contexts }, functions);
}

/** What GitHub says of a push. */
export function pushed(ref: string): Contexts {
  const [, kind = "", ...name] = ref.split("/");
  return {
    github: {
      event_name: "push",
      ref,
      ref_name: name.join("/"),
      ref_type: kind === "tags" ? "tag" : "branch",
      sha: "c0ffee",
      repository: "acme/shop",
      event: {},
    },
  };
}

/** What GitHub says of a run of the team's own CI that has ended. */
export function ran(more: Readonly<Record<string, Json>> = {}): Contexts {
  return {
    github: {
      event_name: "workflow_run",
      ref: "refs/heads/main",
      ref_name: "main",
      ref_type: "branch",
      sha: "newest",
      repository: "acme/shop",
      event: {
        workflow_run: {
          name: "CI",
          conclusion: "success",
          event: "push",
          head_branch: "main",
          head_sha: "c0ffee",
          head_repository: { full_name: "acme/shop" },
          ...more,
        },
      },
    },
  };
}

/** What GitHub says of a pull request of a repository. */
export function proposed(from = "acme/shop"): Contexts {
  return {
    github: {
      event_name: "pull_request",
      repository: "acme/shop",
      sha: "the merge",
      event: { pull_request: { number: 7, head: { sha: "c0ffee", repo: { full_name: from } } } },
    },
    secrets: { LICENCE_KEY: "s3cret" },
  };
}
