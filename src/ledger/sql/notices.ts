import type { Kysely, Selectable, Transaction } from "kysely";
import { conflict } from "../errors.ts";
import { decodeJson, encodeJson } from "../json.ts";
import { checkLimit } from "../limits.ts";
import type { NoticeDelivery, NoticeQuery } from "../types.ts";
import { sameRow } from "./rows.ts";
import type { LedgerTables } from "./schema.ts";

type NoticeRow = Selectable<LedgerTables["notice_deliveries"]>;

/** The table of what became of notices. No reference to a deployment: a hold has none, and a notice may be quicker than the history. */
export async function noticesTable(db: Transaction<LedgerTables>): Promise<void> {
  await db.schema
    .createTable("notice_deliveries")
    .addColumn("id", "text", (column) => column.notNull().primaryKey())
    .addColumn("project", "text", (column) => column.notNull())
    .addColumn("environment", "text")
    .addColumn("deployment", "text")
    .addColumn("event", "text", (column) => column.notNull())
    .addColumn("notifier", "text", (column) => column.notNull())
    .addColumn("at", "bigint", (column) => column.notNull())
    .addColumn("duration_ms", "bigint", (column) => column.notNull())
    .addColumn("status", "text", (column) => column.notNull())
    .addColumn("tries", "integer", (column) => column.notNull())
    .addColumn("detail", "text", (column) => column.notNull())
    .addColumn("payload", "text", (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex("notice_deliveries_by_time")
    .on("notice_deliveries")
    .columns(["project", "at", "id"])
    .execute();
  await db.schema
    .createIndex("notice_deliveries_by_deployment")
    .on("notice_deliveries")
    .columns(["project", "deployment", "at", "id"])
    .execute();
}

export async function recordNotice(db: Kysely<LedgerTables>, delivery: NoticeDelivery): Promise<void> {
  const { durationMs, payload, ...same } = delivery;
  const row: NoticeRow = { ...same, duration_ms: durationMs, payload: encodeJson(payload, "notice") };
  await db.transaction().execute(async (transaction) => {
    const stored = await transaction
      .selectFrom("notice_deliveries")
      .selectAll()
      .where("id", "=", row.id)
      .executeTakeFirst();
    if (!stored) await transaction.insertInto("notice_deliveries").values(row).execute();
    else if (!sameRow(stored, row)) throw conflict(`notice ${row.id}`);
  });
}

export async function noticesOf(db: Kysely<LedgerTables>, query: NoticeQuery): Promise<NoticeDelivery[]> {
  const all = db.selectFrom("notice_deliveries").selectAll().where("project", "=", query.project);
  const found = await (query.deployment === undefined ? all : all.where("deployment", "=", query.deployment))
    .orderBy("at", "desc")
    .orderBy("id", "desc")
    .limit(checkLimit(query.limit))
    .execute();
  return found.map(noticeDelivery);
}

function noticeDelivery({ duration_ms, payload, status, ...same }: NoticeRow): NoticeDelivery {
  return {
    ...same,
    durationMs: duration_ms,
    status: status as NoticeDelivery["status"],
    payload: decodeJson(payload),
  };
}
