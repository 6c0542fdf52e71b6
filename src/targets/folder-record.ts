import type { Plan } from "../deploy/types.ts";
import { completeState } from "../environments/record/changes.ts";
import { ShiplockError } from "../errors.ts";
import type { HostFiles } from "../hosts/types.ts";
import type {
  EnvironmentRecord,
  EnvironmentState,
  JournalEntry,
  MigrationResult,
} from "../environments/record/types.ts";

/** Revisions kept behind the newest, for whoever wants to look back by hand. */
const keptRevisions = 20;

const folderMode = 0o700;
const privately = { mode: 0o600, folders: folderMode } as const;

/**
 * The environment record as a folder on the home host. A revision is a file that is created exclusively, so of two writers exactly one wins; `current` is a link that
 * makes reading quick, and a reader that finds a newer revision behind it takes that one.
 */
export function folderRecord(files: HostFiles, folder: string): EnvironmentRecord {
  const records = `${folder}/record`;
  const waitingRoom = `${folder}/requests`;
  const operation = (deployment: string): string => `${folder}/operations/${deployment}`;
  const journalOf = (deployment: string): string => `${operation(deployment)}/journal.jsonl`;
  const appended = new Set<string>();
  let last: { revision: number; state: EnvironmentState } | null = null;

  async function read(): Promise<{ revision: number; state: EnvironmentState } | null> {
    // Whoever has read before mostly finds nothing new, and knows that after one round trip.
    const [current, follower] = await Promise.all([
      files.read(`${records}/current`),
      last === null ? undefined : files.read(revisionPath(records, last.revision + 1)),
    ]);
    let found = parseRevision(current, `${records}/current`) ?? (await newestListed());
    if (follower === null && found !== null && found.revision === last?.revision) return (last = found);
    for (;;) {
      const path = revisionPath(records, (found?.revision ?? 0) + 1);
      const next = parseRevision(await files.read(path), path);
      if (next === null) return (last = found);
      found = next;
    }
  }

  /** Where `current` leads nowhere: nothing was ever recorded, or somebody tidied the folder by hand. */
  async function newestListed(): Promise<{ revision: number; state: EnvironmentState } | null> {
    const names = ((await files.list(records)) ?? [])
      .map(({ name }) => name)
      .filter((name) => /^\d{8}[.]json$/.test(name));
    const newest = names.sort().at(-1);
    return newest === undefined
      ? null
      : parseRevision(await files.read(`${records}/${newest}`), `${records}/${newest}`);
  }

  async function swap(expected: number, state: EnvironmentState, after?: Promise<unknown>): Promise<boolean> {
    const revision = expected + 1;
    let overtaken = false;
    // Asked while the content is brought, so it costs no round trip.
    const refusing = linkedRevision().then((newest) => {
      overtaken = newest > expected;
      if (overtaken) throw new Error("somebody else was faster");
    });
    const allowed = Promise.all([after, refusing]);
    // It is heard through the file, which may fail before it listens.
    allowed.catch(() => undefined);
    const won = await files
      .createExclusive(revisionPath(records, revision), `${JSON.stringify({ revision, state }, null, 1)}\n`, {
        folders: folderMode,
        after: allowed,
      })
      .catch((error: unknown) => {
        if (overtaken) return false;
        throw error;
      });
    if (!won) return false;
    last = { revision, state };
    const older = revision - keptRevisions;
    await Promise.all([
      files.symlinkAtomic(revisionName(revision), `${records}/current`),
      ...(older > 0 ? [files.remove(revisionPath(records, older))] : []),
    ]);
    return true;
  }

  /**
   * Where `current` points, or 0. It may lag behind by those who are just writing, never by as many as are kept: so it tells whoever looked so long ago that the file after
   * what they saw has been tidied away, and its name is free again.
   */
  async function linkedRevision(): Promise<number> {
    const target = await files.readlink(`${records}/current`);
    return target === null ? 0 : Number.parseInt(target, 10);
  }

  async function seen(deployments: readonly string[]): Promise<void> {
    await Promise.all(
      deployments.map((deployment) => files.write(`${waitingRoom}/${deployment}`, "", { ...privately, sync: false })),
    );
  }

  async function left(deployments: readonly string[]): Promise<void> {
    await Promise.all(deployments.map((deployment) => files.remove(`${waitingRoom}/${deployment}`)));
  }

  /** By the host's own clock: a file that was written just now says what time it is there. */
  async function lastSeen(): Promise<ReadonlyMap<string, number>> {
    const clock = `${folder}/clock`;
    await files.write(clock, "", { ...privately, sync: false });
    const [now, entries] = await Promise.all([files.stat(clock), files.list(waitingRoom)]);
    const at = now?.mtimeMs ?? 0;
    return new Map((entries ?? []).map(({ name, mtimeMs }) => [name, Math.max(0, at - mtimeMs)]));
  }

  async function writeOperation(plan: Plan): Promise<void> {
    await files.write(`${operation(plan.deployment)}/plan.json`, `${JSON.stringify(plan, null, 1)}\n`, privately);
    // The first entry then finds its file open. Whether it can be written is heard there.
    files.append(journalOf(plan.deployment), "", { sync: false }).catch(() => undefined);
  }

  async function append(deployment: string, entries: readonly JournalEntry[]): Promise<void> {
    // Whoever takes up another's journal begins on a new line: a crash may have cut the last one.
    const start = appended.has(deployment) ? "" : "\n";
    const lines = entries.map((entry) => `${JSON.stringify(entry)}\n`).join("");
    await files.append(journalOf(deployment), start + lines, { sync: true });
    appended.add(deployment);
  }

  async function journal(deployment: string): Promise<JournalEntry[]> {
    const text = await readText(journalOf(deployment));
    // A crash may have cut the last line; an entry that is not whole was never synced, so its effect never began.
    return (text ?? "").split("\n").flatMap((line) => parseLine(line));
  }

  async function writeRelease(name: string, text: string): Promise<void> {
    await files.write(`${folder}/releases/${name}.json`, text, privately);
  }

  async function readMigration(release: string): Promise<MigrationResult | null> {
    const text = await readText(`${folder}/migrations/${release}.json`);
    return text === null ? null : (JSON.parse(text) as MigrationResult);
  }

  async function writeMigration(release: string, result: MigrationResult): Promise<void> {
    await files.write(`${folder}/migrations/${release}.json`, `${JSON.stringify(result)}\n`, privately);
  }

  async function readText(path: string): Promise<string | null> {
    const bytes = await files.read(path);
    return bytes === null ? null : new TextDecoder().decode(bytes);
  }

  return {
    read,
    last: () => last,
    swap,
    seen,
    left,
    lastSeen,
    writeOperation,
    readPlan: async (deployment) => {
      const text = await readText(`${operation(deployment)}/plan.json`);
      // Plans that were written before hosts could be skipped skip none.
      return text === null ? null : { skipped: [], ...(JSON.parse(text) as Omit<Plan, "skipped">) };
    },
    append,
    journal,
    readRelease: (name) => readText(`${folder}/releases/${name}.json`),
    writeRelease,
    listReleases: async () =>
      ((await files.list(`${folder}/releases`)) ?? [])
        .map(({ name }) => name)
        .filter((name) => name.endsWith(".json"))
        .map((name) => name.slice(0, -".json".length)),
    removeRelease: (name) => files.remove(`${folder}/releases/${name}.json`),
    listOperations: async () =>
      ((await files.list(`${folder}/operations`)) ?? [])
        .filter(({ kind }) => kind === "directory")
        .map(({ name }) => name),
    removeOperation: (deployment) => files.removeTree(operation(deployment)),
    readMigration,
    writeMigration,
  };
}

function revisionName(revision: number): string {
  return `${String(revision).padStart(8, "0")}.json`;
}

function revisionPath(records: string, revision: number): string {
  return `${records}/${revisionName(revision)}`;
}

function parseRevision(bytes: Uint8Array | null, path: string): { revision: number; state: EnvironmentState } | null {
  if (bytes === null) return null;
  try {
    const parsed = JSON.parse(new TextDecoder().decode(bytes)) as { revision: number; state: EnvironmentState };
    if (parsed.state.version !== 1)
      throw new Error(`version ${String(parsed.state.version)} is newer than this Shiplock`);
    return { ...parsed, state: completeState(parsed.state) };
  } catch (cause) {
    throw new ShiplockError({
      code: "record/unreadable",
      blame: "person",
      message: `the environment record cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      where: path,
      remedy: "use the Shiplock version that wrote it, or restore the newest readable revision beside it",
      cause,
    });
  }
}

function parseLine(line: string): JournalEntry[] {
  if (line === "") return [];
  try {
    return [JSON.parse(line) as JournalEntry];
  } catch {
    return [];
  }
}
