import { basename, dirname } from "node:path/posix";
import { type FileProblem, fileError } from "./host-errors.ts";
import { absolutePath, isBelow } from "./tree-guard.ts";
import type { Entry, FileStat, HostFiles } from "./types.ts";

type FileNode = { kind: "file"; data: Uint8Array; mode: number; mtimeMs: number };
type FolderNode = { kind: "directory"; mode: number; mtimeMs: number };
type LinkNode = { kind: "symlink"; target: string; mtimeMs: number };
export type FakeNode = FileNode | FolderNode | LinkNode;

/** The disk of one fake host, by absolute path. It survives the connections to it. */
export type FakeDisk = Map<string, FakeNode>;

export type FakeFilesOptions = {
  host: string;
  home: string;
  root: string;
  uid: number;
  gid: number;
  disk: FakeDisk;
  now(): number;
  /** What `freeBytes` answers; 100 GB unless given. */
  freeBytes?: () => number;
};

/** Makes the folders down to `path` on a disk, those that are missing. */
export function makeFolders(disk: FakeDisk, path: string): FakeDisk {
  const parts = path.split("/").filter((part) => part !== "");
  for (let count = 0; count <= parts.length; count += 1) {
    const folder = `/${parts.slice(0, count).join("/")}`;
    if (!disk.has(folder)) disk.set(folder, { kind: "directory", mode: 0o755, mtimeMs: 0 });
  }
  return disk;
}

const MOST_LINKS = 40;
/** Free on a fake disk unless told. */
export const PLENTY_BYTES = 100e9;

