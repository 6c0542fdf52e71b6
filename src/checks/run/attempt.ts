import { createReadStream } from "node:fs";
import { isAbsolute, join, posix } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { messageOf, ShiplockError } from "../../errors.ts";
import { judgeReports } from "../judge.ts";
import { readReports } from "../reports/read.ts";
import type { CheckJob, JobOutcome, LogLine, ReportSummary } from "../types.ts";
import { type Artifacts, collectArtifacts } from "./artifacts.ts";
import type { CacheVolume } from "./caches.ts";
import type { KeptIdentity } from "./kept-caches.ts";
import { openContainer, workFolder } from "./container-place.ts";
import { directoryOf, filesOf, type JobContext, secretsOf, tellLine } from "./job-context.ts";
import type { CommandEnd, Place } from "./place.ts";
import { openFolder } from "./process-place.ts";
import type { JobResult } from "./types.ts";

/** Characters of a check's output that are kept for telling it again; a longer one is cut there. */
const keptCharacters = 16 * 1024 * 1024;

/** What one try brought. */
export type Attempt = Pick<JobResult, "outcome" | "reasons" | "error" | "reports" | "artifacts"> & { log: LogLine[] };

/**
 * Tries a job once, in a place of its own, and gives back the caches it had. What goes wrong is an answer; nothing is left when it comes.
 * @param name of containers and scratch, unique on this machine
 * @param mark of its processes
 */
export async function tryOnce(
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
  const output = outputOf(context, (line) => {
    log.add(line);
    tellLine(context, job, line, false);
  });
  const tell = ({ stream, text }: { stream: "stdout" | "stderr"; text: string }): void =>
    output.push(stream, Math.round(clock.elapsed() - began), plainText(text));
  const volumes: TakenCache[] = [];
  let end: CommandEnd | null = null;
  let passed = false;
  try {
    await takeCaches(job, context, volumes);
    const place = await openPlace(job, name, mark, handed, context, volumes, tell);
    try {
      end = await place.run().finally(output.end);
      await keepCaches(volumes, end, place, context, note);
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
        `caches: ${volumes.map(({ path, volume, filling }) => `${path} (${volume.warm ? "was filled" : filling === null ? "filled now" : "filled from another machine's"})`).join(", ")}`,
      );
  }
}

/** A cache that a try has. */
type TakenCache = {
  readonly path: string;
  readonly volume: CacheVolume;
  /** Absolute path in the container. */
  readonly at: string;
  readonly identity: KeptIdentity;
  /** Tar file that an empty one is filled from; null where there is none. */
  readonly filling: string | null;
};

/** What a command that passed has filled is kept beside the engine, unless it is already. */
async function keepCaches(
  caches: readonly TakenCache[],
  end: CommandEnd,
  place: Place,
  { kept }: JobContext,
  note: (text: string) => void,
): Promise<void> {
  if (kept === null || end.kind !== "ended" || end.exitCode !== 0) return;
  for (const { path, at, identity } of caches) {
    try {
      if ((await kept.find(identity)) !== null) continue;
      const content = await place.cache(at);
      if (content !== null) await kept.keep(identity, content);
    } catch (error) {
      note(`warning: the cache ${path} could not be kept for other machines: ${messageOf(error)}`);
    }
  }
}

function outcomeOf(end: CommandEnd, passed: boolean): JobOutcome {
  if (end.kind === "timed-out") return "timed-out";
  return passed ? "passed" : "failed";
}

/** What stands in the way of an answer, as the answer. */
export function stopped(
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
  const { summary, failures } = judgeReports(
    check,
    await readReports(check, commandPassed, place.reports, context.mask, place.folder),
  );
  const artifacts =
    check.artifacts.length === 0
      ? null
      : await collectArtifacts(place, check.artifacts, directoryOf(job, context), tar, (path) =>
          note(`the artifact ${path} was not written`),
        );
  const reasons = [...commandFailure(end, check.timeoutMs), ...failures].map(context.mask);
  return { reasons, reports: keptReports(summary, directoryOf(job, context), context.mask), artifacts };
}

/**
 * A test may put what it was given into its message or its name, and both are kept: in the ledger, and with the result. Files are named from the repository's root.
 * @param directory in which the check ran, from there
 */
function keptReports(reports: ReportSummary, directory: string, mask: (text: string) => string): ReportSummary {
  const { tests, warnings } = reports;
  const fromRoot = (file: string): string => (isAbsolute(file) ? file : posix.join(directory, file));
  const failures = (tests?.failures ?? []).map(({ name, message, file, ...rest }) => ({
    ...{ name: mask(name), message: mask(message), ...rest },
    ...(file === undefined ? {} : { file: fromRoot(file) }),
  }));
  const findings = warnings?.findings?.map((one) => ({ ...one, file: fromRoot(one.file), message: mask(one.message) }));
  return {
    ...reports,
    tests: tests === null ? null : { ...tests, failures },
    warnings: warnings === null || findings === undefined ? warnings : { ...warnings, findings },
  };
}

function commandFailure(end: CommandEnd, timeoutMs: number): string[] {
  if (end.kind === "timed-out") return [`it did not end within ${timeoutMs / 1000} s and was stopped`];
  if (end.exitCode === 0) return [];
  return [end.because ?? `it ended with exit code ${end.exitCode}`];
}

async function openPlace(
  job: CheckJob,
  name: string,
  mark: string,
  handed: ReadonlyMap<string, Artifacts | null>,
  context: JobContext,
  volumes: readonly TakenCache[],
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
    fillings: volumes.flatMap(({ at, filling }) => (filling === null ? [] : [{ at, tar: filling }])),
  });
}

/** @param taken gets each as soon as it is had, so that what was taken can be given back */
async function takeCaches(job: CheckJob, context: JobContext, taken: TakenCache[]): Promise<void> {
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
    const common = { project: owner.project, path, keys: Object.fromEntries(keys) };
    const volume = await engine.caches.take({ ...common, engine: engine.name, imageId }, job.id);
    const identity = { ...common, image: check.place.image };
    const filling = volume.warm ? null : ((await context.kept?.find(identity)) ?? null);
    taken.push({ path: cache.path, volume, at: path, identity, filling });
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

/** The two streams of a command, each masked by itself: a secret that is broken over lines is broken over lines of one. */
function outputOf({ mask }: JobContext, tell: (line: LogLine) => void) {
  const masked = (stream: "stdout" | "stderr") => mask.lines<number>((atMs, text) => tell({ atMs, stream, text }));
  const streams = { stdout: masked("stdout"), stderr: masked("stderr") };
  return {
    push: (stream: "stdout" | "stderr", atMs: number, text: string): void => streams[stream].push(atMs, text),
    end: (): void => {
      streams.stdout.end();
      streams.stderr.end();
    },
  };
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
