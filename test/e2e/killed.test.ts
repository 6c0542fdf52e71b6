import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { parseDocument } from "yaml";
import type { StepKind } from "../../src/deploy/types.ts";
import type { Lab } from "../lab/lab.ts";
import { testsAll } from "../tests-all.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { assertNothingLost, flowing, lightDrain, lightLoadOn, onlyAnsweredBy } from "./support/light-load.ts";
import { appsOf, containersOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

/** A release with this has to open a route, start a backing service, or replace its containers one by one. */
type Change = "route" | "backing" | "surge";

type Death = { kind: StepKind; end: "resume" | "abort"; change?: Change };

/** Where the deployer is killed, and how it is ended from another machine. After the commit point the way is forward only. */
const deaths: readonly Death[] = [
  { kind: "pull", end: "resume" },
  { kind: "migrate", end: "resume" },
  { kind: "create", end: "abort" },
  { kind: "ready", end: "abort" },
  { kind: "shift", end: "resume" },
  { kind: "shift", end: "abort" },
  { kind: "verify", end: "abort" },
  { kind: "commit", end: "resume" },
  { kind: "drain", end: "resume" },
  { kind: "retire", end: "resume" },
  { kind: "proxy", end: "abort", change: "route" },
];

/** Each takes a dozen seconds, and test/deploy/cut.test.ts cuts every plan at every call: these are for `npm run test:all`. */
const furtherDeaths: readonly Death[] = [
  { kind: "ship-files", end: "abort" },
  { kind: "start", end: "resume" },
  { kind: "publish", end: "resume" },
  { kind: "tidy", end: "resume" },
  { kind: "close", end: "resume" },
  { kind: "backing", end: "resume", change: "backing" },
  { kind: "stop", end: "resume", change: "surge" },
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
        { path: ["services", "web", "drain"], value: lightDrain },
        { path: ["services", "caller", "drain"], value: lightDrain },
        { path: ["migrations"], value: { service: "web", command: ["node", "server.mjs", "migrate"] } },
      ],
    });
    await app.must(["deploy", "production"]);
  });

  after(async () => {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  for (const [index, { kind, end, change }] of [...deaths, ...(testsAll() ? furtherDeaths : [])].entries()) {
    test(`SIGKILL in ${kind}, then ${end}`, async () => {
      const version = `v${index + 1}`;
      if (change !== undefined) await prepare(change);
      await app.commitVersion(version, { startDelayMs: 150 });
      await using other = await app.clone();
      await using load = lightLoadOn(lab, app, "production", [live]);
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

  async function prepare(change: Change): Promise<void> {
    switch (change) {
      case "route":
        return app.configure([{ path: ["services", "web", "route"], value: ["${WEB_HOST}", "www.${WEB_HOST}"] }]);
      case "backing": {
        const compose = parseDocument(readFileSync(join(app.folder, "compose.yml"), "utf8"));
        compose.setIn(["services", "store"], compose.createNode({ image: "caddy:2", command: ["sleep", "infinity"] }));
        return app.write("compose.yml", compose.toString());
      }
      case "surge":
        if (live.startsWith("two")) return;
        app.configure([
          { path: ["services", "web", "replicas"], value: 2 },
          { path: ["environments", "production", "strategy"], value: { rolling: { maxSurge: 1 } } },
        ]);
        await app.commitVersion("two-replicas");
        await app.must(["deploy", "production"]);
        live = "two-replicas";
    }
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
      const wanted: number = Object.values(state?.live?.replicas ?? {}).reduce((sum, count) => sum + count, 0);
      assert.deepEqual(
        running.map((container) => container.release),
        Array.from({ length: wanted }, (): string | undefined => state?.live?.release),
      );
      const kept = apps.filter((container) => container.state !== "running");
      assert.ok(new Set(kept.map((container) => container.release)).size <= 1, "more than one release is kept");
      const others = (await containersOf(host)).filter((container) => container.kind === "router");
      assert.equal(others.length, 1, `${host.name} has ${others.map((container) => container.name).join(", ")}`);
    }
    const drift = await app.run(["drift", "production", "--json"]);
    assert.equal(drift.code, 0, drift.stdout);
  }
});
