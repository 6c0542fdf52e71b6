import { createReadStream } from "node:fs";
import { isAbsolute, join, posix } from "node:path";
import { stripVTControlCharacters } from "node:util";
import type { Clock } from "../../clock.ts";
import { messageOf, ShiplockError } from "../../errors.ts";
import type { Engine } from "../../hosts/engine.ts";
import { selectFiles } from "../files.ts";
import { judgeReports } from "../judge.ts";
import { cacheKey, type CacheFacts, hashSecret, ingredientsOf } from "../key.ts";
import { readReports } from "../reports/read.ts";
import type { ResultStore } from "../result-store.ts";
import type { CheckJob, JobOutcome, LogLine, ReportSummary } from "../types.ts";
import { type Artifacts, collectArtifacts, folderName, keepArtifacts } from "./artifacts.ts";
import type { Caches, CacheVolume } from "./caches.ts";
import { openContainer, workFolder } from "./container-place.ts";
import type { ImageSource } from "./images.ts";
import type { Ownership } from "./labels.ts";
import type { CommandEnd, Place } from "./place.ts";
import { openFolder } from "./process-place.ts";
import type { CheckedFiles } from "./source.ts";
import type { CheckEvent, JobResult } from "./types.ts";

/** Characters of a check's output that are kept for telling it again; a longer one is cut there. */
const keptCharacters = 16 * 1024 * 1024;

/** What all jobs of a run share. */
export type JobContext = {
  readonly owner: Ownership;
  /** Null where no check needs one. */
  readonly engine: {
    readonly engine: Engine;
    readonly name: string;
    readonly images: ImageSource;
    readonly caches: Caches;
  } | null;
  readonly clock: Clock;
  readonly source: CheckedFiles;
  /** Values of secrets by name. */
  readonly secrets: Readonly<Record<string, string>>;
  /** This machine's own variables, of which processes get a few. */
  readonly machine: Readonly<Record<string, string | undefined>>;
  /** Null: nothing is answered from it, and nothing kept. */
  readonly store: ResultStore | null;
  /** Folder of the run, which ends with it. */
  readonly scratch: string;
  /** Folder in which the artifacts of this commit are kept. */
  readonly artifacts: string;
  readonly mask: (text: string) => string;
  readonly tell: (event: CheckEvent) => void;
  readonly signal: AbortSignal;
};

/** What one try brought. */
type Attempt = Pick<JobResult, "outcome" | "reasons" | "error" | "reports" | "artifacts"> & { log: LogLine[] };

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
      const told = { outcome: "cached", reasons: [], error: null, reports: known.reports } as const;
      return { job, ...told, durationMs: clock.elapsed() - began, artifacts, keptIn };
    }
    const attempt = await tryUntilPassed(job, number, handed, context, note);
    if (attempt.outcome === "passed" && key !== null)
      await remember(key, attempt, clock.elapsed() - began, context, note);
    const keptIn = await keep(job, attempt.artifacts, context, note);
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

async function tryOnce(
  job: CheckJob,
  name: string,
  mark: string,
  handed: ReadonlyMap<string, Artifacts | null>,
  context: JobContext,
  note: (text: string) => void,
): Promise<Attempt> {
  const { check } = job;
  const { clock } = context;
  const log = boundedLog();
  const began = clock.elapsed();
  const tell = ({ stream, text }: { stream: "stdout" | "stderr"; text: string }): void => {
    const line = { atMs: Math.round(clock.elapsed() - began), stream, text: context.mask(plainText(text)) };
    log.add(line);
    tellLine(context, job, line, false);
  };
  const volumes: { path: string; volume: CacheVolume }[] = [];
  let end: CommandEnd | null = null;
  let passed = false;
  try {
    await takeCaches(job, context, volumes);
    const place = await openPlace(job, name, mark, handed, context, volumes, tell);
    try {
      end = await place.run();
      const tar = join(context.scratch, `${name}.tar`);
      const outcome = await readOutcome(job, end, place, tar, context, note);
      passed = outcome.reasons.length === 0;
      return { ...outcome, error: null, outcome: outcomeOf(end, passed), log: log.lines() };
    } finally {
      // Its result stands; the next run finds by its label what could not be removed now.
      await place
        .close()
        .catch((error: unknown) => note(`what it leaves behind could not be removed: ${messageOf(error)}`));
    }
  } catch (error) {
    passed = false;
    return { ...stopped(error, context), reports: null, log: log.lines() };
  } finally {
    for (const { volume } of volumes) {
      const kept = passed || (volume.warm && end?.kind === "ended" && !context.signal.aborted);
      await volume
        .release(kept)
        .catch((error: unknown) => note(`a cache could not be given back: ${messageOf(error)}`));
    }
    if (passed && check.caches.length > 0)
      note(
        `caches: ${volumes.map(({ path, volume }) => `${path} (${volume.warm ? "was filled" : "filled now"})`).join(", ")}`,
      );
  }
}

