import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Kysely } from "kysely";
import { openLedger } from "../../src/ledger/open.ts";
import { historyQuery } from "../../src/ledger/sql/ledger.ts";
import { SCHEMA_VERSION } from "../../src/ledger/sql/migrations.ts";
import { nodeSqliteDialect } from "../../src/ledger/sql/node-sqlite.ts";
import type { LedgerTables } from "../../src/ledger/sql/schema.ts";
import { ledgerContract } from "./contract.ts";
import { COMMIT, checkRun, deployment, release, states } from "./samples.ts";

ledgerContract({
  name: "SQLite",
  open: (folder, options) => openLedger({ path: join(folder, "state", "ledger.db"), states, ...options }),
  openBackup: (path) => openLedger({ path, states }),
});

function scratch(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "shiplock-sqlite-"));
  context.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "ledger.db");
}

function startWriter(context: TestContext, path: string, id: string, count: number): ChildProcess {
  const script = fileURLToPath(new URL("writer-process.ts", import.meta.url));
  const child = spawn(process.execPath, [script, path, id, String(count)], { stdio: ["ignore", "pipe", "inherit"] });
  context.after(() => child.kill("SIGKILL"));
  return child;
}

function raw<Result>(path: string, use: (database: DatabaseSync) => Result): Result {
  const database = new DatabaseSync(path);
  try {
    return use(database);
  } finally {
    database.close();
  }
}

test("two processes that write at once, from the making of the file on, both get everything in", async (context) => {
  const path = scratch(context);
  const writers = ["d1", "d2"].map((id) => startWriter(context, path, id, 150));
  for (const child of writers) child.stdout?.resume();
  const ends = await Promise.all(writers.map((child) => once(child, "exit")));
  assert.deepEqual(
    ends.map(([code]) => code),
    [0, 0],
  );
  const ledger = await openLedger({ path, states });
  for (const id of ["d1", "d2"]) assert.equal((await ledger.events(id, 0)).length, 300);
  await ledger.close();
});

test("a process killed in the midst of writing leaves every answered write, no half one, and a readable ledger", async (context) => {
  const path = scratch(context);
  for (const round of ["d1", "d2", "d3"]) {
    const child = startWriter(context, path, round, 0);
    let answered = 0;
    for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
      answered = Number(line);
      if (answered === 40) child.kill("SIGKILL");
    }
    assert.ok(answered >= 40, "the writer got as far as it should have");
    assert.equal(
      raw(path, (database) => database.prepare("pragma integrity_check").get()?.integrity_check),
      "ok",
    );

    const ledger = await openLedger({ path, states });
    const events = await ledger.events(round, 0);
    const steps = events.filter((event) => event.kind === "step").length;
    assert.ok(steps >= answered, `${steps} events of ${answered} that were answered`);
    assert.equal(events.length, 2 * steps, "events that were told together are there together");
    await ledger.appendEvents(round, [{ sequence: 5_000_000, at: 1, kind: "after", payload: null }]);
    await ledger.close();
  }
});

test("a writer that has to wait for another lets its own process go on", async (context) => {
  const path = scratch(context);
  const ledger = await openLedger({ path, states });
  const other = new DatabaseSync(path);
  other.exec("begin immediate");
  let beats = 0;
  const heart = setInterval(() => {
    beats += 1;
    if (beats === 10) other.exec("commit");
  }, 10);
  await ledger.openDeployment(deployment("d1"));
  clearInterval(heart);
  other.close();
  assert.ok(beats >= 10);
  await ledger.close();
});

test("a ledger that others keep busy for too long says so, and works again afterwards", async (context) => {
  const path = scratch(context);
  const ledger = await openLedger({ path, states, patience: 100 });
  const other = new DatabaseSync(path);
  other.exec("begin immediate");
  await assert.rejects(ledger.openDeployment(deployment("d1")), { code: "ledger/busy" });
  assert.deepEqual(await ledger.history({ project: "shop", limit: 1 }), [], "reading never waits for writers");
  other.exec("rollback");
  other.close();
  await ledger.openDeployment(deployment("d1"));
  await ledger.close();
});

