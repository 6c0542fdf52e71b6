import { randomBytes } from "node:crypto";
import type { Stats } from "node:fs";
import * as fs from "node:fs/promises";
import { basename, dirname, join } from "node:path/posix";
import { messageOf, ShiplockError } from "../errors.ts";
import { type FileProblem, fileError } from "./host-errors.ts";
import { absolutePath, isBelow } from "./tree-guard.ts";
import type { Entry, FileStat, HostFiles } from "./types.ts";

const FILE_MODE = 0o644;

/** What an error of the file system means in the port's words. */
const PROBLEMS: Record<string, FileProblem> = {
  ENOENT: "file-missing",
  ENOTDIR: "file-missing",
  ELOOP: "file-missing",
  EACCES: "permission-denied",
  EPERM: "permission-denied",
  EROFS: "permission-denied",
  ENOSPC: "no-space",
  EDQUOT: "no-space",
};

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException | undefined)?.code ?? "";
}

function isMissing(error: unknown): boolean {
  return PROBLEMS[codeOf(error)] === "file-missing";
}

async function orMissing<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

function statOf(found: Stats): FileStat {
  const kind = found.isFile()
    ? "file"
    : found.isDirectory()
      ? "directory"
      : found.isSymbolicLink()
        ? "symlink"
        : "other";
  // Whole seconds, as SFTP has them.
  const mtimeMs = Math.floor(found.mtimeMs / 1000) * 1000;
  return { kind, size: found.size, mode: found.mode & 0o7777, uid: found.uid, gid: found.gid, mtimeMs };
}

/**
 * The files of this machine with the behaviour of a remote one's.
 *
 * @param host name for errors
 * @param root absolute path; relative paths start here, and `removeTree` works below it only
 * @param lostError the error to reject with once the host has been closed or lost; undefined before
 */
