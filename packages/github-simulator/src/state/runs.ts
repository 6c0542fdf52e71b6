import { runShape, workflowShape } from "../shapes/runs.ts";
import type { Account } from "../types.ts";
import type { Conclusion, Workflow, WorkflowRun } from "./types.ts";
import type { World } from "./world.ts";

export type NewRun = {
  /** The run's number, as in `GITHUB_RUN_ID`; a fresh one where it is null. */
  readonly id: number | null;
  /** `.github/workflows/ci.yml` */
  readonly path: string;
  readonly workflow: string;
  readonly event: string;
  readonly branch: string | null;
  readonly sha: string;
  readonly title: string;
  readonly actor: Account;
};

export function addRun(world: World, about: NewRun): WorkflowRun {
  const { id, path, workflow: name, event, branch, sha, title, actor } = about;
  const now = world.clock.now();
  const workflow = workflowOf(world, path, name);
  const run: WorkflowRun = {
    ...{
      id: id ?? world.nextId(),
      number: world.runs.filter((one) => one.workflow === workflow).length + 1,
      attempt: 1,
    },
    ...{ workflow, event, branch, sha, title, actor, createdAt: now, updatedAt: now },
    ...{ status: "in_progress", conclusion: null, approvals: [] },
  };
  world.runs.push(run);
  return run;
}

export async function endRun(world: World, run: WorkflowRun, conclusion: Conclusion): Promise<void> {
  Object.assign(run, { status: "completed", conclusion, updatedAt: world.clock.now() });
  const head = await world.git.read(run.sha);
  if (head === null || world.hooks.length === 0) return;
  const shapes = { workflow: workflowShape(world, run.workflow), workflow_run: runShape(world, run, head) };
  world.tell("workflow_run", { action: "completed", ...shapes }, run.actor);
}

function workflowOf(world: World, path: string, name: string): Workflow {
  const known = world.workflows.find((workflow) => workflow.path === path);
  if (known !== undefined) return known;
  const workflow = { id: world.nextId(), name, path, createdAt: world.clock.now() };
  world.workflows.push(workflow);
  return workflow;
}
