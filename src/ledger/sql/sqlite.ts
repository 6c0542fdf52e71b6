import { existsSync } from "node:fs";
import { mkdir, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { Kysely } from "kysely";
import { messageOf, ShiplockError } from "../../errors.ts";
import { backupExists } from "../errors.ts";
import type { Ledger, StateRules } from "../types.ts";
import { createSqlLedger } from "./ledger.ts";
import { migrate } from "./migrations.ts";
import { nodeSqliteDialect, patiently, sqliteError } from "./node-sqlite.ts";
import type { LedgerTables } from "./schema.ts";

export type SqliteLedgerOptions = {
  /** The database file; it and its folder are made, for this user alone, when absent. On a local disk: WAL needs shared memory. */
  path: string;
  states: StateRules;
  /** Bytes of log kept per deployment. */
  logLimit?: number;
  /** How long a call waits for other processes' writes, in milliseconds. */
  patience?: number;
  now?: () => number;
};

/**
 * Opens the ledger in a SQLite file, in WAL mode with full synchronisation, and brings its tables up to date.
 * Errors: `ledger/newer-schema`, `ledger/unusable`, `ledger/damaged`, `ledger/busy`, `ledger/disk-full`.
 */
export async function openSqliteLedger(options: SqliteLedgerOptions): Promise<Ledger> {
  const { path, states, logLimit, patience = 10_000, now = Date.now } = options;
  await makeFile(path);
  const waiting = { where: path, patience };
  // SQLite's own waiting (milliseconds) is kept short because it stops the process; `patiently` goes on from there.
  const database = await patiently(() => new DatabaseSync(path, { timeout: 20 }), waiting);
  const db = new Kysely<LedgerTables>({ dialect: nodeSqliteDialect(database, waiting) });
  try {
    await migrate(db, { where: path, now: now() });
    await patiently(() => database.exec("pragma journal_mode = wal"), waiting);
    database.exec("pragma synchronous = full");
  } catch (cause) {
    database.close();
    throw cause;
  }
  return createSqlLedger({
    db,
    states,
    ...(logLimit === undefined ? {} : { logLimit }),
    backup: (toPath) => backUp(path, toPath),
    close: () => db.destroy(),
  });
}

async function makeFile(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(path, "a", 0o600);
    await file.close();
  } catch (cause) {
    throw new ShiplockError({
      code: "ledger/unusable",
      message: "The ledger cannot be opened.",
      where: path,
      details: [messageOf(cause)],
      remedy: "Check the folder and its rights, or name another ledger with SHIPLOCK_LEDGER.",
      cause,
    });
  }
}

/** Copies over a connection of its own, so that the copy holds exactly what was committed, whatever this process is writing. */
async function backUp(path: string, toPath: string): Promise<void> {
  if (existsSync(toPath)) throw backupExists(toPath);
  const partial = `${toPath}.partial`;
  await rm(partial, { force: true });
  const source = new DatabaseSync(path, { readOnly: true, timeout: 1000 });
  try {
    await makeFile(partial);
    // All pages in one go: in steps, every write of another process would begin the copy anew.
    await backup(source, partial, { rate: -1 });
    const file = await open(partial, "r+");
    await file.sync();
    await file.close();
    await rename(partial, toPath);
  } catch (cause) {
    await rm(partial, { force: true });
    throw sqliteError(cause, toPath);
  } finally {
    source.close();
  }
}
