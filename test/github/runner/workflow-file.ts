import type { Expression, Tree } from "../official/parser.ts";
import { type Events, parseOfficially } from "../official/parser.ts";

/** What a job or a workflow may do with its token; `undefined` where the file says nothing. */
export type Permissions = Readonly<Record<string, "read" | "write" | "none">> | "read-all" | "write-all";

export type Step = {
  readonly id: string;
  /** An expression, with the `success()` that GitHub puts before it. */
  readonly condition: string;
  readonly name: Tree | undefined;
  readonly uses: string | undefined;
  readonly with: Tree | undefined;
  readonly run: Tree | undefined;
  readonly shell: Tree | undefined;
  readonly workingDirectory: Tree | undefined;
  readonly env: Tree | undefined;
  readonly continueOnError: Tree | undefined;
  readonly timeoutMinutes: Tree | undefined;
};

export type Job = {
  readonly id: string;
  readonly condition: string;
  readonly name: Tree | undefined;
  readonly needs: readonly string[];
  readonly permissions: Permissions | undefined;
  readonly concurrency: Tree | undefined;
  readonly environment: Tree | undefined;
  readonly strategy: Tree | undefined;
  readonly outputs: Tree | undefined;
  readonly env: Tree | undefined;
  readonly timeoutMinutes: Tree | undefined;
  readonly shell: Tree | undefined;
  readonly steps: readonly Step[];
};

export type Workflow = {
  /** Path in the repository. */
  readonly file: string;
  readonly name: string;
  readonly runName: Tree | undefined;
  readonly on: Events;
  readonly permissions: Permissions | undefined;
  readonly concurrency: Tree | undefined;
  readonly env: Tree | undefined;
  readonly jobs: readonly Job[];
};

/**
 * Reads a workflow with GitHub's own parser, as what the runner for tests can carry out.
 * @throws Error for what GitHub does not take, and for every key that this runner would otherwise pass over
 */
export async function readWorkflow(file: string, content: string): Promise<Workflow> {
  const parsed = await parseOfficially(file, content);
  const top = keysOf(file, parsed.tree, ["name", "run-name", "on", "permissions", "concurrency", "env", "jobs"]);
  const jobs = mappingOf(file, top("jobs"));
  return {
    file,
    name: typeof top("name") === "string" ? String(top("name")) : file,
    runName: top("run-name"),
    on: parsed.events,
    permissions: permissionsOf(top("permissions")),
    concurrency: top("concurrency"),
    env: top("env"),
    jobs: Array.from(jobs, ([id, tree]) => {
      const conditions = parsed.jobs.get(id);
      if (conditions === undefined) throw new Error(`${file}: GitHub's converter left out ${id}`);
      return jobOf(`${file}: ${id}`, id, mappingOf(file, tree), conditions);
    }),
  };
}

type Conditions = { condition: string; steps: readonly { id: string; condition: string }[] };

function jobOf(where: string, id: string, tree: ReadonlyMap<string, Tree>, conditions: Conditions): Job {
  const job = keysOf(where, tree, [
    "name",
    "if",
    "needs",
    "runs-on",
    "permissions",
    "concurrency",
    "environment",
    "strategy",
    "outputs",
    "env",
    "timeout-minutes",
    "defaults",
    "steps",
  ]);
  const steps = job("steps");
  if (!Array.isArray(steps)) throw new Error(`${where} has no steps`);
  const needs = job("needs") ?? [];
  return {
    id,
    condition: conditions.condition,
    name: job("name"),
    needs: (Array.isArray(needs) ? needs : [needs]).map(String),
    permissions: permissionsOf(job("permissions")),
    concurrency: job("concurrency"),
    environment: job("environment"),
    strategy: job("strategy"),
    outputs: job("outputs"),
    env: job("env"),
    timeoutMinutes: job("timeout-minutes"),
    shell: shellOf(where, job("defaults")),
    steps: steps.map((step: Tree, index) =>
      stepOf(`${where}: step ${index + 1}`, mappingOf(where, step), conditions.steps[index]),
    ),
  };
}

function stepOf(
  where: string,
  tree: ReadonlyMap<string, Tree>,
  known: { id: string; condition: string } | undefined,
): Step {
  if (known === undefined) throw new Error(`${where}: GitHub's converter left it out`);
  const step = keysOf(where, tree, [
    "id",
    "name",
    "if",
    "uses",
    "with",
    "run",
    "shell",
    "working-directory",
    "env",
    "continue-on-error",
    "timeout-minutes",
  ]);
  const uses = step("uses");
  return {
    ...known,
    name: step("name"),
    uses: typeof uses === "string" ? uses : undefined,
    with: step("with"),
    run: step("run"),
    shell: step("shell"),
    workingDirectory: step("working-directory"),
    env: step("env"),
    continueOnError: step("continue-on-error"),
    timeoutMinutes: step("timeout-minutes"),
  };
}

function shellOf(where: string, defaults: Tree | undefined): Tree | undefined {
  if (defaults === undefined) return undefined;
  const run = keysOf(where, mappingOf(where, defaults), ["run"])("run");
  return run === undefined ? undefined : keysOf(where, mappingOf(where, run), ["shell"])("shell");
}

function permissionsOf(tree: Tree | undefined): Permissions | undefined {
  if (tree === undefined) return undefined;
  if (tree === "read-all" || tree === "write-all") return tree;
  if (tree instanceof Map) return Object.fromEntries(tree) as Permissions;
  throw new Error(`permissions cannot be ${JSON.stringify(tree)}`);
}

function mappingOf(where: string, tree: Tree | undefined): ReadonlyMap<string, Tree> {
  if (tree instanceof Map) return tree;
  throw new Error(`${where}: expected a mapping`);
}

function keysOf(
  where: string,
  tree: ReadonlyMap<string, Tree>,
  known: readonly string[],
): (key: string) => Tree | undefined {
  const unknown = [...tree.keys()].filter((key) => !known.includes(key));
  if (unknown.length > 0) throw new Error(`${where}: the runner for tests does not know ${unknown.join(", ")}`);
  return (key) => tree.get(key);
}

export type { Expression, Tree };