/** Files in memory with the behaviour of a host's, symlinks on the way included. Permissions are kept, not enforced. */
export function createFakeFiles(options: FakeFilesOptions): HostFiles {
  const { host, home, root, disk, now } = options;
  const absolute = (path: string) => absolutePath(home, path);
  const problem = (kind: FileProblem, action: string, path: string) => fileError(host, kind, action, path);

  /** Where a path leads when the links on the way, and with `follow` at its end, are followed; null where a folder is missing. */
  function resolve(path: string, follow: boolean, links = 0): string | null {
    if (links > MOST_LINKS) return null;
    if (path === "/") return "/";
    // Paths are normal here, so their parts are had without taking them apart again: tests look at millions of them.
    const cut = path.lastIndexOf("/");
    const parent = resolve(cut === 0 ? "/" : path.slice(0, cut), true, links);
    if (parent === null || disk.get(parent)?.kind !== "directory") return null;
    const whole = parent === "/" ? path.slice(cut) : `${parent}${path.slice(cut)}`;
    const node = disk.get(whole);
    if (node?.kind !== "symlink" || !follow) return whole;
    return resolve(absolutePath(parent, node.target), true, links + 1);
  }

  function nodeAt(path: string, follow: boolean): FakeNode | null {
    const whole = resolve(absolute(path), follow);
    return whole === null ? null : (disk.get(whole) ?? null);
  }

  /** The place of a name whose folder must be there. */
  function placeFor(action: string, path: string): string {
    const place = resolve(absolute(path), false);
    if (place === null) throw problem("file-missing", action, absolute(path));
    return place;
  }

  function statOf(node: FakeNode): FileStat {
    const size = node.kind === "file" ? node.data.length : 0;
    const mode = node.kind === "symlink" ? 0o777 : node.mode;
    return {
      kind: node.kind,
      size,
      mode,
      uid: options.uid,
      gid: options.gid,
      mtimeMs: Math.floor(node.mtimeMs / 1000) * 1000,
    };
  }

  function bytesOf(data: Uint8Array | string): Uint8Array {
    return typeof data === "string" ? new TextEncoder().encode(data) : Uint8Array.from(data);
  }

  function put(action: string, path: string, node: FakeNode): void {
    const place = placeFor(action, path);
    if (disk.get(place)?.kind === "directory") throw problem("file-failed", action, place);
    disk.set(place, node);
  }

  function childrenOf(folder: string): string[] {
    return [...disk.keys()].filter((each) => each !== "/" && dirname(each) === folder).sort();
  }

  function removeBelow(path: string): void {
    for (const each of disk.keys()) if (each === path || isBelow(path, each)) disk.delete(each);
  }

  const files: HostFiles = {
    async read(path) {
      const node = nodeAt(path, true);
      if (node === null) return null;
      if (node.kind !== "file") throw problem("file-failed", "reading", absolute(path));
      return Uint8Array.from(node.data);
    },
    async write(path, data, { mode = 0o644, folders } = {}) {
      if (folders !== undefined) await files.mkdirs(dirname(absolute(path)), folders);
      put("writing", path, { kind: "file", data: bytesOf(data), mode, mtimeMs: now() });
    },
    async append(path, data) {
      const place = resolve(absolute(path), true) ?? placeFor("appending to", path);
      const node = disk.get(place);
      if (node !== undefined && node.kind !== "file") throw problem("file-failed", "appending to", place);
      const joined = Buffer.concat([node?.data ?? new Uint8Array(), bytesOf(data)]);
      disk.set(place, { kind: "file", data: Uint8Array.from(joined), mode: node?.mode ?? 0o644, mtimeMs: now() });
    },
    async createExclusive(path, data, { folders, after } = {}) {
      if (folders !== undefined) await files.mkdirs(dirname(absolute(path)), folders);
      await after;
      const place = placeFor("making", path);
      if (disk.has(place)) return false;
      disk.set(place, { kind: "file", data: bytesOf(data), mode: 0o644, mtimeMs: now() });
      return true;
    },
    async mkdirs(path, mode = 0o755) {
      const parts = absolute(path)
        .split("/")
        .filter((part) => part !== "");
      parts.forEach((_, index) => {
        const prefix = `/${parts.slice(0, index + 1).join("/")}`;
        const place = resolve(prefix, true);
        const found = place === null ? undefined : disk.get(place);
        if (found !== undefined && found.kind !== "directory") throw problem("exists", "making the folder", prefix);
        if (found === undefined)
          disk.set(placeFor("making the folder", prefix), { kind: "directory", mode, mtimeMs: now() });
      });
    },
    async list(path) {
      const place = resolve(absolute(path), true);
      if (place === null || disk.get(place)?.kind !== "directory") return null;
      return childrenOf(place).flatMap((each): Entry[] => {
        const node = disk.get(each);
        return node === undefined ? [] : [{ name: basename(each), ...statOf(node) }];
      });
    },
    async stat(path) {
      const node = nodeAt(path, true);
      return node === null ? null : statOf(node);
    },
    async lstat(path) {
      const node = nodeAt(path, false);
      return node === null ? null : statOf(node);
    },
    async readlink(path) {
      const node = nodeAt(path, false);
      return node?.kind === "symlink" ? node.target : null;
    },
    async symlinkAtomic(target, path) {
      put("linking", path, { kind: "symlink", target, mtimeMs: now() });
    },
    async symlinks(entries) {
      for (const { path, target } of entries) {
        const place = placeFor("linking", path);
        const found = disk.get(place);
        if (found?.kind === "symlink" && found.target === target) continue;
        if (found !== undefined) throw problem("exists", "linking", place);
        disk.set(place, { kind: "symlink", target, mtimeMs: now() });
      }
    },
    async remove(path) {
      const place = resolve(absolute(path), false);
      if (place === null) return;
      if (disk.get(place)?.kind === "directory") throw problem("file-failed", "removing", place);
      disk.delete(place);
    },
    async removeTree(path) {
      const whole = absolute(path);
      if (!isBelow(root, whole)) throw problem("outside-root", "removing", whole);
      const place = resolve(whole, false);
      if (place === null) return;
      const realRoot = resolve(root, true);
      if (realRoot === null || !isBelow(realRoot, place)) throw problem("outside-root", "removing", whole);
      removeBelow(place);
    },
    async rename(from, to) {
      const source = placeFor("renaming", from);
      const target = placeFor("renaming", to);
      if (!disk.has(source)) throw problem("file-missing", "renaming", source);
      if (source === target) return;
      removeBelow(target);
      const moved = [...disk].filter(([each]) => each === source || isBelow(source, each));
      for (const [each, node] of moved) {
        disk.delete(each);
        disk.set(`${target}${each.slice(source.length)}`, node);
      }
    },
    async freeBytes(path) {
      if (nodeAt(path, true) === null) throw problem("file-missing", "asking for the room at", absolute(path));
      return options.freeBytes?.() ?? PLENTY_BYTES;
    },
  };
  return files;
}
