import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { MigrationResult } from "../../src/environments/record/types.ts";
import { labAvailability } from "../lab/availability.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { assertRefused, changesNothing } from "./support/assertions.ts";
import type { CommandResult } from "./support/command.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { containersOf, shiplockFolder, startsSince } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const availability = labAvailability();
/** Long enough to cut the connection and to come back from another machine while it runs. */
const longMs = 7_000;

describe("a migration", { skip: availability.available ? false : availability.reason }, () => {
  let lab: Lab;
  let host: LabHost;
  let app: Project;
  /** The version that is live now. */
  let live = "v1";

  before(async () => {
    lab = await startE2eLab({ name: "migrations", hosts: 1 });
    host = lab.host("host-1");
    app = await createProject(lab, {
      configure: [
        { path: ["migrations"], value: { service: "web", command: ["node", "server.mjs", "migrate"] } },
        ...["web", "caller"].map((service) => ({ path: ["services", service, "drain"], value: "5s" })),
      ],
    });
    await app.must(["deploy", "staging"]);
  });

  // A test that fails must not make the others fail.
  afterEach(async () => {
    await app.killRunning();
    if (app.state(host)?.operation) await app.run(["abort", "staging"]);
    live = (await app.curl(host).catch(() => null))?.version ?? live;
  });

  after(async () => {
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  /** The migration's result in the environment record; null where none is recorded. */
  function resultOf(release: string): MigrationResult | null {
    const folder = join(shiplockFolder(host), "environments/switchboard-staging/migrations");
    const file = join(folder, `${release}.json`);
    return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as MigrationResult) : null;
  }

  const migrations = async () => (await containersOf(host)).filter(({ kind }) => kind === "migration");

  /** Deploys a version, cuts the connection while its migration runs, and goes on from another machine. */
  async function cutAndResume(version: string, exit: number): Promise<{ release: string; resumed: CommandResult }> {
    await app.commitVersion(version, { migrationMs: longMs, migrationExit: exit });
    const deploying = app.start(["deploy", "staging", "--json=stream"]);
    await deploying.waitForOutput(`migrating to ${version}`);
    const release = app.state(host)?.operation?.release ?? "";
    const [before] = await migrations();
    assert.ok((await lab.killSshSessions(host)) > 0);
    assert.equal((await deploying.ended).code, 4);
    const [running] = await migrations();
    assert.equal(running?.state, "running", "the migration did not outlive the connection");
    assert.equal(running?.id, before?.id);
    assert.equal((await app.curl(host)).version, live);
    await using other = await app.clone();
    return { release, resumed: await other.run(["resume", "staging", "--json=stream"]) };
  }

  test("runs in a container of the new image while the old release answers, and what it says is shown", async () => {
    await app.commitVersion("shown", { migrationMs: 2_000 });
    const since = new Date();
    const deploying = app.start(["deploy", "staging"]);
    await deploying.waitForOutput("migrating to shown");
    assert.equal((await app.curl(host)).version, live);
    const { code, stdout, stderr } = await deploying.ended;
    assert.equal(code, 0, stdout + stderr);
    const moments = [/host-1 │ .*migrating to shown/, /host-1 │ .*"migrated"/, /✓ .*move traffic/];
    const places = moments.map((moment) => stdout.search(moment));
    assert.ok(!places.includes(-1), stdout);
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
      stdout,
    );
    assert.equal((await app.curl(host)).version, "shown");
    assert.equal((await startsSince(host, since, "migration")).length, 1);
    assert.deepEqual(await migrations(), []);
  });

  test("runs once per release: the same release again, and a rollback, run none", async () => {
    await app.commitVersion("once");
    const since = new Date();
    await app.must(["deploy", "staging"]);
    const release = app.state(host)?.live?.release ?? "";
    await app.must(["deploy", "staging"]);
    assert.equal(app.state(host)?.live?.release, release);
    assert.equal(app.state(host)?.deployments[0]?.release, release);
    assert.deepEqual(await startsSince(host, since, "migration"), [`switchboard-staging-migrate-${release}`]);
    const back = await app.must(["rollback", "staging"]);
    assert.doesNotMatch(back.stdout, /migrat/);
    assert.notEqual(app.state(host)?.live?.release, release);
    assert.equal((await startsSince(host, since, "migration")).length, 1);
  });

  test("that fails stops the deployment with its exit code and its last lines, and the old release is left alone", async () => {
    await app.commitVersion("ill", { migrationExit: 7 });
    const since = new Date();
    const result = await changesNothing(app, host, live, () => app.run(["deploy", "staging", "--json"]));
    const error = assertRefused(result, {
      exit: 1,
      code: "migration/failed",
      says: /`node server\.mjs migrate` ended with exit code 7; no traffic was moved/,
      remedy: /mend the migration/,
    });
    assert.match(error.details.join("\n"), /migrating to ill[^]*the migration failed/);
    assert.equal((result.json as { state: string }).state, "rolled-back");
    assert.equal((await startsSince(host, since, "migration")).length, 1);
    assert.deepEqual(await startsSince(host, since, "app"), [], "a container of the new release was started");
  });

  test("outlives its deployer's connection: resume from another machine attaches to it and records how it really ended", async () => {
    const since = new Date();
    const { release, resumed } = await cutAndResume("cut", 0);
    assert.equal(resumed.code, 0, resumed.stdout + resumed.stderr);
    assert.match(resumed.stdout, /"text":".*migrated/);
    const recorded = resultOf(release);
    assert.equal(recorded?.exitCode, 0);
    assert.match(recorded.lastLines.join("\n"), /migrating to cut[^]*migrated/);
    assert.equal((await startsSince(host, since, "migration")).length, 1);
    assert.deepEqual(await migrations(), []);
    assert.equal((await app.curl(host)).version, "cut");
  });

  test("that fails after its deployer's connection was cut is no success for who resumes", async () => {
    const since = new Date();
    const { release, resumed } = await cutAndResume("cut-ill", 9);
    assert.equal(resumed.code, 1, resumed.stdout + resumed.stderr);
    assert.match(resumed.stdout, /ended with exit code 9/);
    assert.match(resumed.stdout, /"state":"rolled-back"/);
    assert.equal(resultOf(release), null);
    assert.equal((await startsSince(host, since, "migration")).length, 1);
    assert.equal((await app.curl(host)).version, live);
    assert.equal(app.state(host)?.operation, null);
  });
});
