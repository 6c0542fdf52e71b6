import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { decodeEntry, decodeLog, encodeEntry, encodeLog } from "./stored-entry.ts";
import {
  copyHashed,
  hashOf,
  isTaken,
  notKept,
  orNone,
  orNull,
  readChecked,
  requireChecked,
  sizeOf,
} from "./stored-files.ts";
import type { LogLine, ReportSummary } from "./types.ts";

/** What a check that passed left behind. Only such are kept: a failure is never answered from the cache. */
export type PassedResult = {
  readonly outcome: "passed";
  /** Masked already. */
  readonly log: readonly LogLine[];
  /** A tar file that is copied; null where the check keeps none. */
  readonly artifacts: string | null;
  readonly reports: ReportSummary;
  readonly durationMs: number;
};

/** `artifacts` lies in the store: it is there until `sweep` takes it, which spares what was found within the last hour. */
export type StoredResult = PassedResult & { readonly savedAt: Date; readonly artifactsHash: string | null };

/**
 * Results by the key of everything they depend on. Several programs may use one folder at the same time; nothing is locked. An entry appears whole or not at all, and of
 * two that are saved under one key the first stays.
 */
export type ResultStore = {
  /** The result of this key, every byte compared with its checksum. An entry that does not fit is removed, told to `onDropped`, and answered with null. */
  find(key: string): Promise<StoredResult | null>;
  /**
   * Keeps a result. Nothing half is left if it fails.
   * @throws ShiplockError `check/cache-full` where there is no room, `check/cache-failed` for anything else; the check itself passed all the same
   */
  save(key: string, result: PassedResult): Promise<void>;
  /**
   * Removes what was not found for longer than `olderThanMs`, then what was not found for longest until `keepBytes` are not exceeded, and what writers left that
   * were killed. What was found within the last hour stays.
   */
  sweep(limits: { olderThanMs: number; keepBytes: number }): Promise<{ removed: number; bytes: number }>;
};

export type ResultStoreOptions = {
  /** Hears of every entry that had to be removed. */
  readonly onDropped?: (key: string, why: string) => void;
  /** For tests: how a file of the store gets its content. */
  readonly write?: (path: string, content: string) => Promise<void>;
};

const inUseMs = 60 * 60_000;
const unfinished = "unfinished-";
const names = { entry: "entry.json", log: "log.jsonl", artifacts: "artifacts.tar" } as const;

