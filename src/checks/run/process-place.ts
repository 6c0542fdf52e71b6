import { createReadStream } from "node:fs";
import { chmod, copyFile, lstat, mkdir, readdir, readlink, rm, symlink } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Clock } from "../../clock.ts";
import { ShiplockError } from "../../errors.ts";
import type { ArchiveRead } from "../../hosts/file-archive.ts";
import type { KeyFile } from "../key.ts";
import { notStartedWords, runMarkedProcess } from "../../marked-process.ts";
import { endMarked, markVariables } from "../../process-tree.ts";
import { reportsIn } from "../reports/report-folder.ts";
import type { CheckJob } from "../types.ts";
import type { CommandEnd, Place, TellLine } from "./place.ts";
import { unpackTar } from "./unpack.ts";

export type ProcessRequest = {
  readonly clock: Clock;
  readonly job: CheckJob;
  /** A folder that is there for this try alone. */
  readonly scratch: string;
  readonly root: string;
  readonly files: readonly KeyFile[];
  /** Of the folder the check runs in, from the repository's root. */
  readonly directory: string;
  readonly env: Readonly<Record<string, string>>;
  /** This machine's own variables, of which a few are handed on. */
  readonly machine: Readonly<Record<string, string | undefined>>;
  /** Of all its processes: the run, and the job in it. */
  readonly mark: string;
  readonly handed: readonly (() => AsyncIterable<Uint8Array>)[];
  readonly tell: TellLine;
  readonly signal: AbortSignal;
};

/** What a process gets of this machine besides what the check declares. */
const handedOn = ["PATH", "HOME", "LANG"] as const;

/** Opens a clean folder of this machine for one try of a check, with the commit's files and nothing else in it. */
export async function openFolder(request: ProcessRequest): Promise<Place> {
  const work = join(request.scratch, "work");
  const folder = join(work, request.directory);
  try {
    await mkdir(join(request.scratch, "tmp"), { recursive: true, mode: 0o700 });
    await copyFiles(request, work);
    for (const open of request.handed) await unpackTar(open(), work);
    await mkdir(folder, { recursive: true });
  } catch (error) {
    await rm(request.scratch, { recursive: true, force: true });
    throw error;
  }
  return {
    folder,
    run: () => runProcess(request, folder),
    reports: reportsIn(folder),
    cache: async () => null,
    archive: async (path) =>
      (await lstat(join(folder, path)).catch(orNull)) === null ? null : entriesOf(folder, path),
    async close() {
      await endMarked("check", (mark) => mark === request.mark, request.clock);
      await rm(request.scratch, { recursive: true, force: true });
    },
  };
}

async function copyFiles({ root, files }: ProcessRequest, work: string): Promise<void> {
  await mkdir(work, { recursive: true });
  for (const { path, mode } of files) {
    const place = join(work, path);
    await mkdir(dirname(place), { recursive: true });
    if (mode === "120000") await symlink(await readlink(join(root, path)), place);
    else {
      await copyFile(join(root, path), place);
      await chmod(place, mode === "100755" ? 0o755 : 0o644);
    }
  }
}

function runProcess(request: ProcessRequest, folder: string): Promise<CommandEnd> {
  const { clock, job, env, machine, scratch, signal, mark, tell } = request;
  const { run, timeoutMs } = job.check;
  const [program = "", ...args] = run.kind === "shell" ? ["sh", "-e", "-c", run.line] : run.arguments;
  return runMarkedProcess({
    program,
    args,
    cwd: folder,
    env: {
      ...Object.fromEntries(handedOn.map((name) => [name, machine[name]])),
      TMPDIR: join(scratch, "tmp"),
      ...env,
    },
    mark: { kind: "check", own: mark, outer: machine[markVariables.check] },
    timeoutMs,
    graceMs: 0,
    clock,
    signal,
    tell,
    interrupted: () => new ShiplockError({ code: "check/interrupted", message: `${job.id} was interrupted` }),
    notStarted: (error) => notStarted(program, error),
  });
}

function notStarted(program: string, error: NodeJS.ErrnoException): ShiplockError {
  return new ShiplockError({
    code: "check/not-started",
    blame: "usage",
    message: notStartedWords(program, error),
    remedy: "install it on this machine, or give the check an image instead of process",
    cause: error,
  });
}

/** A file or folder as an engine would give it: names begin with its last part, and links stay links. */
async function* entriesOf(folder: string, path: string): AsyncGenerator<ArchiveRead, void, undefined> {
  const top = path === "." ? basename(folder) : basename(path);
  yield* below(join(folder, path), top);
}

async function* below(place: string, name: string): AsyncGenerator<ArchiveRead, void, undefined> {
  const stats = await lstat(place).catch(orNull);
  if (stats === null) return;
  const mode = (stats.mode & 0o111) === 0 ? 0o644 : 0o755;
  if (stats.isSymbolicLink()) yield { kind: "link", path: name, target: await readlink(place), body: nothing() };
  else if (stats.isFile()) yield { kind: "file", path: name, mode, size: stats.size, body: createReadStream(place) };
  else if (stats.isDirectory()) {
    yield { kind: "folder", path: name, mode: 0o755, body: nothing() };
    for (const child of (await readdir(place)).toSorted()) yield* below(join(place, child), `${name}/${child}`);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}

function orNull(error: NodeJS.ErrnoException): null {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
  throw error;
}
