import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { StepKind } from "../../src/deploy/types.ts";
import type { Lab } from "../lab/lab.ts";
import { waitFor } from "../lab/process.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { assertNothingLost, flowing, loadOn, onlyAnsweredBy } from "./support/load.ts";
import { appsOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

/** Where the deployer is killed, and how it is ended from another machine. After the commit point the way is forward only. */
const deaths: readonly { kind: StepKind; end: "resume" | "abort" }[] = [
  { kind: "ship-files", end: "abort" },
  { kind: "pull", end: "resume" },
  { kind: "migrate", end: "resume" },
  { kind: "create", end: "abort" },
  { kind: "start", end: "resume" },
  { kind: "ready", end: "abort" },
  { kind: "shift", end: "resume" },
  { kind: "shift", end: "abort" },
  { kind: "verify", end: "abort" },
  { kind: "commit", end: "resume" },
  { kind: "publish", end: "resume" },
  { kind: "drain", end: "resume" },
  { kind: "retire", end: "resume" },
  { kind: "tidy", end: "resume" },
  { kind: "close", end: "resume" },
];

describe("a deployer that is killed in any step leaves a complete release answering, and another machine ends it", () => {
  let lab: Lab;
  let app: Project;
  let live = "v0";

  before(async () => {
    lab = await startE2eLab({ name: "killed", hosts: 2 });
    app = await createProject(lab, {
      first: { version: "v0" },
      configure: [
        { path: ["services", "web", "drain"], value: "4500ms" },
        { path: ["services", "caller", "drain"], value: "4500ms" },
        { path: ["migrations"], value: { service: "web", command: ["node", "server.mjs", "migrate"] } },
      ],
    });
    await app.must(["deploy", "production"]);
  });

  after(async () => {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  for (const [index, { kind, end }] of deaths.entries()) {
    test(`SIGKILL in ${kind}, then ${end}`, async () => {
      const version = `v${index + 1}`;
      await app.commitVersion(version, { startDelayMs: 150 });
      await using other = await app.clone();
      await using load = loadOn(lab, app, "production", [live]);
      await flowing(load);
      await load.setAllowed([live, version]);
      const running = app.start(["deploy", "production", "--json=stream"]);
      await running.waitForOutput(new RegExp(`"kind":"step-began".*"action":"${kind}"`));
      running.kill("SIGKILL");
      assert.equal((await running.ended).code, 128, "it had ended before it was killed");
      const before = app.state(lab.host("host-1"), "production");
      const ended = await other.run([end, "production", "--json"]);
      // The commit may have been written in the moment of death; then there is nothing to abort, and it says so.
      assert.equal(ended.code, 0, `${ended.stdout}${ended.stderr}`);
      live = end === "resume" ? version : live;
      await onlyAnsweredBy(load, live);
      await assertNothingLost(load);
      await assertTrueAndTidy(before?.operation?.deployment ?? "");
    });
  }

  async function assertTrueAndTidy(deployment: string): Promise<void> {
    const state = app.state(lab.host("host-1"), "production");
    assert.equal(state?.operation, null);
    const entry = state?.deployments.find((candidate) => candidate.deployment === deployment);
    assert.ok(entry === undefined || entry.endedAt !== null, "the deployment has no end in the record");
    for (const host of lab.hosts) {
      const answer = await app.curl(host, "/", { environment: "production" });
      assert.equal(answer.version, live, `${host.name} answers`);
      const apps = await appsOf(host, `${app.name}-production`);
      const running = apps.filter((container) => container.state === "running");
      assert.deepEqual(
        running.map((container) => container.release),
        [state?.live?.release, state?.live?.release],
      );
      assert.ok(apps.length <= 4, `${host.name} has ${apps.map((container) => container.name).join(", ")}`);
    }
    const drift = await app.run(["drift", "production", "--json"]);
    assert.equal(drift.code, 0, drift.stdout);
  }
});

describe("a deployer that stops breathing", () => {
  let lab: Lab;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "killed", hosts: 2 });
    app = await createProject(lab, {
      configure: [{ path: ["environments", "production", "lease"], value: { ttl: "5s" } }],
    });
    await app.must(["deploy", "production"]);
  });

  after(async () => {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  for (const kind of ["pull", "start", "ready", "shift"] as const) {
    test(`SIGSTOP in ${kind}, take-over by abort, SIGCONT: nothing of the first takes effect any more`, async () => {
      await app.commitVersion(`stopped-${kind}`, { startDelayMs: 500 });
      await using other = await app.clone();
      const running = app.start(["deploy", "production", "--json=stream"]);
      await running.waitForOutput(new RegExp(`"kind":"step-began".*"action":"${kind}"`));
      running.kill("SIGSTOP");
      const taken = await other.must(["abort", "production"]);
      assert.match(taken.stdout, /took over from ada/);
      const seen = await Promise.all(lab.hosts.map((host) => appsOf(host, `${app.name}-production`)));
      const record = app.state(lab.host("host-1"), "production");
      running.kill("SIGCONT");
      const first = await running.ended;
      assert.equal(first.code, 4, first.stdout + first.stderr);
      assert.match(first.stdout, /lease\/lost|host\/lost/);
      assert.deepEqual(await Promise.all(lab.hosts.map((host) => appsOf(host, `${app.name}-production`))), seen);
      assert.deepEqual(app.state(lab.host("host-1"), "production"), record);
      assert.equal((await app.curl(lab.host("host-1"), "/", { environment: "production" })).version, "v1");
    });
  }

  test("packets dropped, take-over, packets delivered: what was on its way is dead", async () => {
    await app.commitVersion("cut-off", { startDelayMs: 500 });
    await using other = await app.clone();
    const running = app.start(["deploy", "production", "--json=stream"]);
    await running.waitForOutput(/"kind":"step-began".*"action":"ready"/);
    await lab.cutNetwork(lab.host("host-1"), "existing");
    await waitFor("the take-over", async () => (await other.run(["abort", "production", "--no-wait"])).code === 0, {
      timeoutMs: 30_000,
    });
    const seen = await Promise.all(lab.hosts.map((host) => appsOf(host, `${app.name}-production`)));
    await lab.healNetwork(lab.host("host-1"));
    const first = await running.ended;
    assert.notEqual(first.code, 0);
    assert.deepEqual(await Promise.all(lab.hosts.map((host) => appsOf(host, `${app.name}-production`))), seen);
    assert.equal((await app.curl(lab.host("host-1"), "/", { environment: "production" })).version, "v1");
  });
});
