import type { Kysely, Transaction } from "kysely";
import { movedDeployment, openedDeployment, reopenedDeployment } from "../deployments.ts";
import { ambiguousRelease, conflict, unknownDeployment } from "../errors.ts";
import { sameJson } from "../json.ts";
import { checkLimit, fitLog, LOG_DEPLOYMENT_BYTES, PAGE_LIMIT, UNFINISHED_LIMIT } from "../limits.ts";
import type { DeploymentEntry, HistoryQuery, Ledger, LogChunk, LogText, StateRules } from "../types.ts";
import { attach, attachmentsAbout, attachmentsWith, readAttachment } from "./attachments.ts";
import { checkRunsOf, recordCheckRun } from "./check-runs.ts";
import { noticesOf, recordNotice } from "./notices.ts";
import * as rows from "./rows.ts";
import type { LedgerTables } from "./schema.ts";
import { recordVersion, versionsOf } from "./versions.ts";

/** Chunks that a reader of a log holds at once (64 KiB each at most). */
const LOG_PAGE = 16;

/** Greater than every character that an id or a commit has, so a prefix is a range, which an index serves. */
const AFTER_ALL = "\u{ffff}";

/**
 * The ledger over any database that Kysely speaks to, once `migrate` has run. It relies on one thing of the dialect: a transaction
 * sees what it read unchanged until it commits (SQLite: `BEGIN IMMEDIATE`; elsewhere: serialisable).
 * @param options.backup writes a copy in the database's own way
 * @param options.close lets go of the database
 */
