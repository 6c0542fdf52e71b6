import type { DatabaseSync, SQLInputValue } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { messageOf, ShiplockError } from "../../errors.ts";

/**
 * A Kysely dialect over an open `node:sqlite` database. Transactions begin as writers (`BEGIN IMMEDIATE`), so what is read in one
 * still holds when it writes. While another process writes, waiting is done here and not inside SQLite, whose own waiting would stop
 * the whole process, heartbeats included.
 * @param database open; closed with the dialect
 * @param options.where the file, for errors
 * @param options.patience how long to wait for another writer, in milliseconds
 */
export function nodeSqliteDialect(database: DatabaseSync, options: { where: string; patience: number }): Dialect {
  const run = (query: CompiledQuery) => patiently(() => execute(database, query), options);
  const command = (sql: string) => patiently(() => database.exec(sql), options);
  const connection: DatabaseConnection = {
    executeQuery: async <Row>(query: CompiledQuery) => (await run(query)) as QueryResult<Row>,
    streamQuery: () => {
      throw new Error("The ledger reads in pages; streaming would keep the connection from everyone else.");
    },
  };
  return {
    createAdapter: () => new SqliteAdapter(),
    createQueryCompiler: () => new SqliteQueryCompiler(),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createDriver: () => ({
      init: async () => {},
      acquireConnection: async () => connection,
      releaseConnection: async () => {},
      beginTransaction: () => command("begin immediate"),
      commitTransaction: () => command("commit"),
      // SQLite ends a transaction by itself on some errors (a full disk); there is nothing left to roll back then.
      rollbackTransaction: async () => {
        if (database.isTransaction) await command("rollback");
      },
      destroy: async () => database.close(),
    }),
  };
}

function execute(database: DatabaseSync, query: CompiledQuery): QueryResult<unknown> {
  const statement = database.prepare(query.sql);
  const parameters = query.parameters as SQLInputValue[];
  if (statement.columns().length > 0) return { rows: statement.all(...parameters) };
  const { changes, lastInsertRowid } = statement.run(...parameters);
  return { rows: [], numAffectedRows: BigInt(changes), insertId: BigInt(lastInsertRowid) };
}

/**
 * Does `action` again, until it succeeds or `patience` milliseconds are over, while another process keeps the database busy.
 * Errors: the ShiplockError that fits SQLite's (`ledger/busy`, `ledger/disk-full`, `ledger/unusable`, ...).
 */
export async function patiently<Result>(
  action: () => Result,
  options: { where: string; patience: number },
): Promise<Result> {
  const deadline = performance.now() + options.patience;
  for (;;) {
    try {
      return action();
    } catch (cause) {
      const busy = BUSY.has(primaryCode(cause));
      if (!busy || performance.now() >= deadline) throw sqliteError(cause, options.where);
    }
    // Uneven pauses, so that two waiting processes do not keep step.
    await delay(2 + Math.random() * 18);
  }
}

/** SQLite's primary result codes, https://www.sqlite.org/rescode.html: BUSY and LOCKED. */
const BUSY: ReadonlySet<number> = new Set([5, 6]);

function primaryCode(cause: unknown): number {
  const code = (cause as { errcode?: unknown } | null)?.errcode;
  return typeof code === "number" ? code & 0xff : 0;
}

/** The ShiplockError for an error of SQLite's; anything else comes back as it is. */
export function sqliteError(cause: unknown, where: string): unknown {
  const known = SQLITE_ERRORS[primaryCode(cause)];
  if (!known) return cause;
  const { code, message, remedy } = known;
  return new ShiplockError({ code, message, remedy, where, details: [messageOf(cause)], cause });
}

const PLACE = "Check the folder and its rights, or name another ledger with SHIPLOCK_LEDGER.";
const DAMAGED = "Put it aside and restore a backup; deployments do not need it, the hosts hold what is live.";

const SQLITE_ERRORS: Readonly<Record<number, { code: string; message: string; remedy: string }>> = {
  5: { code: "ledger/busy", message: "Another process kept the ledger busy for too long.", remedy: "Try again." },
  6: { code: "ledger/busy", message: "Another process kept the ledger busy for too long.", remedy: "Try again." },
  8: { code: "ledger/unusable", message: "The ledger cannot be written.", remedy: PLACE },
  10: { code: "ledger/unusable", message: "The ledger's disk answered with an error.", remedy: PLACE },
  11: { code: "ledger/damaged", message: "The ledger's file is damaged.", remedy: DAMAGED },
  13: { code: "ledger/disk-full", message: "The ledger's disk is full.", remedy: "Make room, then try again." },
  14: { code: "ledger/unusable", message: "The ledger cannot be opened.", remedy: PLACE },
  26: { code: "ledger/damaged", message: "The file is no ledger.", remedy: PLACE },
};
