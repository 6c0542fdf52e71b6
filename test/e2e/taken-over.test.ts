import assert from "node:assert/strict";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Lab } from "../lab/lab.ts";
import { PLUGIN_FOLDERS } from "../lab/prerequisites.ts";
import { waitFor } from "../lab/process.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { lookAt } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

describe("a deployer that stops breathing", () => {
  let lab: Lab;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "taken-over", hosts: 2 });
    app = await createProject(lab, {
      configure: [{ path: ["environments", "production", "lease"], value: { ttl: "5s" } }],
    });
    await app.must(["deploy", "production"]);
  });

  after(async () => {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  const lookAtAll = () => Promise.all(lab.hosts.map((host) => lookAt(host)));

  for (const kind of ["pull", "start", "ready", "shift"] as const) {
    test(`SIGSTOP in ${kind}, take-over by abort, SIGCONT: nothing of the first takes effect any more`, async () => {
      await app.commitVersion(`stopped-${kind}`, { startDelayMs: 500 });
      await using other = await app.clone();
      const running = app.start(["deploy", "production", "--json=stream"]);
      await running.waitForOutput(new RegExp(`"kind":"step-began".*"action":"${kind}"`));
      running.kill("SIGSTOP");
      const taken = await other.must(["abort", "production"]);
      assert.match(taken.stdout, /took over from ada/);
      const seen = await lookAtAll();
      const record = app.state(lab.host("host-1"), "production");
      running.kill("SIGCONT");
      const first = await running.ended;
      assert.equal(first.code, 4, first.stdout + first.stderr);
      assert.match(first.stdout, /lease\/lost|host\/lost/);
      assert.deepEqual(await lookAtAll(), seen);
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
    const seen = await lookAtAll();
    await lab.healNetwork(lab.host("host-1"));
    const first = await running.ended;
    assert.notEqual(first.code, 0);
    assert.deepEqual(await lookAtAll(), seen);
    assert.equal((await app.curl(lab.host("host-1"), "/", { environment: "production" })).version, "v1");
  });

  test("SIGKILL while Compose runs, a deployment by another, and Compose goes on: no host hears of it", async () => {
    await app.commitVersion("composing");
    await using other = await app.clone();
    const compose = holdCompose(app.home);
    const running = app.start(["deploy", "production"]);
    await waitFor("Compose to begin", () => existsSync(compose.began), { timeoutMs: 60_000 });
    running.kill("SIGKILL");
    assert.equal((await running.ended).code, 128);
    await other.must(["deploy", "production"]);
    const seen = await lookAtAll();
    writeFileSync(compose.mayGoOn, "");
    await waitFor("Compose to end", () => existsSync(compose.ended), { timeoutMs: 60_000 });
    // The one engine that it was ever given died with its deployer.
    assert.match(readFileSync(compose.ended, "utf8"), /engine\.sock/);
    assert.deepEqual(await lookAtAll(), seen);
  });
});

/** Makes the Compose of a user wait where it would begin to create containers. Says where it tells that it began and what it said in the end, and what it waits for. */
function holdCompose(home: string): { began: string; mayGoOn: string; ended: string } {
  const real = PLUGIN_FOLDERS.map((folder) => join(folder, "docker-compose")).find((file) => existsSync(file));
  assert.ok(real !== undefined, "the Compose plugin lies in none of its usual folders");
  const plugins = join(home, ".docker/cli-plugins");
  mkdirSync(plugins, { recursive: true });
  const files = { began: join(home, "began"), mayGoOn: join(home, "may-go-on"), ended: join(home, "ended") };
  const program = `#!/bin/sh
case " $* " in *" up "*) ;; *) exec ${real} "$@" ;; esac
: >${files.began}
looks=0
while [ ! -e ${files.mayGoOn} ] && [ "$looks" -lt 2400 ]; do sleep 0.05; looks=$((looks + 1)); done
${real} "$@" 2>${files.ended}.new
mv ${files.ended}.new ${files.ended}
`;
  writeFileSync(join(plugins, "docker-compose"), program, { mode: 0o755 });
  return files;
}