export function createLocalFiles(host: string, root: string, lostError: () => ShiplockError | undefined): HostFiles {
  const absolute = (path: string) => absolutePath(root, path);
  const temporary = (path: string) => join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);

  async function doing<T>(action: string, path: string, work: (path: string) => Promise<T>): Promise<T> {
    const before = lostError();
    if (before !== undefined) throw before;
    const whole = absolute(path);
    try {
      return await work(whole);
    } catch (error) {
      if (error instanceof ShiplockError) throw error;
      throw fileError(host, PROBLEMS[codeOf(error)] ?? "file-failed", action, whole, messageOf(error));
    }
  }

  async function writeTemporary(path: string, data: Uint8Array | string, mode: number, sync: boolean): Promise<void> {
    const file = await fs.open(path, "wx", mode);
    try {
      await file.chmod(mode);
      await file.writeFile(data);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
  }

  async function writeWhole(path: string, data: Uint8Array | string, mode: number, sync: boolean): Promise<void> {
    const from = temporary(path);
    try {
      await writeTemporary(from, data, mode, sync);
      await fs.rename(from, path);
    } catch (error) {
      await fs.rm(from, { force: true });
      throw error;
    }
  }

  async function createOnce(
    path: string,
    data: Uint8Array | string,
    options: { folders?: number; after?: Promise<unknown> },
  ): Promise<boolean> {
    const from = temporary(path);
    // It is heard below; until then nobody is to complain that it is not.
    options.after?.catch(() => undefined);
    try {
      await foldersFor(path, options.folders);
      await writeTemporary(from, data, FILE_MODE, true);
      await options.after;
      await fs.link(from, path);
      return true;
    } catch (error) {
      if (codeOf(error) === "EEXIST") return false;
      throw error;
    } finally {
      await fs.rm(from, { force: true });
    }
  }

  async function appendTo(path: string, data: Uint8Array | string, sync: boolean): Promise<void> {
    const file = await fs.open(path, "a", FILE_MODE);
    try {
      await file.appendFile(data);
      if (sync) await file.sync();
    } finally {
      await file.close();
    }
  }

  async function listFolder(path: string): Promise<Entry[] | null> {
    const names = await orMissing(fs.readdir(path));
    if (names === null) return null;
    const entries = await Promise.all(
      names.map(async (name) => {
        // What vanishes between the two looks was not there.
        const found = await orMissing(fs.lstat(join(path, name)));
        return found === null ? null : { name, ...statOf(found) };
      }),
    );
    return entries.filter((entry) => entry !== null).sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async function makeFolders(path: string, mode: number): Promise<void> {
    const found = await orMissing(fs.stat(path));
    if (found?.isDirectory() === true) return;
    if (found !== null) throw fileError(host, "exists", "making the folder", path);
    await fs.mkdir(path, { recursive: true, mode });
  }

  async function foldersFor(path: string, mode: number | undefined): Promise<void> {
    if (mode !== undefined) await makeFolders(dirname(path), mode);
  }

  async function linkOne(path: string, target: string): Promise<void> {
    try {
      await fs.symlink(target, path);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
      const found = await fs.readlink(path).catch(() => null);
      if (found !== target) throw fileError(host, "exists", "linking", path);
    }
  }

  async function linkAtomic(target: string, path: string): Promise<void> {
    const from = temporary(path);
    await fs.symlink(target, from);
    await fs.rename(from, path);
  }

  async function readTarget(path: string): Promise<string | null> {
    try {
      return await orMissing(fs.readlink(path));
    } catch (error) {
      if (codeOf(error) === "EINVAL") return null;
      throw error;
    }
  }

  async function removeWhole(path: string): Promise<void> {
    if (!isBelow(root, path)) throw fileError(host, "outside-root", "removing", path);
    const [realRoot, realParent] = await Promise.all([
      orMissing(fs.realpath(root)),
      orMissing(fs.realpath(dirname(path))),
    ]);
    if (realRoot === null || realParent === null) return;
    const inside = realParent === realRoot || isBelow(realRoot, realParent);
    if (!inside) throw fileError(host, "outside-root", "removing", path);
    await fs.rm(path, { recursive: true, force: true });
  }

  return {
    read: (path) => doing("reading", path, (whole) => orMissing(fs.readFile(whole))),
    write: (path, data, options = {}) =>
      doing("writing", path, async (whole) => {
        await foldersFor(whole, options.folders);
        await writeWhole(whole, data, options.mode ?? FILE_MODE, options.sync ?? true);
      }),
    append: (path, data, { sync }) => doing("appending to", path, (whole) => appendTo(whole, data, sync)),
    createExclusive: (path, data, options = {}) => doing("making", path, (whole) => createOnce(whole, data, options)),
    mkdirs: (path, mode = 0o755) => doing("making the folder", path, (whole) => makeFolders(whole, mode)),
    list: (path) => doing("listing", path, listFolder),
    stat: (path) => doing("looking at", path, (whole) => orMissing(fs.stat(whole).then(statOf))),
    lstat: (path) => doing("looking at", path, (whole) => orMissing(fs.lstat(whole).then(statOf))),
    readlink: (path) => doing("reading the link", path, readTarget),
    symlinkAtomic: (target, path) => doing("linking", path, (whole) => linkAtomic(target, whole)),
    async symlinks(entries) {
      await Promise.all(entries.map(({ path, target }) => doing("linking", path, (whole) => linkOne(whole, target))));
    },
    remove: (path) =>
      doing("removing", path, async (whole) => {
        await orMissing(fs.unlink(whole));
      }),
    removeTree: (path) => doing("removing", path, removeWhole),
    rename: (from, to) => doing("renaming", from, (whole) => fs.rename(whole, absolute(to))),
    freeBytes: (path) =>
      doing("asking for the room at", path, async (whole) => {
        const { bavail, bsize } = await fs.statfs(whole);
        return bavail * bsize;
      }),
  };
}
