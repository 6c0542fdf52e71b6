import type { CheckRun, CommitState, CommitStatus } from "./types.ts";
import type { World } from "./world.ts";

/** Of each context what was said last, newest first, as GitHub's combined status has them. */
export function newestStatuses(world: World, sha: string): CommitStatus[] {
  const seen = new Map<string, CommitStatus>();
  for (const status of world.commitStatuses.filter((one) => one.sha === sha).reverse())
    if (!seen.has(status.context)) seen.set(status.context, status);
  return [...seen.values()];
}

/** The last check run of each name in each suite, newest first. */
export function newestCheckRuns(runs: readonly CheckRun[]): CheckRun[] {
  const seen = new Map<string, CheckRun>();
  for (const run of [...runs].reverse()) {
    const key = `${run.suite.id} ${run.name}`;
    if (!seen.has(key)) seen.set(key, run);
  }
  return [...seen.values()];
}

/** `failure` where any context is error or failure, `pending` where none or any is pending, else `success`. */
export function combinedState(statuses: readonly CommitStatus[]): CommitState {
  if (statuses.some(({ state }) => state === "error" || state === "failure")) return "failure";
  return statuses.length === 0 || statuses.some(({ state }) => state === "pending") ? "pending" : "success";
}

/**
 * The contexts that keep a commit from being deployed: of `required`, or of all that were reported where that is null.
 * @returns empty when nothing keeps it
 */
export function failingContexts(
  world: World,
  sha: string,
  required: readonly string[] | null,
): { context: string; state: string }[] {
  const states = new Map<string, string>();
  for (const { context, state } of newestStatuses(world, sha)) states.set(context, state);
  for (const run of newestCheckRuns(world.checkRuns.filter((one) => one.sha === sha)))
    if ((states.get(run.name) ?? "success") === "success") states.set(run.name, checkState(run));
  return (required ?? [...states.keys()])
    .map((context) => ({ context, state: states.get(context) ?? "pending" }))
    .filter(({ state }) => state !== "success");
}

function checkState({ status, conclusion }: CheckRun): CommitState {
  if (status !== "completed") return "pending";
  return conclusion === "success" || conclusion === "neutral" || conclusion === "skipped" ? "success" : "failure";
}
