import type { Kysely, Transaction } from "kysely";
import { newerSchema } from "../errors.ts";
import { noticesTable } from "./notices.ts";
import type { LedgerTables } from "./schema.ts";
import { versionsTable } from "./versions.ts";

type Migration = { name: string; up(db: Transaction<LedgerTables>): Promise<void> };

/** The migrations in order; a migration's version is its place, from 1. One that was released is never changed, only followed. */
const MIGRATIONS: readonly Migration[] = [
  { name: "first tables", up: firstTables },
  { name: "runs of checks", up: checkRuns },
  { name: "versions", up: versionsTable },
  { name: "attachments of releases", up: attachmentsOfReleases },
  { name: "deliveries of notices", up: noticesTable },
];

/** The newest schema version that this Shiplock knows. */
export const SCHEMA_VERSION = MIGRATIONS.length;

/**
 * Brings the tables to the newest version, in one transaction: all of it or nothing. Does not write when nothing is to do.
 * @param options.where the ledger's place, for the error
 * @param options.now milliseconds since the epoch
 * Errors: `ledger/newer-schema` when a newer Shiplock made the tables; nothing is changed then.
 */
export async function migrate(db: Kysely<LedgerTables>, options: { where: string; now: number }): Promise<void> {
  const tables = await db.introspection.getTables();
  if (tables.some((table) => table.name === "schema_migrations")) {
    const version = await versionOf(db);
    if (version > SCHEMA_VERSION) throw newerSchema(options.where, version, SCHEMA_VERSION);
    if (version === SCHEMA_VERSION) return;
  }
  await db.transaction().execute(async (transaction) => {
    await transaction.schema
      .createTable("schema_migrations")
      .ifNotExists()
      .addColumn("version", "integer", (column) => column.primaryKey())
      .addColumn("name", "text", (column) => column.notNull())
      .addColumn("applied_at", "bigint", (column) => column.notNull())
      .execute();
    // Asked again: another process may have been quicker.
    const version = await versionOf(transaction);
    if (version > SCHEMA_VERSION) throw newerSchema(options.where, version, SCHEMA_VERSION);
    for (const [index, migration] of MIGRATIONS.entries()) {
      if (index < version) continue;
      await migration.up(transaction);
      const row = { version: index + 1, name: migration.name, applied_at: options.now };
      await transaction.insertInto("schema_migrations").values(row).execute();
    }
  });
}

async function versionOf(db: Kysely<LedgerTables>): Promise<number> {
  const row = await db
    .selectFrom("schema_migrations")
    .select((column) => column.fn.max("version").as("version"))
    .executeTakeFirst();
  return Number(row?.version ?? 0);
}

async function firstTables(db: Transaction<LedgerTables>): Promise<void> {
  await db.schema
    .createTable("releases")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("id", "text", (column) => column.notNull())
    .addColumn("commit_hash", "text", (column) => column.notNull())
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("payload", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("releases_key", ["project", "id"])
    .execute();
  await createIndex(db, "releases_by_commit", "releases", ["project", "commit_hash", "created_at"]);

  await db.schema
    .createTable("deployments")
    .addColumn("id", "text", (column) => column.notNull().primaryKey())
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("environment", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("release_id", "text", (column) => column.notNull())
    .addColumn("from_release", "text")
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("who", "text", (column) => column.notNull())
    .addColumn("why", "text")
    .addColumn("origin", "text", (column) => column.notNull())
    .addColumn("commit_hash", "text", (column) => column.notNull())
    .addColumn("ref", "text")
    .addColumn("created_at", "bigint", (column) => column.notNull())
    .addColumn("started_at", "bigint")
    .addColumn("ended_at", "bigint")
    .addColumn("outcome", "text")
    .addColumn("log_bytes", "bigint", (column) => column.notNull().defaultTo(0))
    .execute();
  await createIndex(db, "deployments_by_time", "deployments", ["project", "created_at", "id"]);
  await createIndex(db, "deployments_by_environment", "deployments", ["project", "environment", "created_at", "id"]);

  await db.schema
    .createTable("gate_answers")
    .addColumn("deployment", "text", (column) => column.notNull().references("deployments.id"))
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("gate", "text", (column) => column.notNull())
    .addColumn("answer", "text", (column) => column.notNull())
    .addColumn("reason", "text", (column) => column.notNull())
    .addColumn("payload", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("gate_answers_key", ["deployment", "at", "gate"])
    .execute();

  await db.schema
    .createTable("steps")
    .addColumn("deployment", "text", (column) => column.notNull().references("deployments.id"))
    .addColumn("step", "text", (column) => column.notNull())
    .addColumn("host", "text", (column) => column.notNull())
    .addColumn("position", "integer", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("started_at", "bigint")
    .addColumn("ended_at", "bigint")
    .addColumn("evidence", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("steps_key", ["deployment", "step", "host"])
    .execute();

  await db.schema
    .createTable("events")
    .addColumn("deployment", "text", (column) => column.notNull().references("deployments.id"))
    .addColumn("sequence", "bigint", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("payload", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("events_key", ["deployment", "sequence"])
    .execute();

  await db.schema
    .createTable("log_chunks")
    .addColumn("deployment", "text", (column) => column.notNull().references("deployments.id"))
    .addColumn("sequence", "bigint", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("source", "text", (column) => column.notNull())
    .addColumn("text", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("log_chunks_key", ["deployment", "sequence"])
    .execute();
}

async function checkRuns(db: Transaction<LedgerTables>): Promise<void> {
  await db.schema
    .createTable("check_runs")
    .addColumn("id", "text", (column) => column.notNull().primaryKey())
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("commit_hash", "text", (column) => column.notNull())
    .addColumn("source", "text", (column) => column.notNull())
    .addColumn("definitions", "text", (column) => column.notNull())
    .addColumn("who", "text", (column) => column.notNull())
    .addColumn("origin", "text", (column) => column.notNull())
    .addColumn("started_at", "bigint", (column) => column.notNull())
    .addColumn("ended_at", "bigint", (column) => column.notNull())
    .addColumn("result", "text", (column) => column.notNull())
    .addColumn("payload", "text", (column) => column.notNull())
    .execute();
  await createIndex(db, "check_runs_by_commit", "check_runs", ["project", "commit_hash", "ended_at", "id"]);
}

async function attachmentsOfReleases(db: Transaction<LedgerTables>): Promise<void> {
  await db.schema
    .createTable("release_attachments")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("release_id", "text", (column) => column.notNull())
    .addColumn("kind", "text", (column) => column.notNull())
    .addColumn("image", "text", (column) => column.notNull())
    .addColumn("subject", "text", (column) => column.notNull())
    .addColumn("media_type", "text", (column) => column.notNull())
    .addColumn("digest", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("size", "bigint", (column) => column.notNull())
    .addColumn("content", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("release_attachments_key", ["project", "release_id", "kind", "image", "subject", "digest"])
    .addForeignKeyConstraint("release_attachments_release", ["project", "release_id"], "releases", ["project", "id"])
    .execute();
  await createIndex(db, "release_attachments_by_subject", "release_attachments", ["project", "subject"]);
  await createIndex(db, "release_attachments_by_digest", "release_attachments", ["project", "digest"]);
}

async function createIndex(
  db: Transaction<LedgerTables>,
  name: string,
  table: string,
  columns: string[],
): Promise<void> {
  await db.schema.createIndex(name).on(table).columns(columns).execute();
}