/** The store in a folder, which need not exist yet. */
export function openResultStore(folder: string, clock: Clock, options: ResultStoreOptions = {}): ResultStore {
  const write = options.write ?? ((path, content) => writeFile(path, content, { flag: "wx" }));

  return { find, save, sweep };

  async function find(key: string): Promise<StoredResult | null> {
    const place = placeOf(folder, key);
    try {
      if ((await stat(place).catch(orNull)) === null) return null;
      const written = await readFile(join(place, names.entry), "utf8").catch(orNull);
      if (written === null) throw new Error("the entry is missing");
      const entry = decodeEntry(written, key);
      const log = decodeLog(await readChecked(join(place, names.log), names.log, entry.log));
      const artifacts = entry.artifacts === null ? null : join(place, names.artifacts);
      if (entry.artifacts !== null && artifacts !== null) {
        await requireChecked(artifacts, names.artifacts, entry.artifacts);
      }
      await utimes(place, clock.now(), clock.now());
      return {
        outcome: "passed",
        log,
        artifacts,
        artifactsHash: entry.artifacts?.sha256 ?? null,
        reports: entry.reports,
        durationMs: entry.durationMs,
        savedAt: new Date(entry.savedAt),
      };
    } catch (error) {
      await drop(key, place, messageOf(error));
      return null;
    }
  }

  async function save(key: string, result: PassedResult): Promise<void> {
    const place = placeOf(folder, key);
    const temporary = join(folder, `${unfinished}${randomBytes(8).toString("hex")}`);
    try {
      try {
        await writeTo(temporary, key, result);
        await putInPlace(temporary, place);
      } finally {
        await rm(temporary, { recursive: true, force: true }).catch(orNull);
      }
    } catch (error) {
      throw notKept(folder, error);
    }
  }

  async function writeTo(temporary: string, key: string, result: PassedResult): Promise<void> {
    const { artifacts, durationMs, reports } = result;
    await mkdir(temporary, { recursive: true, mode: 0o700 });
    const log = encodeLog(result.log);
    await write(join(temporary, names.log), log);
    const entry = encodeEntry({
      version: 1,
      key,
      savedAt: clock.now().toISOString(),
      durationMs,
      reports,
      log: hashOf(log),
      artifacts: artifacts === null ? null : await copyHashed(artifacts, join(temporary, names.artifacts)),
    });
    await write(join(temporary, names.entry), entry);
    await utimes(temporary, clock.now(), clock.now());
  }

  async function putInPlace(temporary: string, place: string): Promise<void> {
    await mkdir(dirname(place), { recursive: true, mode: 0o700 });
    await rename(temporary, place).catch((error: unknown) => {
      // Another was quicker, with the same result.
      if (!isTaken(error)) throw error;
    });
  }

  async function sweep(limits: {
    olderThanMs: number;
    keepBytes: number;
  }): Promise<{ removed: number; bytes: number }> {
    const now = clock.now().getTime();
    await removeUnfinished(now);
    const entries = (await allEntries()).sort((left, right) => left.usedAt - right.usedAt);
    let kept = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    const swept = { removed: 0, bytes: 0 };
    for (const entry of entries) {
      const unusedMs = now - entry.usedAt;
      if (unusedMs < inUseMs || (unusedMs <= limits.olderThanMs && kept <= limits.keepBytes)) continue;
      await removeWhole(entry.place);
      kept -= entry.bytes;
      swept.removed += 1;
      swept.bytes += entry.bytes;
    }
    return swept;
  }

  async function allEntries(): Promise<{ place: string; usedAt: number; bytes: number }[]> {
    const found: { place: string; usedAt: number; bytes: number }[] = [];
    for (const shelf of await readdir(folder).catch(orNone)) {
      if (!/^[0-9a-f]{2}$/.test(shelf)) continue;
      for (const name of await readdir(join(folder, shelf)).catch(orNone)) {
        const place = join(folder, shelf, name);
        const stats = await stat(place).catch(orNull);
        if (stats !== null) found.push({ place, usedAt: stats.mtimeMs, bytes: await sizeOf(place) });
      }
    }
    return found;
  }

  async function removeUnfinished(now: number): Promise<void> {
    for (const name of await readdir(folder).catch(orNone)) {
      if (!name.startsWith(unfinished)) continue;
      const place = join(folder, name);
      const stats = await stat(place).catch(orNull);
      if (stats !== null && now - stats.mtimeMs > inUseMs) await rm(place, { recursive: true, force: true });
    }
  }

  async function drop(key: string, place: string, why: string): Promise<void> {
    try {
      // If it is gone already, `sweep` took it between two looks and nothing was wrong with it.
      if (await removeWhole(place)) options.onDropped?.(key, why);
    } catch (error) {
      options.onDropped?.(key, `${why}; it could not be removed: ${messageOf(error)}`);
    }
  }

  /** Out of sight first, so that nobody finds an entry that is being taken apart. @returns whether it was there */
  async function removeWhole(place: string): Promise<boolean> {
    const aside = join(folder, `${unfinished}${randomBytes(8).toString("hex")}`);
    const there = await rename(place, aside).then(() => true, orNull);
    await rm(aside, { recursive: true, force: true });
    return there === true;
  }
}

function placeOf(folder: string, key: string): string {
  if (!/^[0-9a-f]{64}$/.test(key)) throw new Error("a key of the result store is 64 hexadecimal digits");
  return join(folder, key.slice(0, 2), key);
}
