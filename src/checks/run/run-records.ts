import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isRunning, type ProcessIdentity } from "./identity.ts";

/** What a run leaves in the state folder while it goes on, so that whoever comes later can tell whether it still does. */
export type RunRecord = {
  readonly version: 1;
  readonly run: string;
  readonly project: string;
  /** Of the runs of a group only the newest goes on. */
  readonly group: string | null;
  readonly process: ProcessIdentity;
  /** Folder for everything that it writes on this machine and that ends with it. */
  readonly scratch: string;
  /** Folder of the checkout that it checks, which ends with it as well; null for a working tree. */
  readonly checkout: string | null;
  /** ISO 8601 */
  readonly createdAt: string;
};

/**
 * The runs of this machine, in a folder.
 *
 * - **Order of calls.** `begin` comes before the run makes anything, `end` after everything it made is gone.
 * - **Concurrency.** Any number of processes; each writes only its own record, removes only its own and those of processes that are gone.
 */
export type RunRecords = {
  begin(record: RunRecord): Promise<void>;
  end(run: string): Promise<void>;
  /** All there are, with whether their process still runs. */
  list(): Promise<(RunRecord & { alive: boolean })[]>;
  /** Tells a run that a newer one takes its place. */
  supersede(run: string, by: string): Promise<void>;
  /** The run that takes the place of this one, if one does. */
  supersededBy(run: string): Promise<string | null>;
};

export function openRunRecords(folder: string): RunRecords {
  const record = (run: string): string => join(folder, `${run}.json`);
  const successor = (run: string): string => join(folder, `${run}.superseded`);

  async function writeWhole(path: string, text: string): Promise<void> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    try {
      await writeFile(`${path}.new`, text, { mode: 0o600 });
      await rename(`${path}.new`, path);
    } catch (error) {
      await rm(`${path}.new`, { force: true });
      throw error;
    }
  }

  return {
    begin: (one) => writeWhole(record(one.run), JSON.stringify(one)),
    async end(run) {
      await rm(record(run), { force: true });
      await rm(successor(run), { force: true });
    },
    async list() {
      const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
        if (error.code === "ENOENT") return [];
        throw error;
      });
      const read = names.filter((name) => name.endsWith(".json")).map((name) => readRecord(join(folder, name)));
      const records = (await Promise.all(read)).filter((one) => one !== null);
      return Promise.all(records.map(async (one) => ({ ...one, alive: await isRunning(one.process) })));
    },
    supersede: (run, by) => writeWhole(successor(run), by),
    supersededBy: (run) => readText(successor(run)),
  };
}

async function readRecord(path: string): Promise<RunRecord | null> {
  const text = await readText(path);
  if (text === null) return null;
  try {
    const parsed = JSON.parse(text) as RunRecord;
    if (parsed.version === 1 && typeof parsed.process.pid === "number") return parsed;
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof TypeError)) throw error;
  }
  return null;
}

/** Null when its run has ended meanwhile. */
function readText(path: string): Promise<string | null> {
  return readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
}

/**
 * What a run of a group has to do about the others of it, so that the newest alone goes on. Two that begin at the same instant agree on which of them that is.
 * @returns the older runs, to be ended, and the newer one that takes this one's place
 */
export function rivalsOf<Run extends Pick<RunRecord, "run" | "project" | "group" | "createdAt">>(
  own: Run,
  others: readonly Run[],
): { older: Run[]; newer: Run | null } {
  if (own.group === null) return { older: [], newer: null };
  const rivals = others.filter(
    (other) => other.run !== own.run && other.group === own.group && other.project === own.project,
  );
  const isOlder = (left: Run, right: Run): boolean =>
    left.createdAt < right.createdAt || (left.createdAt === right.createdAt && left.run < right.run);
  return {
    older: rivals.filter((other) => isOlder(other, own)),
    newer: rivals.find((other) => isOlder(own, other)) ?? null,
  };
}
