import { join } from "node:path";
import { messageOf, ShiplockError } from "../../errors.ts";
import { cacheKey, ingredientsOf } from "../key.ts";
import type { CheckJob } from "../types.ts";
import { type Artifacts, folderName, keepArtifacts } from "./artifacts.ts";
import { type Attempt, stopped, tryOnce } from "./attempt.ts";
import { factsOf, type JobContext, tellLine } from "./job-context.ts";
import type { JobResult } from "./types.ts";

/**
 * Runs one job: answers it from what is known, or tries it until it passes or its tries are used up. Whatever goes wrong is an answer; nothing of it is left when it comes.
 * @param number of the job in its run, for names
 * @param handed what the jobs that it needs hand over, by their ids
 */
export async function runJob(
  job: CheckJob,
  number: number,
  handed: ReadonlyMap<string, Artifacts | null>,
  context: JobContext,
): Promise<JobResult> {
  const { check } = job;
  const { clock, store } = context;
  const began = clock.elapsed();
  const note = (text: string): void =>
    context.tell({ kind: "check-note", at: clock.now(), job: job.id, text: context.mask(text) });
  try {
    const key =
      store === null || !check.cached ? null : cacheKey(ingredientsOf(job, await factsOf(job, handed, context)));
    const known = key === null ? null : await store?.find(key);
    if (known !== null && known !== undefined) {
      for (const line of known.log) tellLine(context, job, line, true);
      const artifacts =
        known.artifacts === null ? null : { tar: known.artifacts, hash: known.artifactsHash ?? "unknown" };
      const keptIn = await keep(job, artifacts, context, note);
      await handOver(job, artifacts, context, note);
      const told = { outcome: "cached", reasons: [], error: null, reports: known.reports } as const;
      return { job, ...told, durationMs: clock.elapsed() - began, artifacts, keptIn };
    }
    const attempt = await tryUntilPassed(job, number, handed, context, note);
    if (attempt.outcome === "passed" && key !== null)
      await remember(key, attempt, clock.elapsed() - began, context, note);
    const keptIn = await keep(job, attempt.artifacts, context, note);
    if (attempt.outcome === "passed") await handOver(job, attempt.artifacts, context, note);
    const { log: _log, ...result } = attempt;
    return { job, ...result, durationMs: clock.elapsed() - began, keptIn };
  } catch (error) {
    return { job, ...stopped(error, context), reports: null, durationMs: clock.elapsed() - began, keptIn: null };
  }
}

async function tryUntilPassed(
  job: CheckJob,
  number: number,
  handed: ReadonlyMap<string, Artifacts | null>,
  context: JobContext,
  note: (text: string) => void,
): Promise<Attempt> {
  const tries = job.check.retries + 1;
  for (let attempt = 1; ; attempt += 1) {
    context.tell({ kind: "check-started", at: context.clock.now(), job: job.id, attempt });
    const name = `shiplock-check-${context.owner.run}-${number}${attempt === 1 ? "" : `-${attempt}`}`;
    const done = await tryOnce(job, name, `${context.owner.run}/${number}`, handed, context, note);
    if (done.outcome === "passed" || done.outcome === "cancelled" || attempt >= tries) return done;
    note(`try ${attempt} of ${tries} failed: ${done.reasons.join("; ")}`);
  }
}

async function remember(
  key: string,
  attempt: Attempt,
  durationMs: number,
  { store }: JobContext,
  note: (text: string) => void,
): Promise<void> {
  const { reports, artifacts, log } = attempt;
  const none = { tests: null, coverage: null, warnings: null };
  try {
    await store?.save(key, {
      outcome: "passed",
      log,
      artifacts: artifacts?.tar ?? null,
      reports: reports ?? none,
      durationMs,
    });
  } catch (error) {
    if (!(error instanceof ShiplockError)) throw error;
    note(`warning: its result could not be kept for the next time: ${error.message}`);
  }
}

/** Whoever needs it and does not find it runs it again. */
async function handOver(
  job: CheckJob,
  artifacts: Artifacts | null,
  { handover }: JobContext,
  note: (text: string) => void,
): Promise<void> {
  try {
    await handover?.leave(job.id, artifacts);
  } catch (error) {
    if (!(error instanceof ShiplockError)) throw error;
    note(`warning: ${error.message}`);
  }
}

async function keep(
  job: CheckJob,
  artifacts: Artifacts | null,
  context: JobContext,
  note: (text: string) => void,
): Promise<string | null> {
  if (artifacts === null) return null;
  const folder = join(context.artifacts, folderName(job.id));
  try {
    await keepArtifacts(artifacts, folder, context.owner.run, note);
    return folder;
  } catch (error) {
    note(`warning: its artifacts could not be kept: ${messageOf(error)}`);
    return null;
  }
}