test("a page of history is answered from an index, with 10,000 deployments behind it", async (context) => {
  const path = scratch(context);
  await (await openLedger({ path, states })).close();
  raw(path, (database) => {
    database.exec("begin");
    const insert = database.prepare(
      `insert into deployments (id, project, environment, kind, release_id, state, who, origin, commit_hash, created_at)
       values (?, 'shop', ?, 'deploy', 'r1', 'succeeded', 'ada', 'laptop', 'c0ffee', ?)`,
    );
    for (let number = 0; number < 10_000; number += 1) {
      insert.run(`d${number}`, number % 2 ? "staging" : "production", number);
    }
    database.exec("commit");
  });

  const database = new DatabaseSync(path);
  const db = new Kysely<LedgerTables>({ dialect: nodeSqliteDialect(database, { where: path, patience: 0 }) });
  const ledger = await openLedger({ path, states });
  const before = await ledger.findDeployment("d5000");
  const queries = [
    { project: "shop", limit: 50 },
    { project: "shop", environment: "production", limit: 50 },
  ];
  for (const query of queries) {
    const { sql, parameters } = historyQuery(db, query, before).compile();
    const plan = database.prepare(`explain query plan ${sql}`).all(...(parameters as (string | number)[]));
    const detail = plan.map((row) => String(row.detail)).join("; ");
    const name = query.environment ? "deployments_by_environment" : "deployments_by_time";
    assert.match(detail, new RegExp(`^SEARCH deployments USING INDEX ${name} \\([^;]*\\(created_at,id\\)<`));
    assert.doesNotMatch(detail, /TEMP B-TREE|SCAN/);
    const started = performance.now();
    assert.equal((await ledger.history({ ...query, before: "d5000" })).length, 50);
    context.diagnostic(`a page of 50 after 5000 newer ones took ${(performance.now() - started).toFixed(1)} ms`);
  }
  await db.destroy();
  database.close();
  await ledger.close();
});

test("a long log is read with a bounded number of chunks in memory", async (context) => {
  const path = scratch(context);
  const ledger = await openLedger({ path, states });
  await ledger.openDeployment(deployment("d1"));
  await ledger.appendLog("d1", { at: 1, source: "web", text: "x".repeat(4 * 1024 * 1024) });
  const rows: number[] = [];
  let read = 0;
  for await (const chunk of ledger.readLog("d1")) {
    read += Buffer.byteLength(chunk.text);
    // What is appended while someone reads is read as well; nothing waits for the reader.
    if (chunk.sequence === 64) await ledger.appendLog("d1", { at: 2, source: "web", text: "end" });
    rows.push(chunk.sequence);
  }
  assert.equal(read, 4 * 1024 * 1024 + 3);
  assert.equal(rows.length, 65);
  await ledger.close();
});

test("a ledger of a newer Shiplock is refused and left as it is", async (context) => {
  const path = scratch(context);
  await (await openLedger({ path, states })).close();
  const newer = SCHEMA_VERSION + 1;
  raw(path, (database) => {
    database.prepare("insert into schema_migrations values (?, 'from the future', 1)").run(newer);
  });
  const content = readFileSync(path);
  await assert.rejects(openLedger({ path, states }), { code: "ledger/newer-schema", blame: "usage", where: path });
  assert.deepEqual(readFileSync(path), content);
});

test("a ledger from before checks, versions, attachments and notices keeps what it has and takes them", async (context) => {
  const path = scratch(context);
  const before = await openLedger({ path, states });
  await before.recordRelease(release("r1"));
  await before.close();
  raw(path, (database) =>
    database.exec(
      "drop table check_runs; drop table versions; drop table release_attachments; drop table notice_deliveries; delete from schema_migrations where version > 1",
    ),
  );
  const ledger = await openLedger({ path, states });
  assert.deepEqual(await ledger.findRelease("shop", "r1"), release("r1"));
  await ledger.recordCheckRun(checkRun("c1"));
  assert.equal((await ledger.checkRuns("shop", COMMIT)).length, 1);
  assert.deepEqual(await ledger.versions("shop"), []);
  assert.deepEqual(await ledger.attachments("shop", "r1"), []);
  assert.deepEqual(await ledger.notices({ project: "shop", limit: 1 }), []);
  await ledger.close();
});

