import type { Kysely, Selectable, Transaction } from "kysely";
import { conflict } from "../errors.ts";
import { decodeJson, encodeJson } from "../json.ts";
import { PAGE_LIMIT } from "../limits.ts";
import type { VersionEntry } from "../types.ts";
import { sameRow } from "./rows.ts";
import type { LedgerTables } from "./schema.ts";

type VersionRow = Selectable<LedgerTables["versions"]>;

/** The table of versions: the second migration. */
export async function versionsTable(db: Transaction<LedgerTables>): Promise<void> {
  await db.schema
    .createTable("versions")
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("name", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("release_id", "text", (column) => column.notNull())
    .addColumn("commit_hash", "text", (column) => column.notNull())
    .addColumn("environment", "text", (column) => column.notNull())
    .addColumn("who", "text", (column) => column.notNull())
    .addColumn("payload", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("versions_key", ["project", "name", "at"])
    .execute();
}

export async function recordVersion(db: Kysely<LedgerTables>, version: VersionEntry): Promise<void> {
  const row = versionRow(version);
  await db.transaction().execute(async (transaction) => {
    const stored = await transaction
      .selectFrom("versions")
      .selectAll()
      .where("project", "=", row.project)
      .where("name", "=", row.name)
      .where("at", "=", row.at)
      .executeTakeFirst();
    if (!stored) await transaction.insertInto("versions").values(row).execute();
    else if (!sameRow(stored, row)) throw conflict(`version ${row.name}`);
  });
}

export async function versionsOf(db: Kysely<LedgerTables>, project: string): Promise<VersionEntry[]> {
  const found = await db
    .selectFrom("versions")
    .selectAll()
    .where("project", "=", project)
    .orderBy("at", "desc")
    .orderBy("name", "desc")
    .limit(PAGE_LIMIT)
    .execute();
  return found.map(versionEntry);
}

function versionRow({ release, commit, payload, ...same }: VersionEntry): VersionRow {
  return { ...same, release_id: release, commit_hash: commit, payload: encodeJson(payload, "version") };
}

function versionEntry({ release_id, commit_hash, payload, ...same }: VersionRow): VersionEntry {
  return { ...same, release: release_id, commit: commit_hash, payload: decodeJson(payload) };
}
