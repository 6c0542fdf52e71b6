import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { lstat, readlink } from "node:fs/promises";
import { join } from "node:path";
import type { ArchiveSource } from "../../hosts/file-archive.ts";
import { canonical } from "../canonical.ts";
import type { KeyFile } from "../key.ts";

/** The files that are checked: a clean checkout of a commit, or a working tree. */
export type CheckedFiles = {
  /** Absolute path of the repository's root. */
  readonly root: string;
  /** Where the configuration lies, from the root; "" for the root itself. */
  readonly below: string;
  readonly files: readonly KeyFile[];
};

/** Files that are hashed at the same time. */
const atOnce = 16;

/**
 * Reads what files hold, with the modes that git knows. What is neither file nor link (a submodule's folder), or is gone by now, is left out.
 * @param paths from the root
 */
export async function readCheckedFiles(root: string, below: string, paths: readonly string[]): Promise<CheckedFiles> {
  const sorted = paths.toSorted();
  const files: (KeyFile | null)[] = [];
  for (let at = 0; at < sorted.length; at += atOnce) {
    files.push(...(await Promise.all(sorted.slice(at, at + atOnce).map((path) => keyFile(root, path)))));
  }
  return { root, below, files: files.filter((file) => file !== null) };
}

async function keyFile(root: string, path: string): Promise<KeyFile | null> {
  const stats = await lstat(join(root, path)).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw error;
  });
  const hash = createHash("sha256");
  if (stats?.isSymbolicLink() === true)
    return { path, mode: "120000", hash: hash.update(await readlink(join(root, path))).digest("hex") };
  if (stats?.isFile() !== true) return null;
  for await (const chunk of createReadStream(join(root, path))) hash.update(chunk as Buffer);
  return { path, mode: (stats.mode & 0o111) === 0 ? "100644" : "100755", hash: hash.digest("hex") };
}

/** One hash for all files: what a working tree is, whatever commit it began from. */
export function treeHash({ files }: CheckedFiles): string {
  return createHash("sha256")
    .update(canonical(files.map(({ path, mode, hash }) => [path, mode, hash])))
    .digest("hex");
}

/**
 * Files as entries of an archive, with the folders they lie in.
 * @param prefix folder for all of them, such as "work"
 */
export async function* archiveEntries(
  root: string,
  files: readonly KeyFile[],
  prefix: string,
): AsyncGenerator<ArchiveSource, void, undefined> {
  const known = new Set<string>();
  yield { kind: "folder", path: prefix, mode: 0o755 };
  for (const { path, mode } of files) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join("/");
      if (known.has(folder)) continue;
      known.add(folder);
      yield { kind: "folder", path: `${prefix}/${folder}`, mode: 0o755 };
    }
    const place = join(root, path);
    if (mode === "120000") yield { kind: "link", path: `${prefix}/${path}`, target: await readlink(place) };
    else {
      const { size } = await lstat(place);
      const body = createReadStream(place);
      yield { kind: "file", path: `${prefix}/${path}`, mode: mode === "100755" ? 0o755 : 0o644, size, body };
    }
  }
}
