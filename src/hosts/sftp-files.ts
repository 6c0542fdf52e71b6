import { randomBytes } from "node:crypto";
import { basename, dirname, join } from "node:path/posix";
import { fileError } from "./host-errors.ts";
import { type Handle, type Sftp, SftpStatusError } from "./sftp.ts";
import { modeAttributes, OPEN_FLAG, STATUS } from "./sftp-wire.ts";
import { absolutePath, isBelow } from "./tree-guard.ts";
import type { Entry, FileStat, HostFiles } from "./types.ts";

/** What every server takes in one packet. */
const CHUNK_BYTES = 32_768;
const FILE_MODE = 0o644;
/** Folders that are worked on at the same time while a tree is removed. */
const FOLDERS_AT_ONCE = 16;
/** Files that `append` keeps open. */
const OPEN_APPENDS = 16;

export type SftpFilesContext = {
  host: string;
  sftp: Sftp;
  /** Absolute path that relative ones start at. */
  home: string;
  /** Absolute path; `removeTree` works below it only. */
  root: string;
};

function isStatus(error: unknown, code: number): boolean {
  return error instanceof SftpStatusError && error.code === code;
}

/** The value, or null where the server says that there is no such file. */
async function orMissing<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (isStatus(error, STATUS.noSuchFile)) return null;
    throw error;
  }
}

/**
 * Waits for a row of requests that are under way together, and throws the first one's error.
 * All are waited for, so that none is left to reject unheard.
 */
