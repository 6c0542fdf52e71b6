import { setMaxListeners } from "node:events";
import { availableParallelism, userInfo } from "node:os";
import { dirname, join } from "node:path";
import { type Checks, namedJobs, passed, selectJobs } from "../checks/graph.ts";
import { definitionsHash } from "../checks/key.ts";
import { type CheckRunResult, performCheckRun } from "../checks/run/check-run.ts";
import { type Handed, type Handover, openHandover } from "../checks/run/handover.ts";
import { openKeptCaches } from "../checks/run/kept-caches.ts";
import { type CheckedFiles, treeHash } from "../checks/run/source.ts";
import type { JobResult } from "../checks/run/types.ts";
import { systemClock } from "../clock.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { ledgerPath } from "../ledger/location.ts";
import type { CheckJobEntry, CheckRunEntry } from "../ledger/types.ts";
import { showChecks } from "./check-progress.ts";
import { type CommandContext, openHistory, originOf } from "./context.ts";
import type { CheckedOutCommit } from "./release-source.ts";
import { registryLogins } from "./registry-logins.ts";
import { demandSecrets, ownerOf } from "./secrets.ts";
import { buildEngine, engineLogin } from "./wiring.ts";

export type CheckOptions = {
  names: readonly string[];
  group: string | null;
  /** How many at once; as many as the machine has cores, unless told. */
  jobs: number | null;
  cache: boolean;
  /** Folder with what passed for this commit on other machines. */
  handed: string | null;
  /** Folder in which what passes is left for others. */
  handOver: string | null;
  /** Folder in which caches are kept as files, for machines that do not last. */
  caches: string | null;
};

/** What is run when a deployment wants its checks first. */
export const everyCheck: CheckOptions = {
  names: [],
  group: null,
  jobs: null,
  cache: true,
  handed: null,
  handOver: null,
  caches: null,
};

/**
 * Runs the checks of a checkout, shows them as they go, and records what became of them.
 * @param files of the checkout
 * @throws ShiplockError `check/unknown`, `secrets/missing`, `build/no-engine`, before anything runs
 */
export async function runChecksOf(
  context: CommandContext,
  source: CheckedOutCommit,
  files: CheckedFiles,
  options: CheckOptions,
): Promise<{ result: CheckRunResult; entry: CheckRunEntry }> {
  const { output, env, signal } = context;
  const { config, commit } = source;
  setMaxListeners(0, signal);
  const handedFor = {
    commit: commit.hash,
    source: sourceName(source, files),
    definitions: definitionsHash(config.checks),
  };
  const there = options.handed === null ? null : openHandover(options.handed, handedFor);
  const handed = await takeHanded(context, config.checks, options.names, there);
  const jobs = selectJobs(config.checks, options.names, new Set(handed.keys()));
  // Those of a job that ran elsewhere are not wanted here.
  const names = [...new Set(jobs.flatMap(({ check }) => check.secrets))];
  const secrets = await demandSecrets(context, ownerOf(config, null), names, "a check of this commit");
  const noLongerTold = tellOnInterrupt(context);
  const result = await performCheckRun({
    project: config.project,
    commit: commit.hash,
    jobs,
    handed,
    handover: options.handOver === null ? null : openHandover(options.handOver, handedFor),
    kept: options.caches === null ? null : openKeptCaches(options.caches),
    source: files,
    checkout: source.dirty ? null : dirname(source.root),
    state: checksFolder(context),
    group: options.group,
    limit: options.jobs ?? availableParallelism(),
    cache: options.cache,
    engine: () => ({ engine: buildEngine(env), name: env["DOCKER_HOST"] ?? "unix:///var/run/docker.sock" }),
    authFor: engineLogin(registryLogins(config, context)),
    secrets,
    machine: env,
    clock: systemClock,
    mask: output.mask,
    tell: showChecks(
      output,
      jobs.map((job) => job.id),
    ),
    signal,
  }).finally(noLongerTold);
  const entry = entryOf(context, source, files, result);
  await record(context, entry);
  return { result, entry };
}

/** What the jobs that are needed and not named left for this run. What cannot be taken is run again, and said. */
async function takeHanded(
  { output }: CommandContext,
  checks: Checks,
  names: readonly string[],
  handover: Handover | null,
): Promise<ReadonlyMap<string, Handed>> {
  if (handover === null || names.length === 0) return new Map();
  const selected = selectJobs(checks, names);
  const named = new Set(namedJobs(checks, selected, names).map(({ id }) => id));
  const handed = new Map<string, Handed>();
  for (const { id } of selected.filter((job) => !named.has(job.id))) {
    try {
      const found = await handover.take(id);
      if (found !== null) handed.set(id, found);
    } catch (error) {
      output.note(`what was handed over of ${id} is not taken, and it runs here: ${messageOf(error)}`);
    }
  }
  return handed;
}

/** Where runs, caches, results and artifacts lie: beside the ledger. */
export function checksFolder(context: CommandContext): string {
  return join(dirname(ledgerPath({ env: context.env, home: userInfo().homedir })), "checks");
}

/** What stands in the ledger for what is checked: a commit, or a working tree by its content. */
export function sourceName(source: CheckedOutCommit, files: CheckedFiles | null): string {
  return source.dirty && files !== null ? treeHash(files) : "commit";
}

/** @returns what ends it: an interruption of what comes after the checks is none of theirs */
function tellOnInterrupt({ signal, output }: CommandContext): () => void {
  const told = (): void =>
    output.note("interrupted: the checks are ended; a second Ctrl-C stops at once, and the next run cleans up");
  signal.addEventListener("abort", told, { once: true });
  return () => signal.removeEventListener("abort", told);
}

function entryOf(
  context: CommandContext,
  source: CheckedOutCommit,
  files: CheckedFiles,
  result: CheckRunResult,
): CheckRunEntry {
  const { who, from } = originOf(context, null);
  return {
    id: result.run,
    project: source.config.project,
    commit: source.commit.hash,
    source: sourceName(source, files),
    definitions: definitionsHash(source.config.checks),
    who,
    origin: from,
    startedAt: result.startedAt.getTime(),
    endedAt: result.endedAt.getTime(),
    result: resultOf(context, result),
    jobs: result.results.map(jobEntry),
  };
}

function resultOf(context: CommandContext, { results, supersededBy }: CheckRunResult): CheckRunEntry["result"] {
  if (supersededBy !== null) return "superseded";
  if (context.signal.aborted) return "interrupted";
  return results.every(({ job, outcome }) => passed(outcome) || !job.check.required) ? "passed" : "failed";
}

function jobEntry({ job, outcome, durationMs, reasons, reports }: JobResult): CheckJobEntry {
  return {
    job: job.id,
    check: job.check.name,
    result: outcome === "cached" ? "passed" : outcome,
    cached: outcome === "cached",
    required: job.check.required,
    durationMs: Math.round(durationMs ?? 0),
    reason: reasons.length === 0 ? null : reasons.join("; "),
    summary: reports,
  };
}

/** Without the record a deployment asks for the checks again: worth a warning, and no reason to throw the results away. */
async function record(context: CommandContext, entry: CheckRunEntry): Promise<void> {
  try {
    const ledger = await openHistory(context);
    await ledger.recordCheckRun(entry).finally(() => ledger.close());
  } catch (error) {
    if (!(error instanceof ShiplockError)) throw error;
    context.output.note(
      `warning: the results could not be recorded on this machine, so a deployment will not know them: ${messageOf(error)}`,
    );
  }
}
