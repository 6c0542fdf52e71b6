import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import type { Lab } from "../lab/lab.ts";
import { askEngine } from "../lab/engine.ts";
import { errorOf } from "./support/command.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { appsOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const probe = "fetch('http://127.0.0.1:3000/healthz').then((answer) => process.exit(answer.ok ? 0 : 7))";
const startPeriod = "3s";

describe("a release is believed to run only when it was seen to", () => {
  let lab: Lab;
  let app: Project;
  let live = "v1";

  before(async () => {
    lab = await startE2eLab({ name: "health", hosts: 1 });
    app = await createProject(lab, { configure: [{ path: ["services", "caller", "health"], value: { tcp: true } }] });
    const compose = parseDocument(readFileSync(join(app.folder, "compose.yml"), "utf8"));
    const healthcheck = { test: ["CMD", "node", "-e", probe], interval: "300ms", timeout: "2s", retries: 2 };
    compose.setIn(["services", "web", "healthcheck"], compose.createNode(healthcheck));
    app.write("compose.yml", compose.toString());
    await app.commit("The container checks itself");
    await app.must(["deploy", "staging"]);
  });

  after(async () => {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  const health = (value: unknown) => app.configure([{ path: ["services", "web", "health"], value }]);
  const staging = (key: string, value: unknown) => app.configure([{ path: ["environments", "staging", key], value }]);

  async function goesLive(version: string, switches: Parameters<Project["commitVersion"]>[1] = {}): Promise<void> {
    await app.commitVersion(version, switches);
    await app.must(["deploy", "staging"]);
    live = version;
    assert.equal((await app.curl(lab.host("host-1"))).version, live);
  }

  async function isRefused(version: string, switches: Parameters<Project["commitVersion"]>[1], says: RegExp) {
    await app.commitVersion(version, switches);
    const result = await app.run(["deploy", "staging", "--json"]);
    assert.equal(result.code, 1, result.stdout + result.stderr);
    assert.match(errorOf(result).message, says);
    assert.equal((await app.curl(lab.host("host-1"))).version, live);
  }

  test("by TCP: a port that accepts connections is enough, and one that does not is told", async () => {
    health({ tcp: true, startPeriod });
    await goesLive("tcp", { healthStatus: 500 });
    await isRefused("tcp-late", { startDelayMs: 60_000 }, /port 3000 does not accept connections/);
  });

  test("by the container's own health check: Docker's word is taken, good and bad", async () => {
    health({ docker: true, startPeriod });
    await goesLive("docker");
    await isRefused("docker-broken", { healthStatus: 500 }, /not healthy within 3 s: Docker says (starting|unhealthy)/);
  });

  test("by a command in the container: its exit code decides and is told", async () => {
    health({ command: ["node", "-e", probe], interval: "200ms", startPeriod });
    await goesLive("command");
    await isRefused("command-broken", { healthStatus: 500 }, /ended with exit code 7/);
  });

  test("by HTTP with the status that is named, and no other", async () => {
    health({ http: "/healthz", status: [204], startPeriod });
    await goesLive("status", { healthStatus: 204 });
    await isRefused("status-200", { healthStatus: 200 }, /GET \/healthz answered 200/);
    health({ http: "/healthz", startPeriod });
  });

  test("smoke tests ask the new release before traffic does: status, body, header, JSON and a command", async () => {
    const all = { get: "/", service: "web", status: 200, body: "smoke", header: { "x-version": "smoke" } };
    staging("smoke", [
      { ...all, json: { version: "smoke" } },
      { command: ["node", "-e", probe], service: "caller" },
    ]);
    await goesLive("smoke");
    await isRefused("other", {}, /smoke test of web on host-1: .*"smoke"/);
    staging("smoke", [{ command: ["node", "-e", "process.exit(9)"], service: "web" }]);
    await isRefused("smoke-command", {}, /smoke test of web on host-1: .*exit code 9/);
    staging("smoke", undefined);
  });

  test("a release that stops being healthy under traffic, while it is watched, is taken back", async () => {
    staging("bake", "6s");
    await isRefused("fades", { healthFailAfterMs: 2_500 }, /is not healthy any more: GET \/healthz answered 500/);
    staging("bake", 0);
  });

  test("a public address that does not answer, or with an error, takes the release back", async () => {
    staging("verifyUrl", `http://${lab.host("host-1").address}:9/`);
    await isRefused("unreachable", {}, /does not answer from the machine that deploys|:9\//);
    staging("verifyUrl", undefined);
    await goesLive("last");
  });

  test("a release whose container dies later, while it is watched, is taken back by itself; hooks run on the way", async () => {
    const log = join(app.home, "hooks");
    const say = { run: 'echo "$SHIPLOCK_POINT $SHIPLOCK_KIND $SHIPLOCK_STATE" >> "$LOG"', environment: { LOG: log } };
    staging("hooks", { before: [say], beforeTraffic: [say], afterTraffic: [say], after: [say], afterFailure: [say] });
    staging("watch", { for: "60s", every: "300ms", failures: 2 });
    await app.commitVersion("dies");
    const command = app.start(["deploy", "staging", "--json=stream"]);
    await command.waitForOutput('"kind":"watch"');
    const host = lab.host("host-1");
    const found = await appsOf(host, `${app.name}-staging`);
    const caller = found.find(({ service, state }) => service === "caller" && state === "running");
    await askEngine(host.socketPath, "POST", `/containers/${caller?.id}/kill`);
    const { code, stdout } = await command.ended;
    assert.equal(code, 1, stdout);
    assert.equal((await app.curl(host)).version, live);
    const state = app.state(host);
    const [rollback, deployment] = state?.deployments ?? [];
    assert.deepEqual([rollback?.kind, rollback?.state, deployment?.state], ["rollback", "succeeded", "succeeded"]);
    assert.equal(rollback?.origin.who, `watch of ${deployment?.deployment}`);
    assert.match(rollback?.origin.reason ?? "", /2 times in a row: .*caller.* on host-1 does not run \(exited\)/);
    assert.equal(state?.watch?.ended?.how, "bad");
    const points = (kind: string) => [
      `before ${kind} running`,
      `beforeTraffic ${kind} running`,
      `afterTraffic ${kind} running`,
      `after ${kind} succeeded`,
    ];
    assert.deepEqual(readFileSync(log, "utf8").trim().split("\n"), [...points("deploy"), ...points("rollback")]);
  });
});
