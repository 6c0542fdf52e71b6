import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { canonical } from "../canonical.ts";
import { orNone, orNull } from "../stored-files.ts";

/** What a kept cache belongs to. The image stands in it by its name: a tag that moves gets what was there before. */
export type KeptIdentity = {
  readonly project: string;
  /** Absolute path in the container. */
  readonly path: string;
  readonly image: string;
  /** Hashes of the files that it is keyed by, by path. */
  readonly keys: Readonly<Record<string, string>>;
};

/**
 * A folder with what caches hold, as files, for machines that do not last: somebody carries it from one to the next. A cache that is there is never written again, since all that it
 * depends on is the same.
 */
export type KeptCaches = {
  /** Path of a tar file whose names begin with the last part of the cache's path; null where none is kept. */
  find(identity: KeptIdentity): Promise<string | null>;
  keep(identity: KeptIdentity, content: AsyncIterable<Uint8Array>): Promise<void>;
  /** Removes what was neither found nor kept since this was opened. */
  sweep(): Promise<void>;
};

/** @param folder need not exist yet */
export function openKeptCaches(folder: string): KeptCaches {
  const used = new Set<string>();

  return {
    async find(identity) {
      const name = nameOf(identity);
      const path = join(folder, name);
      const there = await access(path).then(() => true, orNull);
      if (there !== true) return null;
      used.add(name);
      return path;
    },

    async keep(identity, content) {
      const name = nameOf(identity);
      const path = join(folder, name);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      try {
        await pipeline(Readable.from(content), createWriteStream(`${path}.new`, { mode: 0o600 }));
        await rename(`${path}.new`, path);
      } finally {
        await rm(`${path}.new`, { force: true });
      }
      used.add(name);
    },

    async sweep() {
      const names = await readdir(folder).catch(orNone);
      for (const name of names.filter((one) => /^[0-9a-f]{24}\.tar$/.test(one) && !used.has(one)))
        await rm(join(folder, name), { force: true });
    },
  };
}

function nameOf(identity: KeptIdentity): string {
  return `${createHash("sha256").update(canonical(identity)).digest("hex").slice(0, 24)}.tar`;
}
