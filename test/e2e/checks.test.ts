import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { labAvailability } from "../lab/availability.ts";
import { askEngine } from "../lab/engine.ts";
import type { Lab } from "../lab/lab.ts";
import { run, waitFor } from "../lab/process.ts";
import { assertRefused } from "./support/assertions.ts";
import type { CommandResult } from "./support/command.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { createProject, type Project } from "./support/project.ts";

const availability = labAvailability();
const node = "node:24-slim";
const postgres = { image: "postgres:17", env: { POSTGRES_PASSWORD: "geheim" }, health: "pg_isready -U postgres" };

type CheckDocument = { job: string; outcome: string; reasons: string[]; artifacts: string | null };
type RunDocument = { run: string; result: string; checks: CheckDocument[] };

describe("checks are the gate", { skip: availability.available ? false : availability.reason }, () => {
  let lab: Lab;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "checks", hosts: 1, images: ["caddy:2", node, "postgres:17"] });
    app = await createProject(lab, { hosts: { production: ["host-1"] } });
  });

  after(async () => {
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  async function commit(checks: Record<string, unknown>): Promise<string> {
    app.configure([{ path: ["checks"], value: checks }]);
    return app.commit("Other checks");
  }

  async function check(
    ...args: string[]
  ): Promise<{ told: CommandResult; document: RunDocument; outcomes: Record<string, string> }> {
    const told = await app.run(["check", ...args, "--json"], { env: { TOKEN: "s3cret-value" } });
    const document = told.json as RunDocument;
    assert.ok(document?.checks !== undefined, `${told.stdout}\n${told.stderr}`);
    return { told, document, outcomes: Object.fromEntries(document.checks.map(({ job, outcome }) => [job, outcome])) };
  }

  /** Containers and networks that checks have on the engine now. */
  async function left(): Promise<string[]> {
    const filters = encodeURIComponent(JSON.stringify({ label: ["shiplock.kind=check"] }));
    const engine = lab.runnerSocket;
    const ask = async (path: string): Promise<{ Names?: string[]; Name?: string }[]> =>
      JSON.parse((await askEngine(engine, "GET", `${path}filters=${filters}`)).body);
    const found = [...(await ask("/containers/json?all=1&")), ...(await ask("/networks?"))];
    return found.flatMap(({ Names, Name }) => Names ?? [Name ?? ""]);
  }

  test("a graph with a matrix runs in containers: PostgreSQL is reached by its name, an artifact is handed on, a secret is shown nowhere", async () => {
    await commit({
      build: {
        image: node,
        artifacts: ["dist"],
        secrets: ["TOKEN"],
        run: 'mkdir dist; echo "$GREETING $TOKEN" | cut -c1-5 > dist/app.txt; echo "the token is $TOKEN"',
        matrix: { GREETING: ["hello"] },
      },
      test: {
        needs: ["build"],
        image: "postgres:17",
        matrix: { TABLE: ["tea", "coffee"] },
        services: { db: postgres },
        env: { PGPASSWORD: "geheim" },
        run: 'grep -q hello dist/app.txt\npsql -h db -U postgres -c "create table $TABLE (id int)" -c "\\dt"',
      },
    });
    const first = await app.must(["check"], { env: { TOKEN: "s3cret-value" } });
    assert.match(first.stdout, /^\d\d:\d\d:\d\d build \(GREETING=hello\) │ the token is \*\*\*$/m);
    assert.match(first.stdout, /test \(TABLE=coffee\).*│ .*coffee/);
    assert.match(first.stdout, /^test \(TABLE=tea\) +passed/m, "a table ends it");
    assert.deepEqual(await left(), []);
    const again = await check();
    assert.deepEqual(new Set(Object.values(again.outcomes)), new Set(["cached"]));
    const kept = again.document.checks[0]?.artifacts ?? "";
    assert.equal(readFileSync(join(kept, "dist/app.txt"), "utf8"), "hello\n");
    const written = ["ledger.db", "ledger.db-wal", "checks"].map((name) => join(app.home, "..", name));
    const found = await run(["grep", "-rlsF", "--binary-files=text", "s3cret-value", ...written]);
    assert.equal(found.stdout, "", "the secret is in the ledger, a cache or an artifact");
    assert.deepEqual(readdirSync(app.temporary), []);
  });

  test("what fails says why and leaves nothing: a service that never gets healthy, a command without an end, an exit code", async () => {
    await commit({
      unhealthy: {
        image: node,
        services: { db: { ...postgres, command: ["sh", "-c", "echo no room >&2; sleep 100"], startPeriod: "2s" } },
        run: "true",
      },
      slow: { image: node, timeout: "2s", run: "echo begun; sleep 1000 & sleep 1000" },
      behind: { image: node, needs: ["slow"], run: "true" },
      wrong: { image: node, artifacts: ["shot.txt"], run: "echo shot > shot.txt; exit 7" },
      optional: { image: node, required: false, run: "false" },
    });
    const { told, document, outcomes } = await check();
    assert.equal(told.code, 1);
    assert.deepEqual(outcomes, {
      unhealthy: "failed",
      slow: "timed-out",
      behind: "skipped",
      wrong: "failed",
      optional: "failed",
    });
    const reason = (job: string): string => document.checks.find((one) => one.job === job)?.reasons.join() ?? "";
    assert.match(reason("unhealthy"), /the service db \(postgres:17\) was not healthy within 2 s/);
    assert.match(reason("wrong"), /exit code 7/);
    const shown = await app.run(["check", "unhealthy"]);
    assert.match(shown.stdout, /unhealthy │ no room/);
    assert.deepEqual(await left(), []);
  });

  test("a cache is used again, one that a failed check filled is not, and a corrupted result is noticed and made anew", async () => {
    const install = (run: string) => ({
      install: { image: node, caches: [{ path: "/root/.cache", key: ["package.json"] }], run },
    });
    app.write("package.json", "{}");
    await commit(install("echo half > /root/.cache/file; exit 1"));
    assert.equal((await check()).told.code, 1);
    await commit(install("test ! -e /root/.cache/file; echo whole > /root/.cache/file"));
    assert.deepEqual((await check()).outcomes, { install: "passed" });
    await commit(install("cat /root/.cache/file"));
    const kept = join(app.home, "..", "kept");
    const warm = await app.must(["check", "--caches", kept]);
    assert.match(warm.stdout, /│ whole$/m);
    // Another machine has another engine, and so no volumes; here it knows of none.
    const elsewhere = { SHIPLOCK_LEDGER: join(app.home, "..", "elsewhere", "ledger.db") };
    const filled = await app.must(["check", "--caches", kept], { env: elsewhere });
    assert.match(filled.stdout, /│ whole$/m);
    assert.match(filled.stdout, /caches: \/root\/\.cache \(filled from another machine's\)/);
    const results = join(app.home, "..", "checks", "results");
    for (const name of readdirSync(results, { recursive: true, encoding: "utf8" }))
      if (name.endsWith("log.jsonl")) writeFileSync(join(results, name), "garbage");
    const mended = await app.must(["check"]);
    assert.match(mended.stderr, /a result in the cache was broken and is dropped/);
    assert.match(mended.stdout, /^install +passed/m);
    assert.match((await app.must(["check"])).stdout, /^install +cached/m);
  });

  test("a runner that is killed leaves what the next one removes; of a group the newest goes on", async () => {
    await commit({
      slow: { image: node, services: { db: postgres }, run: "echo begun; sleep 1000" },
      quick: { process: true, run: "setsid sleep 1000 & echo begun; wait" },
    });
    const killed = app.start(["check"]);
    await killed.waitForOutput(/slow +│ begun/);
    await killed.waitForOutput(/quick +│ begun/);
    killed.kill("SIGKILL");
    await killed.ended;
    assert.equal((await left()).length, 3);
    await commit({ wait: { image: node, run: "test -e /work/quick || { echo begun; sleep 1000; }" } });
    const older = app.start(["check", "--group", "pull-1"]);
    await older.waitForOutput(/wait +│ begun/);
    assert.deepEqual((await left()).length, 1, "what was killed is removed");
    app.write("quick", "");
    await app.commit("Quick");
    const newer = await app.must(["check", "--group", "pull-1"]);
    const ended = await older.ended;
    assert.equal(ended.code, 143, ended.stdout);
    assert.match(ended.stdout, /superseded: run [0-9a-f]{8} of the same group is newer/);
    assert.match(newer.stdout, /^wait +passed/m);
    await waitFor("everything to be gone", async () => (await left()).length === 0, { timeoutMs: 10_000 });
    assert.deepEqual(
      readdirSync(app.temporary).filter((name) => name.startsWith("shiplock-check")),
      [],
    );
  });

  test("two runs of one commit at once do not disturb each other", async () => {
    await commit({
      test: {
        image: "postgres:17",
        services: { db: postgres },
        env: { PGPASSWORD: "geheim" },
        run: "psql -h db -U postgres -c 'create table sold (id int)'",
      },
    });
    const both = await Promise.all([check("--no-cache"), check("--no-cache")]);
    for (const { outcomes } of both) assert.deepEqual(outcomes, { test: "passed" });
    assert.deepEqual(await left(), []);
  });

  test("nothing is deployed unless its checks passed for that very commit, and another machine takes the release's word for it", async () => {
    const hash = await commit({ lint: { image: node, run: "test -e server.mjs" } });
    for (const command of ["build", "deploy"])
      assertRefused(await app.run([command, "staging", "--json"]), {
        exit: 3,
        code: "gate/checks",
        says: /nothing is known about lint/,
        remedy: new RegExp(`shiplock check --ref ${hash.slice(0, 12)}`),
      });
    await app.must(["check"]);
    assert.match((await app.must(["deploy", "staging"])).stdout, /checks lint passed for commit/);
    const elsewhere = await app.clone();
    try {
      assert.match((await elsewhere.must(["plan", "staging"])).stdout, /its release says that lint passed/);
      assert.match(
        (await elsewhere.must(["promote", "staging", "production"])).stdout,
        /its release says that lint passed/,
      );
    } finally {
      await elsewhere[Symbol.asyncDispose]();
    }
    await commit({ lint: { image: node, run: "test -e no-such-file" } });
    assertRefused(await app.run(["deploy", "staging", "--check", "--json"]), {
      exit: 1,
      code: "check/failed",
      says: /lint failed \(it ended with exit code 1\)/,
      remedy: /nothing was built/,
    });
    await commit({ lint: { image: node, run: "test -e compose.yml" } });
    const told = await app.must(["deploy", "staging", "--check"]);
    assert.match(told.stdout, /^lint +passed/m);
    assert.match(told.stdout, /succeeded/);
  });
});