function outcomeOf(end: CommandEnd, passed: boolean): JobOutcome {
  if (end.kind === "timed-out") return "timed-out";
  return passed ? "passed" : "failed";
}

/** What stands in the way of an answer, as the answer. */
function stopped(
  error: unknown,
  { signal, mask }: JobContext,
): Pick<JobResult, "outcome" | "reasons" | "error" | "artifacts"> {
  if (signal.aborted) return { outcome: "cancelled", reasons: ["it was interrupted"], error: null, artifacts: null };
  const known =
    error instanceof ShiplockError
      ? error
      : new ShiplockError({ code: "check/stopped", message: messageOf(error), cause: error });
  return { outcome: "failed", reasons: [mask(known.message)], error: known, artifacts: null };
}

async function readOutcome(
  job: CheckJob,
  end: CommandEnd,
  place: Place,
  tar: string,
  context: JobContext,
  note: (text: string) => void,
): Promise<{ reasons: string[]; reports: ReportSummary; artifacts: Artifacts | null }> {
  const { check } = job;
  const commandPassed = end.kind === "ended" && end.exitCode === 0;
  const seen = check.place.kind === "container" ? join(workFolder, directoryOf(job, context)) : undefined;
  const { summary, failures } = judgeReports(check, await readReports(check, commandPassed, place.reports, seen));
  const artifacts =
    check.artifacts.length === 0
      ? null
      : await collectArtifacts(place, check.artifacts, directoryOf(job, context), tar, (path) =>
          note(`the artifact ${path} was not written`),
        );
  const reasons = [...commandFailure(end, check.timeoutMs), ...failures].map(context.mask);
  return { reasons, reports: summary, artifacts };
}

function commandFailure(end: CommandEnd, timeoutMs: number): string[] {
  if (end.kind === "timed-out") return [`it did not end within ${timeoutMs / 1000} s and was stopped`];
  if (end.exitCode === 0) return [];
  return [end.because ?? `it ended with exit code ${end.exitCode}`];
}

/** The folder a job runs in, from the repository's root. */
function directoryOf(job: CheckJob, { source }: JobContext): string {
  return posix.join(source.below, job.check.directory);
}

function filesOf(job: CheckJob, { source }: JobContext) {
  const chosen = new Set(
    selectFiles(
      job.check.files,
      source.files.map((file) => file.path),
    ),
  );
  return source.files.filter((file) => chosen.has(file.path));
}

function secretsOf(job: CheckJob, { secrets }: JobContext): Record<string, string> {
  return Object.fromEntries(job.check.secrets.map((name) => [name, secrets[name] ?? ""]));
}

async function factsOf(
  job: CheckJob,
  handed: ReadonlyMap<string, Artifacts | null>,
  context: JobContext,
): Promise<CacheFacts> {
  const { check } = job;
  const images = context.engine?.images;
  const digest = async (reference: string): Promise<string> => (await images?.idOf(reference)) ?? "";
  const secrets = Object.entries(secretsOf(job, context)).map(([name, value]) => [name, hashSecret(value)]);
  return {
    files: filesOf(job, context),
    place:
      check.place.kind === "container"
        ? { kind: "container", imageDigest: await digest(check.place.image) }
        : { kind: "process", machine: `${process.platform} ${process.arch}` },
    secrets: Object.fromEntries(secrets),
    serviceDigests: Object.fromEntries(
      await Promise.all(check.services.map(async ({ name, image }) => [name, await digest(image)] as const)),
    ),
    needs: Object.fromEntries(job.needs.map((need) => [need, handed.get(need)?.hash ?? "nothing"])),
  };
}

