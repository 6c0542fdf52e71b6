import { createReadStream } from "node:fs";
import { posix } from "node:path";
import type { Clock } from "../../clock.ts";
import { ShiplockError } from "../../errors.ts";
import { type Engine, EngineError } from "../../hosts/engine.ts";
import type { JsonObject } from "../../hosts/json.ts";
import { readArchive, writeArchive } from "../../hosts/file-archive.ts";
import type { KeyFile } from "../key.ts";
import type { ReportFiles } from "../reports/read.ts";
import { reportBytesAtMost, unreadable } from "../reports/unreadable.ts";
import type { CheckJob } from "../types.ts";
import type { ImageSource } from "./images.ts";
import { labelsOf, type Ownership } from "./labels.ts";
import type { CommandEnd, Place, TellLine } from "./place.ts";
import { type RunningServices, startServices } from "./services.ts";
import { archiveEntries } from "./source.ts";

/** The repository's root in every container. */
export const workFolder = "/work";

/** For files on their way in and out; a large repository on a slow disk is within it. */
const transferMs = 10 * 60_000;
/** For the last lines, once the container has ended. */
const lastLinesMs = 10_000;

export type ContainerRequest = {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly owner: Ownership;
  readonly images: ImageSource;
  readonly job: CheckJob;
  /** Unique in its run: names containers and network. */
  readonly name: string;
  readonly root: string;
  readonly files: readonly KeyFile[];
  /** Absolute path in the container of the folder the check runs in. */
  readonly directory: string;
  /** Values by name, those of secrets among them. */
  readonly env: Readonly<Record<string, string>>;
  /** Volumes by the absolute path at which they are seen. */
  readonly caches: Readonly<Record<string, string>>;
  /** Tar files that caches are filled from, each with the absolute path of the cache. */
  readonly fillings: readonly { readonly at: string; readonly tar: string }[];
  /** What needed checks hand over: tar files with names from the repository's root. */
  readonly handed: readonly (() => AsyncIterable<Uint8Array>)[];
  readonly tell: TellLine;
  readonly signal: AbortSignal;
};

/** Opens a container for one try of a check, its services beside it. Closes what it began when that fails. */
export async function openContainer(request: ContainerRequest): Promise<Place> {
  const { engine, job, signal } = request;
  const { services } = job.check;
  const image = await request.images.idOf(imageOf(job));
  const beside =
    services.length === 0 ? null : await startServices({ ...request, job: job.id, services }).catch(explained);
  try {
    const id = await engine.createContainer(request.name, bodyOf(request, image, beside), { signal });
    try {
      await putFiles(request, id);
    } catch (error) {
      await engine.removeContainer(id, { force: true, volumes: true });
      throw error;
    }
    return containerPlace(request, id, beside);
  } catch (error) {
    await beside?.close();
    throw error;
  }
}

function imageOf(job: CheckJob): string {
  const { place } = job.check;
  if (place.kind === "container") return place.image;
  throw new ShiplockError({ code: "check/no-image", blame: "bug", message: `${job.id} has no image` });
}

function explained(error: unknown): never {
  if (!(error instanceof EngineError) || !/address pool/i.test(error.engineMessage)) throw error;
  throw new ShiplockError({
    code: "check/no-network",
    message: `the engine has no room for another network: ${error.engineMessage}`,
    remedy: "remove networks nobody uses (`docker network prune`), or run fewer checks at once with --jobs",
  });
}

function bodyOf(request: ContainerRequest, image: string, beside: RunningServices | null): JsonObject {
  const { job, owner, directory, env, caches } = request;
  const { run, network } = job.check;
  const command = run.kind === "shell" ? ["sh", "-e", "-c", run.line] : run.arguments;
  return {
    Image: image,
    // Files that go in belong to root; who else would be able to write beside them?
    User: "0:0",
    WorkingDir: directory,
    // The image's own entry point is for what it serves.
    Entrypoint: command.slice(0, 1),
    Cmd: command.slice(1),
    Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
    Labels: labelsOf(owner, "check", job.id),
    HostConfig: {
      NetworkMode: beside?.network ?? (network === "default" ? "bridge" : network),
      Binds: Object.entries(caches).map(([path, volume]) => `${volume}:${path}`),
      LogConfig: { Type: "json-file" },
    },
    ...(beside === null ? {} : { NetworkingConfig: { EndpointsConfig: { [beside.network]: {} } } }),
  };
}

async function putFiles(request: ContainerRequest, id: string): Promise<void> {
  const { engine, root, files, signal } = request;
  const options = { timeoutMs: transferMs, signal };
  await engine.putArchive(id, "/", writeArchive(archiveEntries(root, files, workFolder.slice(1))), options);
  for (const { at, tar } of request.fillings)
    await engine.putArchive(id, posix.dirname(at), createReadStream(tar) as AsyncIterable<Uint8Array>, options);
  for (const open of request.handed) await engine.putArchive(id, workFolder, open(), options);
}

