import type { JsonObject } from "../../../src/json.ts";
import { type Contexts, createEvaluation, type Evaluation } from "../official/expressions.ts";
import type { ConcurrencyGroups, Membership } from "./concurrency.ts";
import { gitHubContext, inputsOf } from "./contexts.ts";
import type { ForeignActions } from "./foreign/table.ts";
import { startJob } from "./job.ts";
import { type Cell, cellsOf } from "./matrix.ts";
import type {
  JobResult,
  JobRun,
  Json,
  Need,
  RunEnd,
  RunIdentity,
  RunnerOptions,
  Settings,
  WorkflowRun,
} from "./types.ts";
import type { Job, Tree } from "./workflow-file.ts";

export type RunSurroundings = {
  readonly options: RunnerOptions;
  readonly groups: ConcurrencyGroups;
  readonly foreign: ForeignActions;
};

/** Begins a run of a workflow: its jobs, each as soon as what it needs has ended, its group lets it, and its environment is approved. */
export function startRun(identity: RunIdentity, { options, groups, foreign }: RunSurroundings): WorkflowRun {
  const { workflow } = identity;
  const cancelled = new AbortController();
  const jobs: JobRun[] = [];
  const waiters = new Set<() => void>();
  const changed = (): void => {
    for (const look of [...waiters]) look();
  };
  const ofRun = runContexts(identity, options);
  const settled = new Map<string, Promise<Need>>();

  /** Every job that this one cannot begin before, also by way of others. */
  function ancestors(job: Job): string[] {
    const near = job.needs
      .map((id) => workflow.jobs.find((other) => other.id === id))
      .filter((found) => found !== undefined);
    return [...new Set(near.flatMap((other) => [other.id, ...ancestors(other)]))];
  }

  async function settle(job: Job): Promise<Need> {
    const before = ancestors(job);
    const known = Object.fromEntries(
      await Promise.all(before.map(async (id) => [id, (await settled.get(id)) ?? missing(id)] as const)),
    );
    const needs = Object.fromEntries(job.needs.map((id) => [id, known[id] ?? missing(id)]));
    const results = Object.values(known).map(({ result }) => result);
    const isCancelled = (): boolean => cancelled.signal.aborted;
    const evaluation = createEvaluation(
      { ...ofRun, needs: Object.fromEntries(Object.entries(needs).map(([id, need]) => [id, plain(need)])) },
      {
        // What was skipped, however far before, is no success.
        success: () => !isCancelled() && results.every((result) => result === "success"),
        failure: () => !isCancelled() && results.includes("failure"),
        cancelled: isCancelled,
        always: () => true,
      },
    );
    if (!evaluation.holds(job.condition)) return { result: isCancelled() ? "cancelled" : "skipped", outputs: {} };
    const strategy = cellsOf(job.strategy === undefined ? undefined : evaluation.value(job.strategy));
    const failed = new AbortController();
    const ends = await Promise.all(
      strategy.cells.map(async (cell) => {
        const end = await runCell(job, cell, needs, strategy.failFast, failed.signal);
        if (end.result === "failure" && strategy.failFast) failed.abort();
        return end;
      }),
    );
    return {
      result: worst(ends.map(({ result }) => result)),
      outputs: Object.assign({}, ...ends.map(({ outputs }) => outputs)),
    };
  }

  async function runCell(
    job: Job,
    cell: Cell,
    needs: Record<string, Need>,
    failFast: boolean,
    failed: AbortSignal,
  ): Promise<Need> {
    const cellContexts = {
      ...ofRun,
      matrix: cell.matrix,
      needs: Object.fromEntries(Object.entries(needs).map(([id, need]) => [id, plain(need)])),
      strategy: { "job-index": cell.index, "job-total": cell.total, "fail-fast": failFast },
    };
    const evaluation = createEvaluation(cellContexts);
    const name = nameOf(job, cell, evaluation);
    const replaced = new AbortController();
    const signal = AbortSignal.any([cancelled.signal, failed, replaced.signal]);
    // A job that runs although the run was cancelled is not cancelled by that once more.
    const own = cancelled.signal.aborted ? AbortSignal.any([failed, replaced.signal]) : signal;
    const leave = await enter(job.concurrency, evaluation, () => replaced.abort(), own);
    if (leave === null) return { result: "cancelled", outputs: {} };
    try {
      const environment = environmentOf(workflow.file, job, evaluation);
      if (environment !== null && !(await (options.approved?.(environment, identity, own) ?? true)))
        return { result: own.aborted ? "cancelled" : "failure", outputs: {} };
      if (own.aborted) return { result: "cancelled", outputs: {} };
      const { jobRun, ended } = startJob({
        run: identity,
        job,
        name,
        cell,
        failFast,
        needs,
        settings: settingsOf(options, environment),
        foreign,
        cancelled: own,
        options,
        onChange: changed,
      });
      jobs.push(jobRun);
      await ended;
      return { result: jobRun.result ?? "failure", outputs: jobRun.outputs };
    } finally {
      leave();
    }
  }

  function enter(
    concurrency: Tree | undefined,
    evaluation: Evaluation,
    cancel: () => void,
    signal: AbortSignal,
  ): Promise<(() => void) | null> {
    if (concurrency === undefined) return Promise.resolve(() => undefined);
    return groups.enter(membershipOf(evaluation.value(concurrency)), cancel, signal);
  }

  async function runAll(): Promise<RunEnd> {
    const evaluation = createEvaluation(ofRun);
    const leave = await enter(workflow.concurrency, evaluation, () => cancelled.abort(), cancelled.signal);
    if (leave === null) return { conclusion: "cancelled", jobs };
    try {
      for (const job of inOrder(workflow.jobs)) settled.set(job.id, settle(job));
      const all = await Promise.allSettled(settled.values());
      const broken = all.find((each) => each.status === "rejected");
      if (broken !== undefined) throw broken.reason;
      const ends = await Promise.all(settled.values());
      return { conclusion: worst(ends.map(({ result }) => result)), jobs };
    } finally {
      leave();
      over = true;
      changed();
    }
  }

  let over = false;
  const name = runName(identity, options);
  const ended = runAll();
  // Whoever awaits it hears of it; a test that failed before must not end the whole run.
  ended.catch(() => undefined);

  return {
    ...identity,
    name,
    jobs,
    cancel: () => cancelled.abort(),
    ended,
    logged: (wanted, says) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const job = jobs.find((each) => each.id === wanted || each.name === wanted);
          const said = job !== undefined && says.test(job.log());
          if (!said && !over && (job === undefined || job.result === null)) return;
          waiters.delete(look);
          if (said) resolve(job);
          else reject(new Error(`${wanted} ended without ${String(says)}:\n${job?.log() ?? "it never ran"}`));
        };
        waiters.add(look);
        look();
      }),
  };
}

