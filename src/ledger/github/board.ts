import type { DeploymentEntry, StateRules } from "../types.ts";
import { entryOf, isReplaced, isSettled, replacedBy } from "./states.ts";
import type { DeploymentRecord, GitHubRecords, RecordStatus, ToldRecord } from "./types.ts";

/** How many records of an environment are looked at, newest first, before older ones are taken to be in order. */
const mostLookedAt = 20;
/** How many are listed at once. */
const page = 100;
/** How long a list is good for whoever only reads, in milliseconds. */
const freshMs = 30_000;
/** How many calls at once. */
const parallel = 6;

/**
 * GitHub's records as they were last read, so that the parts of a command ask once. What is settled is not asked again.
 */
export type Board = {
  /** Records of an environment, or of all, newest first, among the newest `most`. */
  list(environment: string | null, most?: number): Promise<readonly DeploymentRecord[]>;
  /** As `list`, from GitHub and not from memory. */
  listAnew(environment: string): Promise<readonly DeploymentRecord[]>;
  /** A record with what was said of it. */
  told(record: DeploymentRecord): Promise<ToldRecord>;
  /** Several of them, a few at once, in their order. */
  toldAll(records: readonly DeploymentRecord[]): Promise<ToldRecord[]>;
  /** One that was made just now. */
  made(record: DeploymentRecord): void;
  /** Something was said of one just now. */
  said(record: number, status: RecordStatus): void;
};

/** What is remembered; several boards of one command share it. */
export type BoardMemory = {
  readonly lists: Map<string, { at: number; most: number; list: Promise<readonly DeploymentRecord[]> }>;
  /** Statuses of records of which nothing more is expected, by number. */
  readonly settled: Map<number, readonly RecordStatus[]>;
};

export function createBoardMemory(): BoardMemory {
  return { lists: new Map(), settled: new Map() };
}

export function createBoard(
  records: GitHubRecords,
  now: () => number,
  { lists, settled }: BoardMemory = createBoardMemory(),
): Board {
  function ask(environment: string | null, most: number): Promise<readonly DeploymentRecord[]> {
    const key = JSON.stringify(environment);
    const entry = { at: now(), most, list: records.list(environment, most) };
    lists.set(key, entry);
    // What failed is asked again by the next one.
    entry.list.catch(() => lists.delete(key));
    return entry.list;
  }

  async function told(record: DeploymentRecord): Promise<ToldRecord> {
    const known = settled.get(record.number);
    if (known !== undefined) return { ...record, statuses: known };
    const statuses = await records.statuses(record.number);
    if (isSettled(statuses[0])) settled.set(record.number, statuses);
    return { ...record, statuses };
  }

  return {
    list: async (environment, most = page) => {
      const known = lists.get(JSON.stringify(environment));
      if (known !== undefined && known.most >= most && now() - known.at < freshMs) return known.list;
      return ask(environment, most);
    },
    listAnew: (environment) => ask(environment, page),
    told,
    toldAll: async (all) => {
      const found: ToldRecord[] = [];
      for (let start = 0; start < all.length; start += parallel)
        found.push(...(await Promise.all(all.slice(start, start + parallel).map(told))));
      return found;
    },
    made: (record) => {
      for (const [key, entry] of lists) {
        if (key !== "null" && key !== JSON.stringify(record.environment)) continue;
        entry.list = entry.list.then((list) => [record, ...list]);
        entry.list.catch(() => lists.delete(key));
      }
    },
    said: (record, status) => {
      const known = settled.get(record);
      if (known === undefined) return;
      if (isSettled(status)) settled.set(record, [status, ...known]);
      else settled.delete(record);
    },
  };
}

/**
 * The newest records of an environment that may still have to be put in order: those behind one that was live and is replaced were put in order by who replaced it.
 * @param passed records that are not looked at
 */
export async function unsettledPart(
  board: Board,
  environment: string,
  passed: (record: DeploymentRecord) => boolean = () => false,
): Promise<ToldRecord[]> {
  const found: ToldRecord[] = [];
  for (const record of (await board.list(environment)).slice(0, mostLookedAt)) {
    if (passed(record)) continue;
    const told = await board.told(record);
    found.push(told);
    const [newest] = told.statuses;
    if (newest !== undefined && isReplaced(newest)) return found;
  }
  return found;
}

/** Marks what was live before a deployment that succeeded, and a second record of the same one, which a call without an answer can leave behind. */
export async function replaceEarlier(
  records: GitHubRecords,
  board: Board,
  mine: DeploymentRecord,
  logUrl: string | null,
): Promise<void> {
  const { environment, document } = mine;
  for (const { number, statuses, document: other } of await unsettledPart(board, environment, isMine)) {
    const [newest] = statuses;
    const twice = other.deployment === document.deployment;
    if (newest?.state !== "success" && !(twice && newest?.state !== "inactive")) continue;
    board.said(number, await records.say(number, { ...replacedBy(document.release), environmentUrl: null, logUrl }));
  }

  function isMine({ number }: DeploymentRecord): boolean {
    return number === mine.number;
  }
}

/** A record as the deployment that it tells of. */
export function recordedEntry({ environment, document, statuses }: ToldRecord, states: StateRules): DeploymentEntry {
  return entryOf(environment, document, statuses, states);
}