function containerPlace(request: ContainerRequest, id: string, beside: RunningServices | null): Place {
  const { engine, job, directory, signal } = request;

  async function archive(path: string) {
    const place = path === "." ? directory : `${directory}/${path}`;
    const stream = await engine.getArchive(id, place, { timeoutMs: transferMs, signal });
    return stream === null ? null : readArchive(stream);
  }

  return {
    folder: request.directory,
    run: () => runContainer(request, id),
    reports: containerReports(job.check.junit, archive),
    archive,
    cache: (path) => engine.getArchive(id, path, { timeoutMs: transferMs, signal }),
    async close() {
      await engine.removeContainer(id, { force: true, volumes: true }).finally(() => beside?.close());
    },
  };
}

async function runContainer({ engine, job, tell, signal }: ContainerRequest, id: string): Promise<CommandEnd> {
  await engine.startContainer(id, { signal });
  const reading = new AbortController();
  const stop = (): void => reading.abort(signal.reason);
  signal.addEventListener("abort", stop, { once: true });
  const output = readOutput(engine, id, tell, reading.signal);
  try {
    const exitCode = await engine.waitContainer(id, job.check.timeoutMs, { signal });
    if (exitCode === null) await killed(engine, id);
    await ended(output);
    if (exitCode === null) return { kind: "timed-out" };
    const memory = (await engine.inspectContainer(id, { signal }))?.state.oomKilled === true;
    return { kind: "ended", exitCode, because: memory ? "it was killed: no memory was left" : null };
  } finally {
    reading.abort();
    signal.removeEventListener("abort", stop);
    await output;
  }
}

async function killed(engine: Engine, id: string): Promise<void> {
  try {
    await engine.killContainer(id, "KILL");
  } catch (error) {
    // It may have ended by itself between the last look and the signal.
    if (!(error instanceof EngineError) || error.code !== "engine/conflict") throw error;
  }
}

/** Waits for the last lines, but not for ever: a log that does not end says nothing more. */
async function ended(output: Promise<void>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, lastLinesMs);
  await Promise.race([output, late]).finally(() => clearTimeout(timer));
}

/** Tells what a container writes until it ends. A log that is cut is told in its place; the exit code is asked for apart. */
async function readOutput(engine: Engine, id: string, tell: TellLine, signal: AbortSignal): Promise<void> {
  try {
    for await (const { stream, line } of engine.logs(id, { follow: true, signal })) tell({ stream, text: line });
  } catch (error) {
    if (signal.aborted) return;
    if (!(error instanceof ShiplockError)) throw error;
    tell({ stream: "stderr", text: `(its output could not be read on: ${error.message})` });
  }
}

type Archive = Place["archive"];

function containerReports(patterns: readonly string[], archive: Archive): ReportFiles {
  return {
    async read(path) {
      const entries = await archive(path);
      if (entries === null) return null;
      for await (const { body, ...entry } of entries) {
        if (entry.kind !== "file") throw unreadable(path, "it is no file");
        if (entry.size > reportBytesAtMost)
          throw unreadable(path, `it has ${entry.size} bytes, and ${reportBytesAtMost} are the most`);
        const chunks: Uint8Array[] = [];
        for await (const chunk of body) chunks.push(chunk);
        return Buffer.concat(chunks);
      }
      return null;
    },
    async list() {
      // Only the folders that a pattern can name: beside them may lie gigabytes.
      const folders = new Set(patterns.filter((pattern) => /[*?[]/.test(pattern)).map(folderOf));
      const found: string[] = [];
      for (const folder of folders) {
        const entries = await archive(folder);
        if (entries === null) continue;
        const above = folder === "." ? "" : folder.slice(0, folder.lastIndexOf("/") + 1);
        for await (const entry of entries) {
          // Asked for ".", an engine gives names that begin with the folder's own.
          const path = folder === "." ? entry.path.replace(/^[^/]+\/?/, "") : `${above}${entry.path}`;
          if (entry.kind === "file") found.push(path);
        }
      }
      return found;
    },
  };
}

/** The folder in which all that a pattern names lies: `reports` for `reports/*.xml`. */
function folderOf(pattern: string): string {
  const parts = pattern.split("/");
  const fixed = parts.slice(
    0,
    Math.min(
      parts.length - 1,
      parts.findIndex((part) => /[*?[]/.test(part)),
    ),
  );
  return fixed.length === 0 ? "." : fixed.join("/");
}