async function inOrder(requests: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(requests);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

function bytesOf(data: Uint8Array | string): Buffer {
  return typeof data === "string"
    ? Buffer.from(data, "utf8")
    : Buffer.from(data.buffer, data.byteOffset, data.byteLength);
}

/** The files of a host over SFTP. Does nothing until the first call. */
export function createSftpFiles({ host, sftp, home, root }: SftpFilesContext): HostFiles {
  const appends = new Map<string, Promise<Handle>>();
  const absolute = (path: string) => absolutePath(home, path);
  // In the same folder, since a rename does not leave its file system; the dot keeps it out of what people look at.
  const temporary = (path: string) => join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);

  /** Says in our words what a status means; the status for "disk full" and "exists" is only "failure". */
  async function explain(error: unknown, action: string, path: string): Promise<never> {
    if (!(error instanceof SftpStatusError)) throw error;
    if (error.code === STATUS.noSuchFile) throw fileError(host, "file-missing", action, path);
    if (error.code === STATUS.permissionDenied) throw fileError(host, "permission-denied", action, path);
    const free = await sftp.freeBytes(dirname(path)).catch(() => Number.POSITIVE_INFINITY);
    if (free < CHUNK_BYTES) throw fileError(host, "no-space", action, path);
    throw fileError(host, "file-failed", action, path, error.message);
  }

  async function doing<T>(action: string, path: string, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      return explain(error, action, path);
    }
  }

  function writeChunks(handle: Handle, data: Buffer): Promise<void>[] {
    const count = Math.ceil(data.length / CHUNK_BYTES);
    return Array.from({ length: count }, (_, index) => {
      const offset = index * CHUNK_BYTES;
      return sftp.write(handle, offset, data.subarray(offset, offset + CHUNK_BYTES));
    });
  }

  async function writeTemporary(path: string, data: Buffer, mode: number, sync: boolean): Promise<void> {
    const flags = OPEN_FLAG.write | OPEN_FLAG.create | OPEN_FLAG.exclusive;
    const handle = await sftp.open(path, flags, modeAttributes(mode));
    const work = [sftp.setMode(handle, modeAttributes(mode)), ...writeChunks(handle, data)];
    if (sync) work.push(sftp.sync(handle));
    await inOrder([...work, sftp.close(handle)]);
  }

  /** Only after the content is known to be whole may the name point to it, so this cannot be one round trip. */
  async function writeVia(
    path: string,
    data: Buffer,
    mode: number,
    sync: boolean,
    place: (from: string) => Promise<void>,
  ): Promise<void> {
    const from = temporary(path);
    try {
      await writeTemporary(from, data, mode, sync);
      await place(from);
    } catch (error) {
      await sftp.remove(from).catch(() => undefined);
      throw error;
    }
  }

  async function openForAppend(path: string): Promise<Handle> {
    const flags = OPEN_FLAG.write | OPEN_FLAG.append | OPEN_FLAG.create;
    return sftp.open(path, flags, modeAttributes(FILE_MODE));
  }

  function forgetAppend(path: string): void {
    const opened = appends.get(path);
    appends.delete(path);
    opened?.then((handle) => sftp.close(handle)).catch(() => undefined);
  }

  /** The name may soon stand for another file; what is below a renamed folder too. */
  function forgetAppendsBelow(path: string): void {
    for (const each of appends.keys()) if (each === path || isBelow(path, each)) forgetAppend(each);
  }

  function appendHandle(path: string): Promise<Handle> {
    const known = appends.get(path);
    if (known !== undefined) return known;
    const oldest = [...appends.keys()][0];
    if (appends.size >= OPEN_APPENDS && oldest !== undefined) forgetAppend(oldest);
    const opened = openForAppend(path);
    appends.set(path, opened);
    return opened;
  }

  async function appendNow(path: string, data: Buffer, sync: boolean): Promise<void> {
    try {
      const handle = await appendHandle(path);
      await inOrder([...writeChunks(handle, data), ...(sync ? [sftp.sync(handle)] : [])]);
    } catch (error) {
      forgetAppend(path);
      throw error;
    }
  }

  async function readAll(path: string): Promise<Uint8Array | null> {
    // Together, so that the size is known with the handle.
    const [opened, stat] = await Promise.allSettled([sftp.open(path, OPEN_FLAG.read), sftp.stat(path)]);
    if (opened.status === "rejected") return orMissing(Promise.reject(opened.reason as Error));
    const size = stat.status === "fulfilled" ? stat.value.size : 0;
    const count = Math.max(1, Math.ceil(size / CHUNK_BYTES));
    const reads = Array.from({ length: count }, (_, index) =>
      sftp.read(opened.value, index * CHUNK_BYTES, CHUNK_BYTES),
    );
    try {
      await inOrder(reads);
      const parts = await Promise.all(reads);
      const whole = parts.every((part, index) => part !== null && (part.length === CHUNK_BYTES || index === count - 1));
      const first = whole ? Buffer.concat(parts.filter((part) => part !== null)) : Buffer.alloc(0);
      if (whole && first.length === size) return first;
      return await readOn(opened.value, first);
    } finally {
      closeUnheard(opened.value);
    }
  }

  /** What was only read has nothing to lose, so nobody waits for its close. */
  function closeUnheard(handle: Handle): void {
    sftp.close(handle).catch(() => undefined);
  }

  /** For a file that grew, shrank or has no size, as in /proc: piece by piece to its end. */
  async function readOn(handle: Handle, start: Buffer): Promise<Buffer> {
    const parts = [start];
    let offset = start.length;
    for (;;) {
      const part = await sftp.read(handle, offset, CHUNK_BYTES);
      if (part === null) return Buffer.concat(parts);
      parts.push(part);
      offset += part.length;
    }
  }

  async function listFolder(path: string): Promise<Entry[] | null> {
    const handle = await orMissing(sftp.openFolder(path));
    if (handle === null) return null;
    const entries: Entry[] = [];
    try {
      for (;;) {
        // Two at once: most folders fit into one answer, and the second one then says that this was all.
        const answers = await Promise.all([sftp.readFolder(handle), sftp.readFolder(handle)]);
        for (const names of answers) entries.push(...(names ?? []));
        if (answers.includes(null)) break;
      }
    } finally {
      closeUnheard(handle);
    }
    return entries
      .filter(({ name }) => name !== "." && name !== "..")
      .sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  async function removeFolder(path: string): Promise<void> {
    const entries = (await listFolder(path)) ?? [];
    const folders = entries.filter((entry) => entry.kind === "directory");
    const others = entries.filter((entry) => entry.kind !== "directory");
    // Heard from the start: what is waited for first may fail while they are under way.
    const removed = inOrder(others.map((entry) => orMissing(sftp.remove(join(path, entry.name)))));
    removed.catch(() => undefined);
    for (let at = 0; at < folders.length; at += FOLDERS_AT_ONCE) {
      await inOrder(folders.slice(at, at + FOLDERS_AT_ONCE).map((folder) => removeFolder(join(path, folder.name))));
    }
    await removed;
    await orMissing(sftp.removeFolder(path));
  }

  async function guardTree(path: string): Promise<void> {
    if (!isBelow(root, path)) throw fileError(host, "outside-root", "removing", path);
    // A symlink on the way must not lead out of the root either.
    const [realRoot, realParent] = await Promise.all([
      orMissing(sftp.realPath(root)),
      orMissing(sftp.realPath(dirname(path))),
    ]);
    if (realRoot === null || realParent === null) return;
    const inside = realParent === realRoot || isBelow(realRoot, realParent);
    if (!inside) throw fileError(host, "outside-root", "removing", path);
  }

  async function removeWhole(path: string): Promise<void> {
    await guardTree(path);
    forgetAppendsBelow(path);
    const found = await orMissing(sftp.lstat(path));
    if (found === null) return;
    if (found.kind !== "directory") return void (await orMissing(sftp.remove(path)));
    await removeFolder(path);
  }

  async function makeFolders(path: string, mode: number): Promise<void> {
    const parts = path.split("/").filter((part) => part !== "");
    const prefixes = parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
    // Those that are there already fail; whether the last one is a folder in the end is what counts.
    const [, found] = await Promise.all([
      Promise.allSettled(prefixes.map((prefix) => sftp.makeFolder(prefix, modeAttributes(mode)))).then((made) => {
        const lost = made.find((each) => each.status === "rejected" && !(each.reason instanceof SftpStatusError));
        if (lost?.status === "rejected") throw lost.reason;
        return made;
      }),
      orMissing(sftp.stat(path)),
    ]);
    if (found?.kind === "directory") return;
    if (found !== null) throw fileError(host, "exists", "making the folder", path);
    await sftp.makeFolder(path, modeAttributes(mode));
  }

  /** Sent before what follows and not waited for: the server works them off in order. */
  async function foldersFor(path: string, mode: number | undefined): Promise<void> {
    if (mode !== undefined) await makeFolders(dirname(path), mode);
  }

  async function linkOne(path: string, target: string): Promise<void> {
    try {
      await sftp.symlink(target, path);
    } catch (error) {
      if (!isStatus(error, STATUS.failure)) return explain(error, "linking", path);
      const found = await sftp.readLink(path).catch(() => null);
      if (found === target) return;
      if ((await orMissing(sftp.lstat(path))) !== null) throw fileError(host, "exists", "linking", path);
      return explain(error, "linking", path);
    }
  }

  async function statOf(path: string, ask: (path: string) => Promise<FileStat>): Promise<FileStat | null> {
    return doing("looking at", path, orMissing(ask(path)));
  }

  return {
    read: (path) => doing("reading", absolute(path), readAll(absolute(path))),
    async write(path, data, options = {}) {
      const whole = absolute(path);
      forgetAppend(whole);
      const place = (from: string) => sftp.rename(from, whole);
      const { mode = FILE_MODE, sync = true } = options;
      await doing(
        "writing",
        whole,
        inOrder([foldersFor(whole, options.folders), writeVia(whole, bytesOf(data), mode, sync, place)]),
      );
    },
    append: (path, data, { sync }) =>
      doing("appending to", absolute(path), appendNow(absolute(path), bytesOf(data), sync)),
    async createExclusive(path, data, options = {}) {
      const whole = absolute(path);
      const from = temporary(whole);
      const brought = inOrder([
        foldersFor(whole, options.folders),
        writeTemporary(from, bytesOf(data), FILE_MODE, true),
      ]);
      try {
        await inOrder([brought, options.after ?? Promise.resolve()]);
      } catch (error) {
        await sftp.remove(from).catch(() => undefined);
        return await explain(error, "making", whole);
      }
      // Sent together: the server takes them in this order, and the content has no use for its first name whatever became of the second.
      const [linked] = await Promise.allSettled([sftp.hardLink(from, whole), sftp.remove(from)]);
      if (linked.status === "fulfilled") return true;
      if (isStatus(linked.reason, STATUS.failure) && (await orMissing(sftp.lstat(whole))) !== null) return false;
      return await explain(linked.reason, "making", whole);
    },
    mkdirs: (path, mode = 0o755) => doing("making the folder", absolute(path), makeFolders(absolute(path), mode)),
    list: (path) => doing("listing", absolute(path), listFolder(absolute(path))),
    stat: (path) => statOf(absolute(path), sftp.stat),
    lstat: (path) => statOf(absolute(path), sftp.lstat),
    async readlink(path) {
      const whole = absolute(path);
      try {
        return await orMissing(sftp.readLink(whole));
      } catch (error) {
        // EINVAL, which is what a thing that is no link gives, comes as "bad message".
        if (isStatus(error, STATUS.failure) || isStatus(error, STATUS.badMessage)) return null;
        return explain(error, "reading the link", whole);
      }
    },
    async symlinkAtomic(target, path) {
      const whole = absolute(path);
      const from = temporary(whole);
      // Both at once is safe here: a link is whole or not there, and then there is nothing to rename.
      await doing("linking", whole, inOrder([sftp.symlink(target, from), sftp.rename(from, whole)]));
    },
    symlinks: (entries) => inOrder(entries.map(({ path, target }) => linkOne(absolute(path), target))),
    async remove(path) {
      forgetAppend(absolute(path));
      await doing("removing", absolute(path), orMissing(sftp.remove(absolute(path))));
    },
    removeTree: (path) => doing("removing", absolute(path), removeWhole(absolute(path))),
    async rename(from, to) {
      forgetAppendsBelow(absolute(from));
      forgetAppendsBelow(absolute(to));
      await doing("renaming", absolute(from), sftp.rename(absolute(from), absolute(to)));
    },
    freeBytes: (path) => doing("asking for the room at", absolute(path), sftp.freeBytes(absolute(path))),
  };
}