export function createSqlLedger(options: {
  db: Kysely<LedgerTables>;
  states: StateRules;
  logLimit?: number;
  backup(toPath: string): Promise<void>;
  close(): Promise<void>;
}): Ledger {
  const { db, states, logLimit = LOG_DEPLOYMENT_BYTES } = options;

  return {
    async recordRelease(release) {
      const row = rows.releaseRow(release);
      await db.transaction().execute(async (transaction) => {
        const stored = await transaction
          .selectFrom("releases")
          .selectAll()
          .where("project", "=", row.project)
          .where("id", "=", row.id)
          .executeTakeFirst();
        if (!stored) return void (await transaction.insertInto("releases").values(row).execute());
        const same = stored.commit_hash === row.commit_hash && stored.created_at === row.created_at;
        if (!same || !sameJson(stored.payload, row.payload)) throw conflict(`release ${row.id}`);
      });
    },

    async findRelease(project, idOrPrefix) {
      if (idOrPrefix === "") return null;
      const found = await db
        .selectFrom("releases")
        .selectAll()
        .where("project", "=", project)
        .where("id", ">=", idOrPrefix)
        .where("id", "<", idOrPrefix + AFTER_ALL)
        .orderBy("id")
        .limit(20)
        .execute();
      const [first, second] = found;
      if (!first) return null;
      if (first.id !== idOrPrefix && second)
        throw ambiguousRelease(
          idOrPrefix,
          found.map((row) => row.id),
        );
      return rows.releaseEntry(first);
    },

    async releasesByCommit(project, commitOrPrefix) {
      if (commitOrPrefix === "") return [];
      const found = await db
        .selectFrom("releases")
        .selectAll()
        .where("project", "=", project)
        .where("commit_hash", ">=", commitOrPrefix)
        .where("commit_hash", "<", commitOrPrefix + AFTER_ALL)
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(100)
        .execute();
      return found.map(rows.releaseEntry);
    },

    async recentReleases(project, limit) {
      const found = await db
        .selectFrom("releases")
        .selectAll()
        .where("project", "=", project)
        .orderBy("created_at", "desc")
        .orderBy("id", "desc")
        .limit(checkLimit(limit))
        .execute();
      return found.map(rows.releaseEntry);
    },

    recordCheckRun: (run) => recordCheckRun(db, run),

    checkRuns: (project, commit) => checkRunsOf(db, project, commit),

    recordVersion: (version) => recordVersion(db, version),
    versions: (project) => versionsOf(db, project),

    recordNotice: (delivery) => recordNotice(db, delivery),
    notices: (query) => noticesOf(db, query),

    attachToRelease: (project, release, told) => attach(db, project, release, told),

    attachments: (project, release) => attachmentsWith(db, project, release),

    attachmentsAbout: (project, subject) => attachmentsAbout(db, project, subject),

    readAttachment: (project, digest) => readAttachment(db, project, digest),

    async openDeployment(deployment) {
      const opened = openedDeployment(deployment, states);
      return db.transaction().execute(async (transaction) => {
        const stored = await deploymentById(transaction, opened.id);
        if (stored) return reopenedDeployment(stored, opened);
        await transaction.insertInto("deployments").values(rows.deploymentRow(opened)).execute();
        return opened;
      });
    },

    async findDeployment(id) {
      return deploymentById(db, id);
    },

    async transition(change) {
      return db.transaction().execute(async (transaction) => {
        const stored = await deploymentById(transaction, change.deployment);
        if (!stored) throw unknownDeployment(change.deployment);
        const moved = movedDeployment(stored, change, states);
        if (moved === stored) return stored;
        const { id, ...columns } = rows.deploymentRow(moved);
        await transaction.updateTable("deployments").set(columns).where("id", "=", id).execute();
        return moved;
      });
    },

    async history(query) {
      checkLimit(query.limit);
      const before = query.before === undefined ? null : await deploymentById(db, query.before);
      if (query.before !== undefined && !before) throw unknownDeployment(query.before);
      const found = await historyQuery(db, query, before).execute();
      return found.map(rows.deploymentEntry);
    },

    async latest(project, environment) {
      const row = await historyQuery(db, { project, environment, limit: 1 }, null).executeTakeFirst();
      return row ? rows.deploymentEntry(row) : null;
    },

    async unfinished(project, environment) {
      const found = await historyQuery(db, { project, environment, limit: UNFINISHED_LIMIT }, null)
        .where("ended_at", "is", null)
        .execute();
      return found.map(rows.deploymentEntry);
    },

    async recordGateAnswers(deployment, answers) {
      const told = answers.map((answer) => rows.gateRow(deployment, answer));
      await db.transaction().execute(async (transaction) => {
        await mustExist(transaction, deployment);
        for (const row of told) {
          const stored = await transaction
            .selectFrom("gate_answers")
            .selectAll()
            .where("deployment", "=", deployment)
            .where("at", "=", row.at)
            .where("gate", "=", row.gate)
            .executeTakeFirst();
          if (!stored) await transaction.insertInto("gate_answers").values(row).execute();
          else if (!rows.sameRow(stored, row)) throw conflict(`gate answer of deployment ${deployment}`);
        }
      });
    },

    async gateAnswers(deployment) {
      await mustExist(db, deployment);
      const found = await db
        .selectFrom("gate_answers")
        .selectAll()
        .where("deployment", "=", deployment)
        .orderBy("at")
        .orderBy("gate")
        .execute();
      return found.map(rows.gateAnswer);
    },

    async recordStep(deployment, step) {
      const row = rows.stepRow(deployment, step);
      await db.transaction().execute(async (transaction) => {
        await mustExist(transaction, deployment);
        const last = await transaction
          .selectFrom("steps")
          .select((column) => column.fn.max("position").as("position"))
          .where("deployment", "=", deployment)
          .executeTakeFirst();
        const { state, started_at, ended_at, evidence } = row;
        await transaction
          .insertInto("steps")
          .values({ ...row, position: Number(last?.position ?? 0) + 1 })
          .onConflict((key) =>
            key.columns(["deployment", "step", "host"]).doUpdateSet({ state, started_at, ended_at, evidence }),
          )
          .execute();
      });
    },

    async steps(deployment) {
      await mustExist(db, deployment);
      const found = await db
        .selectFrom("steps")
        .selectAll()
        .where("deployment", "=", deployment)
        .orderBy("position")
        .execute();
      return found.map(rows.stepEntry);
    },

    async appendEvents(deployment, events) {
      const told = events.map((event) => rows.eventRow(deployment, event));
      await db.transaction().execute(async (transaction) => {
        await mustExist(transaction, deployment);
        for (const row of told) {
          const stored = await transaction
            .selectFrom("events")
            .selectAll()
            .where("deployment", "=", deployment)
            .where("sequence", "=", row.sequence)
            .executeTakeFirst();
          if (!stored) await transaction.insertInto("events").values(row).execute();
          else if (!rows.sameRow(stored, row)) throw conflict(`event ${row.sequence} of deployment ${deployment}`);
        }
      });
    },

    async events(deployment, afterSequence, limit = PAGE_LIMIT) {
      checkLimit(limit);
      await mustExist(db, deployment);
      const found = await db
        .selectFrom("events")
        .selectAll()
        .where("deployment", "=", deployment)
        .where("sequence", ">", afterSequence)
        .orderBy("sequence")
        .limit(limit)
        .execute();
      return found.map(rows.eventEntry);
    },

    async appendLog(deployment, text) {
      return db.transaction().execute((transaction) => appendLog(transaction, deployment, text, logLimit));
    },

    readLog: (deployment, readOptions) => readLog(db, deployment, readOptions ?? {}),
    backup: options.backup,
    close: options.close,
  };
}

