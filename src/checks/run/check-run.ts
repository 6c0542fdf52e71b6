import { randomUUID } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { Engine, RegistryAuth } from "../../hosts/engine.ts";
import type { Masker } from "../../secrets/mask.ts";
import { openResultStore } from "../result-store.ts";
import type { CheckJob } from "../types.ts";
import { openCaches } from "./caches.ts";
import type { Handed, Handover } from "./handover.ts";
import { identityOf, isRunning, machineId, type ProcessIdentity } from "./identity.ts";
import { imageSource } from "./images.ts";
import type { KeptCaches } from "./kept-caches.ts";
import { removeLeftovers, scratchName } from "./leftovers.ts";
import { runChecks } from "./run-checks.ts";
import type { JobContext } from "./job-context.ts";
import { openRunRecords, rivalsOf, type RunRecord, type RunRecords } from "./run-records.ts";
import { noteInStateFolder } from "./state-folder.ts";
import type { CheckedFiles } from "./source.ts";
import type { CheckEvent, JobResult } from "./types.ts";

/** A cache or a result that nobody used for so long is removed. */
const unusedMs = 30 * 24 * 60 * 60_000;
/** Results beyond this go, the longest unused first. */
const keptResultBytes = 5 * 1024 ** 3;

export type CheckRunRequest = {
  readonly project: string;
  /** Full hash; names the folder of kept artifacts. */
  readonly commit: string;
  readonly jobs: readonly CheckJob[];
  /** Jobs that passed elsewhere, by id, with what they made: those that need them go on from there. */
  readonly handed: ReadonlyMap<string, Handed>;
  /** Where results are left for others; null for nowhere. */
  readonly handover: Handover | null;
  /** Where caches are kept as files too; null for nowhere. */
  readonly kept: KeptCaches | null;
  readonly source: CheckedFiles;
  /** Folder of the checkout, to be removed by a later run if this one is killed; null for a working tree. */
  readonly checkout: string | null;
  /** Folder in which runs, caches, results and artifacts are kept on this machine. */
  readonly state: string;
  readonly group: string | null;
  /** How many at once. */
  readonly limit: number;
  /** Whether results are answered from the cache and kept in it. */
  readonly cache: boolean;
  /** Opens the engine of this machine; called only when a check wants a container. `name` is how it is reached. */
  readonly engine: () => { engine: Engine; name: string };
  readonly authFor: (reference: string) => Promise<RegistryAuth | undefined>;
  readonly secrets: Readonly<Record<string, string>>;
  readonly machine: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  readonly mask: Masker;
  readonly tell: (event: CheckEvent) => void;
  readonly signal: AbortSignal;
};

export type CheckRunResult = {
  readonly run: string;
  readonly startedAt: Date;
  readonly endedAt: Date;
  readonly results: readonly JobResult[];
  /** The run that took this one's place. */
  readonly supersededBy: string | null;
};

/**
 * A run of checks from its beginning to its end: first what killed runs of this machine left is removed, and older runs of its group are told to end; then the checks run; then
 * nothing of it is left but results, caches and artifacts.
 * @throws errors of the engine while nothing runs yet; what happens to a check is its result
 */
export async function performCheckRun(request: CheckRunRequest): Promise<CheckRunResult> {
  const { clock, state, project, tell, jobs } = request;
  const note = (text: string): void => tell({ kind: "run-note", at: clock.now(), text: request.mask(text) });
  const opened = jobs.some((job) => job.check.place.kind === "container") ? request.engine() : null;
  await opened?.engine.ping({ signal: request.signal });

  const startedAt = clock.now();
  const run = randomUUID().slice(0, 8);
  const machine = await noteInStateFolder(state, () => machineId(state));
  const records = openRunRecords(join(state, "runs"));
  const record: RunRecord = {
    version: 1,
    run,
    project,
    group: request.group,
    process: await ownIdentity(),
    scratch: join(tmpdir(), scratchName(run)),
    checkout: request.checkout,
    createdAt: startedAt.toISOString(),
  };
  await noteInStateFolder(state, () => records.begin(record));
  try {
    await mkdir(record.scratch, { recursive: true, mode: 0o700 });
    const newer = await endRivals(record, records, note);
    if (newer !== null) return { run, startedAt, endedAt: clock.now(), results: [], supersededBy: newer };
    const alive = await removeLeftovers({ engine: opened?.engine ?? null, machine, records, clock, note });
    const owner = { project, run, machine };
    const { signal } = request;
    const store = openResultStore(join(state, "results"), clock, {
      onDropped: (_key, why) => note(`a result in the cache was broken and is dropped: ${why}`),
    });
    const context: JobContext = {
      ...request,
      owner,
      store: request.cache ? store : null,
      scratch: record.scratch,
      artifacts: join(state, "artifacts", project, request.commit),
      engine:
        opened === null
          ? null
          : {
              ...opened,
              images: imageSource({ engine: opened.engine, authFor: request.authFor, note, signal }),
              caches: openCaches({
                folder: join(state, "caches"),
                engine: opened.engine,
                engineName: opened.name,
                owner,
                clock,
                signal,
              }),
            },
    };
    await attempt("old caches", note, async () => context.engine?.caches.sweep(alive, unusedMs));
    const results = await runChecks(jobs, Math.max(1, request.limit), context);
    await attempt("caches that nothing used", note, async () => request.kept?.sweep());
    await attempt("old results", note, () => store.sweep({ olderThanMs: unusedMs, keepBytes: keptResultBytes }));
    return { run, startedAt, endedAt: clock.now(), results, supersededBy: await records.supersededBy(run) };
  } finally {
    // Its record stays with what could not be removed, so that the next run tries again.
    await attempt(record.scratch, note, async () => {
      await rm(record.scratch, { recursive: true, force: true });
      await records.end(run);
    });
  }
}

/** Tidying is worth a note when it fails, not a run. */
async function attempt(what: string, note: (text: string) => void, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    note(`${what} could not be removed: ${messageOf(error)}`);
  }
}

async function ownIdentity(): Promise<ProcessIdentity> {
  const own = await identityOf(process.pid);
  if (own !== null) return own;
  throw new ShiplockError({
    code: "check/no-identity",
    message: "this process cannot be told apart from others: neither /proc nor `ps` answers",
    remedy: "mount /proc, or install ps",
  });
}

/** Tells older runs of the group to end. Answers the newer one that takes this one's place, if there is one already. */
async function endRivals(own: RunRecord, records: RunRecords, note: (text: string) => void): Promise<string | null> {
  const others = (await records.list()).filter((other) => other.alive);
  const { older, newer } = rivalsOf(own, others);
  if (newer !== null) return newer.run;
  for (const rival of older) {
    await records.supersede(rival.run, own.run);
    // Looked at once more: the number may belong to another process by now.
    if (!(await isRunning(rival.process))) continue;
    note(`ending run ${rival.run} of the group ${own.group ?? ""}, which is older`);
    signalProcess(rival.process.pid);
  }
  return null;
}

function signalProcess(pid: number): void {
  try {
    process.kill(pid, "SIGTERM");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
