import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../../clock.ts";
import type { Engine } from "../../hosts/engine.ts";
import { canonical } from "../canonical.ts";
import { checkLabel, labelsOf, madeBy, type Ownership } from "./labels.ts";

/** What a cache belongs to: a change of any of it is another cache. */
export type CacheIdentity = {
  readonly project: string;
  /** How the engine is reached; a volume is on one engine. */
  readonly engine: string;
  /** Absolute path in the container. */
  readonly path: string;
  readonly imageId: string;
  /** Hashes of the files that it is keyed by, by path. */
  readonly keys: Readonly<Record<string, string>>;
};

export type CacheVolume = {
  readonly volume: string;
  /** Filled by an earlier run, or empty. */
  readonly warm: boolean;
  /**
   * Gives it back. `kept`: it may be used by a later run. One that was empty is kept only after a check that passed, one that was filled whenever the command ended by
   * itself: only one that was killed may have left half of something.
   */
  release(kept: boolean): Promise<void>;
};

/**
 * Cache volumes on an engine, with their state in a folder: `<key>/<volume>.ready`, or `<key>/<volume>.<run>` while a run has it. A volume has one user at a time; renaming its
 * file is what takes it and gives it back, so of two that want it one gets it, and what a killed run had is known by its name and never used again.
 */
export type Caches = {
  /** A filled volume that nobody has, or else a new one. */
  take(identity: CacheIdentity, check: string): Promise<CacheVolume>;
  /** Removes what was not used for `unusedMs`, and volumes whose run was killed. Errors: those of the engine. */
  sweep(alive: ReadonlySet<string>, unusedMs: number): Promise<void>;
};

const ready = "ready";

export function openCaches(options: {
  folder: string;
  engine: Engine;
  /** How the engine is reached, as in `CacheIdentity`. */
  engineName: string;
  owner: Ownership;
  clock: Clock;
  signal: AbortSignal;
}): Caches {
  const { folder, engine, owner, clock, signal } = options;
  const place = join(folder, hashOf(options.engineName));

  async function takeReady(shelf: string): Promise<string | null> {
    for (const name of await namesIn(shelf)) {
      const volume = name.slice(0, name.lastIndexOf("."));
      if (!name.endsWith(`.${ready}`)) continue;
      const own = join(shelf, `${volume}.${owner.run}`);
      if (!(await renamed(join(shelf, name), own))) continue;
      if ((await engine.inspectVolume(volume, { signal })) !== null) return volume;
      // Somebody removed the volume.
      await rm(own, { force: true });
    }
    return null;
  }

  return {
    async take(identity, check) {
      const shelf = join(place, hashOf(canonical(identity)));
      await mkdir(shelf, { recursive: true, mode: 0o700 });
      const found = await takeReady(shelf);
      const volume = found ?? `shiplock-cache-${randomUUID().slice(0, 13)}`;
      const own = join(shelf, `${volume}.${owner.run}`);
      if (found === null) {
        // Written first, so that there is no volume that no file knows of.
        await writeFile(own, JSON.stringify({ ...identity, check }), { mode: 0o600 });
        await engine.createVolume({ Name: volume, Labels: labelsOf(owner, "check-cache", check) }, { signal });
      }
      return {
        volume,
        warm: found !== null,
        async release(kept) {
          if (kept) {
            await utimes(own, clock.now(), clock.now());
            await renamed(own, join(shelf, `${volume}.${ready}`));
            return;
          }
          await engine.removeVolume(volume);
          await rm(own, { force: true });
        },
      };
    },

    async sweep(alive, unusedMs) {
      // Volumes before files: a file is written before its volume is made.
      const volumes = await engine.listVolumes({ labels: madeBy(owner.machine, "check-cache"), signal });
      const known = new Set<string>();
      const oldest = clock.now().getTime() - unusedMs;
      for (const shelf of await namesIn(place)) {
        for (const name of await namesIn(join(place, shelf))) {
          const volume = name.slice(0, name.lastIndexOf("."));
          const user = name.slice(name.lastIndexOf(".") + 1);
          known.add(volume);
          if (user === ready ? !(await isOlder(join(place, shelf, name), oldest)) : alive.has(user)) continue;
          const own = join(place, shelf, `${volume}.${owner.run}`);
          if (!(await renamed(join(place, shelf, name), own))) continue;
          await engine.removeVolume(volume);
          await rm(own, { force: true });
        }
      }
      for (const volume of volumes) {
        const run = volume.labels[checkLabel.run] ?? "";
        if (!known.has(volume.name) && !alive.has(run) && !(await knownElsewhere(folder, volume.name)))
          await engine.removeVolume(volume.name);
      }
    },
  };
}

/** Two ways to one engine (another socket path) have folders of their own. */
async function knownElsewhere(folder: string, volume: string): Promise<boolean> {
  const names = await readdir(folder, { recursive: true }).catch(orNone);
  return names.some((name) => name.includes(`${volume}.`));
}

async function namesIn(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(orNone)).toSorted();
}

function orNone(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return [];
  throw error;
}

async function isOlder(path: string, than: number): Promise<boolean> {
  const stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  return stats !== null && stats.mtimeMs < than;
}

/** False when another was quicker. */
async function renamed(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw error;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 24);
}