async function openPlace(
  job: CheckJob,
  name: string,
  mark: string,
  handed: ReadonlyMap<string, Artifacts | null>,
  context: JobContext,
  volumes: readonly { path: string; volume: CacheVolume }[],
  tell: (line: { stream: "stdout" | "stderr"; text: string }) => void,
): Promise<Place> {
  const { clock, owner, signal, engine } = context;
  const archives = job.needs.flatMap((need) => {
    const artifacts = handed.get(need) ?? null;
    return artifacts === null ? [] : [() => createReadStream(artifacts.tar) as AsyncIterable<Uint8Array>];
  });
  const directory = directoryOf(job, context);
  const env = { CI: "true", ...job.check.env, ...secretsOf(job, context) };
  const shared = {
    clock,
    job,
    root: context.source.root,
    files: filesOf(job, context),
    env,
    handed: archives,
    tell,
    signal,
  };
  if (job.check.place.kind === "process") {
    const scratch = join(context.scratch, name);
    return openFolder({ ...shared, directory, scratch, machine: context.machine, mark });
  }
  if (engine === null)
    throw new ShiplockError({ code: "check/no-engine", blame: "bug", message: "no engine was opened" });
  return openContainer({
    ...shared,
    engine: engine.engine,
    images: engine.images,
    owner,
    name,
    directory: posix.join(workFolder, directory),
    caches: Object.fromEntries(volumes.map(({ path, volume }) => [path, volume.volume])),
  });
}

/** @param taken gets each as soon as it is had, so that what was taken can be given back */
async function takeCaches(
  job: CheckJob,
  context: JobContext,
  taken: { path: string; volume: CacheVolume }[],
): Promise<void> {
  const { check } = job;
  const { engine, owner, source } = context;
  if (engine === null || check.place.kind !== "container") return;
  const directory = directoryOf(job, context);
  const hashes = new Map(source.files.map(({ path, hash }) => [path, hash]));
  for (const cache of check.caches) {
    const path = isAbsolute(cache.path) ? posix.normalize(cache.path) : posix.join(workFolder, directory, cache.path);
    const keys = cache.key.map((file) => {
      const hash = hashes.get(posix.join(directory, file));
      if (hash === undefined) throw noKeyFile(job, cache.path, file);
      return [file, hash] as const;
    });
    const imageId = await engine.images.idOf(check.place.image);
    const identity = { project: owner.project, engine: engine.name, path, imageId, keys: Object.fromEntries(keys) };
    taken.push({ path: cache.path, volume: await engine.caches.take(identity, job.id) });
  }
}

function noKeyFile(job: CheckJob, path: string, file: string): ShiplockError {
  return new ShiplockError({
    code: "check/no-cache-key",
    blame: "usage",
    message: `the cache ${path} belongs to ${file}, which the commit does not have`,
    where: `checks.${job.check.name}.caches`,
    remedy: "name a file by its path from the check's directory, such as the lock file that is committed",
  });
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

function tellLine(context: JobContext, job: CheckJob, line: LogLine, replayed: boolean): void {
  const { stream, text } = line;
  context.tell({ kind: "check-line", at: context.clock.now(), job: job.id, stream, text, replayed });
}

/** A line as it stands in the end: without colours, and without what was written over. */
function plainText(line: string): string {
  return stripVTControlCharacters(line).replace(/^.*\r(?=.)/s, "");
}

function boundedLog(): { add(line: LogLine): void; lines(): LogLine[] } {
  const lines: LogLine[] = [];
  let left = keptCharacters;
  return {
    add(line) {
      if (left <= 0) return;
      left -= line.text.length + 1;
      lines.push(left > 0 ? line : { ...line, text: "(the rest of its output was not kept)" });
    },
    lines: () => lines,
  };
}
