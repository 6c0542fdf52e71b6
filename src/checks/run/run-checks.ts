import { nextJobs, unmetNeeds } from "../graph.ts";
import type { CheckJob, JobOutcome } from "../types.ts";
import type { Artifacts } from "./artifacts.ts";
import type { JobContext } from "./job-context.ts";
import { runJob } from "./run-job.ts";
import type { JobResult } from "./types.ts";

/**
 * Runs jobs in the order of their needs, so many at once. One that fails stops what needs it and nothing else; after an interruption nothing is started, and what runs ends.
 * @param limit how many at once, at least one
 * @returns the results in the order of the jobs
 */
export async function runChecks(
  jobs: readonly CheckJob[],
  limit: number,
  context: JobContext,
): Promise<readonly JobResult[]> {
  const results = new Map<string, JobResult>();
  const outcomes = new Map<string, JobOutcome>([...context.handed.keys()].map((id) => [id, "passed"]));
  const running = new Map<string, Promise<void>>();

  function end(result: JobResult): void {
    results.set(result.job.id, result);
    outcomes.set(result.job.id, result.outcome);
    context.tell({ kind: "check-ended", at: context.clock.now(), result });
  }

  async function run(job: CheckJob): Promise<void> {
    const handed = new Map<string, Artifacts | null>(
      job.needs.map((need) => [need, (results.get(need) ?? context.handed.get(need))?.artifacts ?? null]),
    );
    end(await runJob(job, jobs.indexOf(job) + 1, handed, context));
    running.delete(job.id);
  }

  while (results.size < jobs.length) {
    if (context.signal.aborted) {
      const left = jobs.filter((job) => !outcomes.has(job.id) && !running.has(job.id));
      for (const job of left) end(neverRun(job, "cancelled", "the run was interrupted before it began"));
    } else {
      const { start, skip } = nextJobs(jobs, outcomes, new Set(running.keys()), limit);
      for (const job of skip) end(neverRun(job, "skipped", skipReason(job, outcomes)));
      for (const job of start) running.set(job.id, run(job));
    }
    if (running.size > 0) await Promise.race(running.values());
  }
  return jobs.map((job) => results.get(job.id) ?? neverRun(job, "cancelled", ""));
}

function skipReason(job: CheckJob, outcomes: ReadonlyMap<string, JobOutcome>): string {
  const unmet = unmetNeeds(job, outcomes);
  return unmet.length === 0 ? "what it needs did not pass" : `${unmet.join(", ")} did not pass`;
}

function neverRun(job: CheckJob, outcome: "cancelled" | "skipped", reason: string): JobResult {
  return {
    job,
    outcome,
    durationMs: null,
    reasons: [reason],
    error: null,
    reports: null,
    artifacts: null,
    keptIn: null,
  };
}