/** What GitHub shows for a run, as `run-name` says. */
export function runName(identity: RunIdentity, options: RunnerOptions): string {
  const { runName: written, name } = identity.workflow;
  return written === undefined ? name : createEvaluation(runContexts(identity, options)).text(written);
}

function runContexts(identity: RunIdentity, options: RunnerOptions): Contexts {
  return {
    github: gitHubContext(identity, options),
    inputs: inputsOf(identity),
    vars: { ...options.settings?.variables },
  };
}

/** Jobs such that what one needs stands before it. */
function inOrder(jobs: readonly Job[]): Job[] {
  const ordered: Job[] = [];
  const visit = (job: Job): void => {
    if (ordered.includes(job)) return;
    for (const need of job.needs) visit(jobs.find(({ id }) => id === need) ?? missing(need));
    ordered.push(job);
  };
  for (const job of jobs) visit(job);
  return ordered;
}

function missing(id: string): never {
  throw new Error(`there is no job ${id}`);
}

function plain({ result, outputs }: Need): JsonObject {
  return { result, outputs: { ...outputs } };
}

function worst(results: readonly JobResult[]): JobResult {
  for (const each of ["failure", "cancelled", "success"] as const) if (results.includes(each)) return each;
  return "skipped";
}

function nameOf(job: Job, { matrix }: Cell, evaluation: Evaluation): string {
  if (job.name !== undefined) return evaluation.text(job.name);
  const values = Object.values(matrix);
  return values.length === 0 ? job.id : `${job.id} (${values.map(String).join(", ")})`;
}

function membershipOf(value: Json): Membership {
  const {
    group,
    queue,
    "cancel-in-progress": cancel,
  } = (typeof value === "string" ? { group: value } : value) as JsonObject;
  if (typeof group !== "string" || group === "") throw new Error("a concurrency group has no name");
  return { group, cancelInProgress: cancel === true || cancel === "true", queue: queue === "max" ? "max" : "single" };
}

/**
 * The environment of a job.
 * @throws Error where GitHub would make a deployment of its own for the job, beside ours
 */
function environmentOf(file: string, job: Job, evaluation: Evaluation): string | null {
  if (job.environment === undefined) return null;
  const value = evaluation.value(job.environment);
  const { name, deployment } = (typeof value === "string" ? { name: value } : value) as JsonObject;
  if (deployment !== false)
    throw new Error(`${file}: ${job.id}: GitHub would make a deployment of its own for this job`);
  return name === "" || name === null ? null : String(name);
}

function settingsOf({ settings, environments }: RunnerOptions, environment: string | null): Settings {
  const own = environment === null ? undefined : environments?.[environment];
  return {
    secrets: { ...settings?.secrets, ...own?.secrets },
    variables: { ...settings?.variables, ...own?.variables },
  };
}