/** The query behind `history`; apart, so that a test can ask the database how it would answer it. */
export function historyQuery(db: Kysely<LedgerTables>, query: HistoryQuery, before: DeploymentEntry | null) {
  const { environment } = query;
  return db
    .selectFrom("deployments")
    .selectAll()
    .where("project", "=", query.project)
    .$if(environment !== undefined, (rest) => rest.where("environment", "=", environment as string))
    .$if(before !== null, (rest) =>
      rest.where((where) =>
        where(
          where.refTuple("created_at", "id"),
          "<",
          where.tuple((before as DeploymentEntry).createdAt, (before as DeploymentEntry).id),
        ),
      ),
    )
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(query.limit);
}

/** Attachments of a project without their bytes, oldest first. */
async function deploymentById(db: Kysely<LedgerTables>, id: string): Promise<DeploymentEntry | null> {
  const row = await db.selectFrom("deployments").selectAll().where("id", "=", id).executeTakeFirst();
  return row ? rows.deploymentEntry(row) : null;
}

async function mustExist(db: Kysely<LedgerTables>, deployment: string): Promise<void> {
  const row = await db.selectFrom("deployments").select("id").where("id", "=", deployment).executeTakeFirst();
  if (!row) throw unknownDeployment(deployment);
}

async function appendLog(
  transaction: Transaction<LedgerTables>,
  deployment: string,
  { at, source, text }: LogText,
  limit: number,
): Promise<{ complete: boolean }> {
  const stored = await transaction
    .selectFrom("deployments")
    .select("log_bytes")
    .where("id", "=", deployment)
    .executeTakeFirst();
  if (!stored) throw unknownDeployment(deployment);
  const { pieces, bytes, complete } = fitLog(text, stored.log_bytes, limit);
  const last = await transaction
    .selectFrom("log_chunks")
    .select((column) => column.fn.max("sequence").as("sequence"))
    .where("deployment", "=", deployment)
    .executeTakeFirst();
  let sequence = Number(last?.sequence ?? 0);
  for (const piece of pieces) {
    sequence += 1;
    await transaction.insertInto("log_chunks").values({ deployment, sequence, at, source, text: piece }).execute();
  }
  if (bytes > 0) {
    await transaction
      .updateTable("deployments")
      .set({ log_bytes: stored.log_bytes + bytes })
      .where("id", "=", deployment)
      .execute();
  }
  return { complete };
}

async function* readLog(
  db: Kysely<LedgerTables>,
  deployment: string,
  options: { after?: number; source?: string },
): AsyncGenerator<LogChunk> {
  await mustExist(db, deployment);
  const { source } = options;
  let after = options.after ?? 0;
  for (;;) {
    const page = await db
      .selectFrom("log_chunks")
      .select(["sequence", "at", "source", "text"])
      .where("deployment", "=", deployment)
      .where("sequence", ">", after)
      .$if(source !== undefined, (rest) => rest.where("source", "=", source as string))
      .orderBy("sequence")
      .limit(LOG_PAGE)
      .execute();
    for (const chunk of page) yield { ...chunk };
    const last = page.at(-1);
    if (!last || page.length < LOG_PAGE) return;
    after = last.sequence;
  }
}