test("a migration that fails leaves no table behind", async (context) => {
  const path = scratch(context);
  raw(path, (database) => database.exec("create table steps (someone_elses integer)"));
  await assert.rejects(openLedger({ path, states }));
  const tables = raw(path, (database) => database.prepare("select name from sqlite_master where type = 'table'").all());
  assert.deepEqual(
    tables.map((table) => table.name),
    ["steps"],
  );
});

test("a file that is no ledger, and a place where none can be, are named", async (context) => {
  const path = scratch(context);
  writeFileSync(path, "this is a text, and long enough to be no empty database\n".repeat(40));
  await assert.rejects(openLedger({ path, states }), { code: "ledger/damaged", where: path });
  await assert.rejects(openLedger({ path: join(path, "below", "ledger.db"), states }), { code: "ledger/unusable" });
});

test("a full disk is told as such, and what was there stays", async (context) => {
  const path = scratch(context);
  const ledger = await openLedger({ path, states });
  await ledger.openDeployment(deployment("d1"));
  await ledger.close();
  const database = new DatabaseSync(path);
  const { page_count } = database.prepare("pragma page_count").get() as { page_count: number };
  database.exec(`pragma max_page_count = ${page_count}`);
  const db = new Kysely<LedgerTables>({ dialect: nodeSqliteDialect(database, { where: path, patience: 0 }) });
  const row = { deployment: "d1", sequence: 1, at: 1, source: "web", text: "x".repeat(100_000) };
  const write = db.transaction().execute((transaction) => transaction.insertInto("log_chunks").values(row).execute());
  await assert.rejects(write, { code: "ledger/disk-full", where: path });
  assert.equal((await db.selectFrom("deployments").select("id").execute()).length, 1);
  await db.destroy();
});

test("the ledger and its folder belong to their user alone", async (context) => {
  const path = join(scratch(context), "..", "state", "ledger.db");
  const ledger = await openLedger({ path, states });
  await ledger.openDeployment(deployment("d1"));
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(path, "..")).mode & 0o777, 0o700);
  assert.equal(statSync(`${path}-wal`).mode & 0o777, 0o600);
  assert.equal(
    raw(path, (database) => database.prepare("pragma journal_mode").get()?.journal_mode),
    "wal",
  );
  const copy = join(path, "..", "copy.db");
  await ledger.backup(copy);
  assert.equal(statSync(copy).mode & 0o777, 0o600);
  assert.equal(existsSync(`${copy}.partial`), false);
  await ledger.close();
});

test("a backup taken while another process writes is whole", async (context) => {
  const path = scratch(context);
  const ledger = await openLedger({ path, states });
  const child = startWriter(context, path, "d1", 0);
  await once(child.stdout as NodeJS.ReadableStream, "data");
  const copy = `${path}.copy`;
  await ledger.backup(copy);
  child.kill("SIGKILL");
  await once(child, "exit");
  await ledger.close();
  assert.equal(
    raw(copy, (database) => database.prepare("pragma integrity_check").get()?.integrity_check),
    "ok",
  );
  const opened = await openLedger({ path: copy, states });
  const events = await opened.events("d1", 0);
  assert.equal(events.length % 2, 0);
  assert.ok(events.length > 0);
  await opened.close();
});

test("loading the way to the ledger does not load SQLite yet", async () => {
  const script = `
    await import(${JSON.stringify(new URL("../../src/ledger/open.ts", import.meta.url).href)});
    process.exit(process.moduleLoadList.some((name) => name.includes("sqlite")) ? 1 : 0);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const [code] = await once(child, "exit");
  assert.equal(code, 0);
});
