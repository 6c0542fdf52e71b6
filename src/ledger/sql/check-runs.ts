import type { Kysely } from "kysely";
import { conflict } from "../errors.ts";
import { decodeJson, encodeJson } from "../json.ts";
import type { CheckJobEntry, CheckRunEntry } from "../types.ts";
import { sameRow } from "./rows.ts";
import type { CheckRunRow, LedgerTables } from "./schema.ts";

export async function recordCheckRun(db: Kysely<LedgerTables>, run: CheckRunEntry): Promise<void> {
  const row = checkRunRow(run);
  await db.transaction().execute(async (transaction) => {
    const stored = await transaction.selectFrom("check_runs").selectAll().where("id", "=", row.id).executeTakeFirst();
    if (!stored) await transaction.insertInto("check_runs").values(row).execute();
    else if (!sameRow(stored, row)) throw conflict(`run of checks ${row.id}`);
  });
}

export async function checkRunsOf(db: Kysely<LedgerTables>, project: string, commit: string): Promise<CheckRunEntry[]> {
  const found = await db
    .selectFrom("check_runs")
    .selectAll()
    .where("project", "=", project)
    .where("commit_hash", "=", commit)
    .orderBy("ended_at", "desc")
    .orderBy("id", "desc")
    .limit(100)
    .execute();
  return found.map(checkRunEntry);
}

function checkRunRow(run: CheckRunEntry): CheckRunRow {
  for (const { summary } of run.jobs) encodeJson(summary, "check's summary");
  const { commit, startedAt, endedAt, jobs, ...same } = run;
  const times = { started_at: startedAt, ended_at: endedAt };
  return { ...same, ...times, commit_hash: commit, payload: encodeJson(jobs, "run of checks") };
}

function checkRunEntry(row: CheckRunRow): CheckRunEntry {
  const { commit_hash, started_at, ended_at, result, payload, ...same } = row;
  return {
    ...same,
    commit: commit_hash,
    startedAt: started_at,
    endedAt: ended_at,
    result: result as CheckRunEntry["result"],
    jobs: decodeJson(payload) as CheckJobEntry[],
  };
}
