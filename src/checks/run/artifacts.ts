import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, posix } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type ArchiveSource, writeArchive } from "../../hosts/file-archive.ts";
import type { Place } from "./place.ts";
import { unpackTar } from "./unpack.ts";

/** What a job hands over: a tar file with names from the repository's root, and its hash, which is the same for the same files. */
export type Artifacts = { readonly tar: string; readonly hash: string };

/**
 * Collects a check's artifacts into one tar file.
 * @param directory of the check, from the repository's root
 * @param missing is told of those that are not there
 * @returns null where there is none of them
 */
export async function collectArtifacts(
  place: Place,
  paths: readonly string[],
  directory: string,
  tar: string,
  missing: (path: string) => void,
): Promise<Artifacts | null> {
  let found = 0;

  async function* entries(): AsyncGenerator<ArchiveSource, void, undefined> {
    for (const path of paths) {
      const archive = await place.archive(path);
      if (archive === null) {
        missing(path);
        continue;
      }
      found += 1;
      const above = posix.dirname(posix.join(directory, path));
      for await (const { body, ...entry } of archive) {
        const moved = { ...entry, path: posix.join(above, entry.path) };
        // A hard link names another entry of the same archive.
        if (moved.kind === "hard-link") yield { ...moved, target: posix.join(above, moved.target) };
        else yield moved.kind === "file" ? { ...moved, body } : moved;
      }
    }
  }

  const hash = createHash("sha256");
  await mkdir(dirname(tar), { recursive: true, mode: 0o700 });
  await pipeline(
    Readable.from(writeArchive(entries())),
    async function* (chunks: AsyncIterable<Uint8Array>) {
      for await (const chunk of chunks) {
        hash.update(chunk);
        yield chunk;
      }
    },
    createWriteStream(tar, { mode: 0o600 }),
  );
  if (found > 0) return { tar, hash: hash.digest("hex") };
  await rm(tar, { force: true });
  return null;
}

/** The folder for the files of a job: its id, made a name that every file system takes. */
export function folderName(job: string): string {
  const safe = job.replaceAll(/[^A-Za-z0-9._=-]+/g, "-").replace(/^[-.]+|-+$/g, "");
  if (safe === job) return safe;
  return `${safe}-${createHash("sha256").update(job).digest("hex").slice(0, 6)}`;
}

/** Puts artifacts into a folder where people find them, in place of what is there. */
export async function keepArtifacts(
  artifacts: Artifacts,
  folder: string,
  run: string,
  told: (text: string) => void,
): Promise<void> {
  const fresh = join(dirname(folder), `.${basename(folder)}.${run}.new`);
  const old = join(dirname(folder), `.${basename(folder)}.${run}.old`);
  await rm(fresh, { recursive: true, force: true });
  await unpackTar(createReadStream(artifacts.tar), fresh, told);
  await rename(folder, old).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  await rename(fresh, folder).catch((error: NodeJS.ErrnoException) => {
    // Another run of the same commit put its own there meanwhile.
    if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error;
  });
  for (const left of [fresh, old]) await rm(left, { recursive: true, force: true });
}
