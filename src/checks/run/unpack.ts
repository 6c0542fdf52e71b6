import { createWriteStream } from "node:fs";
import { chmod, link, lstat, mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join, posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ShiplockError } from "../../errors.ts";
import { readArchive, type ArchiveRead } from "../../hosts/file-archive.ts";

/**
 * Unpacks an archive of outside origin into a folder: nothing is written outside of it, neither by a name nor through a link, and what is there under a name is replaced.
 * @param told hears of links that lead out of the folder, which are left out
 * @throws ShiplockError `archive/outside`, `archive/corrupt`
 */
export async function unpackTar(
  source: AsyncIterable<Uint8Array>,
  folder: string,
  told: (text: string) => void = () => undefined,
): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for await (const entry of readArchive(source)) {
    const path = inside(entry.path);
    if (path === ".") continue;
    await realFolder(folder, dirname(path));
    await unpackEntry(entry, folder, path, told);
  }
}

async function unpackEntry(
  entry: ArchiveRead,
  folder: string,
  path: string,
  told: (text: string) => void,
): Promise<void> {
  const place = join(folder, path);
  if (entry.kind === "folder") return realFolder(folder, path);
  await rm(place, { recursive: true, force: true });
  switch (entry.kind) {
    case "file":
      await pipeline(Readable.from(entry.body), createWriteStream(place, { flags: "wx" }));
      return chmod(place, (entry.mode & 0o111) === 0 ? 0o644 : 0o755);
    case "hard-link": {
      const target = inside(entry.target);
      await realFolder(folder, dirname(target));
      return link(join(folder, target), place);
    }
    case "link": {
      const leads = posix.normalize(posix.join(posix.dirname(path), entry.target));
      if (!posix.isAbsolute(entry.target) && leads !== ".." && !leads.startsWith("../"))
        return symlink(entry.target, place);
      told(`the link ${path} leads to ${entry.target} and is left out`);
    }
  }
}

function inside(path: string): string {
  const normal = posix.normalize(path);
  if (!posix.isAbsolute(normal) && normal !== ".." && !normal.startsWith("../")) return normal;
  throw new ShiplockError({
    code: "archive/outside",
    message: `the archive has a file ${JSON.stringify(path)}, which lies outside of its folder`,
    remedy: "look at the check that wrote it",
  });
}

/** Makes the folders of a path one by one; what stands in the way, a link above all, is removed. */
async function realFolder(root: string, path: string): Promise<void> {
  let place = root;
  for (const part of path.split("/")) {
    if (part === "." || part === "") continue;
    place = join(place, part);
    const stats = await lstat(place).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return null;
      throw error;
    });
    if (stats?.isDirectory() === true) continue;
    if (stats !== null) await rm(place);
    await mkdir(place, { mode: 0o755 });
  }
}
