import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { createStep, type Step } from "../action/step.ts";
import type { Lab } from "../lab/lab.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { lightDrain } from "./support/light-load.ts";
import { createProject, type Project } from "./support/project.ts";

/** The file that is checked in, as GitHub runs it. */
const bundle = join(import.meta.dirname, "../../action/index.js");

describe("a step of a workflow deploys over SSH with what the Action was given", () => {
  let lab: Lab;
  let app: Project;
  let inputs: Record<string, string> = {};
  let env: Record<string, string> = {};

  before(async () => {
    lab = await startE2eLab({ name: "action", hosts: 1 });
    const drain = ["web", "caller"].map((service) => ({ path: ["services", service, "drain"], value: lightDrain }));
    app = await createProject(lab, { first: { version: "v1" }, configure: drain });
    const ssh = dirname(lab.sshConfigPath);
    const read = (name: string): string => readFileSync(join(ssh, name), "utf8");
    // Where the hosts are, and neither a key nor keys of hosts.
    const places = join(app.home, "ssh_places");
    const lines = read("config").split("\n");
    writeFileSync(
      places,
      lines.filter((line) => !/IdentityFile|IdentitiesOnly|KnownHosts|StrictHost/i.test(line)).join("\n"),
    );
    env = { ...app.env, SHIPLOCK_SSH_CONFIG: places };
    inputs = {
      command: "deploy",
      environment: "staging",
      "ssh-key": read("id_ed25519"),
      "known-hosts": read("known_hosts"),
    };
  });

  after(async () => {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  const step = (): Promise<Step> => createStep({ action: bundle, workspace: app.folder });
  const host = () => lab.hosts[0] ?? assert.fail("the lab has no host");
  const version = async (): Promise<string | undefined> => (await app.curl(host())).version;

  test("it deploys, says what came of it, and leaves no key, no agent and no file behind", async () => {
    await using one = await step();
    const { exit, log } = await one.run(inputs, env);
    assert.equal(exit, 0, log);
    const { result, environment, commit, deployment, document } = one.outputs();
    assert.equal(result, "succeeded");
    assert.equal(environment, "staging");
    assert.equal(commit, (await app.git(["rev-parse", "HEAD"])).trim());
    assert.equal((JSON.parse(document ?? "") as { deployment: string }).deployment, deployment);
    assert.match(one.summary(), /^### ✅ deploy to staging: succeeded\n[\s\S]*Steps&#58;/);
    assert.match(log, /^::group::deploy \S+ in staging$/m);
    assert.deepEqual(readdirSync(one.temp), []);
    assert.ok(!existsSync(`/proc/${one.state()["ssh-agent"]}/cwd`), "the agent has ended");
    assert.equal(app.state(host())?.live?.deployment, deployment);
  });

  test("hosts with other keys than the given ones are not trusted", async () => {
    await using one = await step();
    const other = (inputs["known-hosts"] ?? "").replaceAll(/(ssh-ed25519 \S+)\S{4}/g, "$1AAAA");
    const { exit, log } = await one.run({ ...inputs, command: "status", "known-hosts": other }, env);
    assert.equal(exit, 1);
    assert.match(log, /host key of \S+ is not/i);
  });

  test("a run that is cancelled in the middle goes back to the old release, whatever signal comes next", async () => {
    await app.commitVersion("v2");
    await using one = await step();
    const running = one.start(inputs, env);
    await running.waitForLog(/✓ .*create/i);
    running.signal("SIGINT");
    // Of two signals that come at once, either may be the first.
    await running.waitForLog(/cancelled: ending in a safe state/);
    running.signal("SIGTERM");
    assert.equal(await running.ended, 1, running.log());
    assert.equal(one.outputs()["result"], "rolled-back");
    assert.equal(one.outputs()["exit-code"], "130");
    assert.equal(await version(), "v1");
    assert.equal((await one.end(inputs, env)).exit, 0);
    assert.equal(app.state(host())?.operation, null);
  });

  test("a step that is killed before the commit point is taken back by its end", async () => {
    await using one = await step();
    const running = one.start(inputs, env);
    await running.waitForLog(/✓ .*create/i);
    running.signal("SIGKILL");
    await running.ended;
    assert.notEqual(app.state(host())?.operation, null, "it was killed in the middle");
    const ended = await one.end(inputs, env);
    assert.equal(ended.exit, 0, ended.log);
    assert.match(
      one.summary(),
      /^### ↩️ deploy to staging: rolled-back\n\nThe step was killed while it was working on d-/,
    );
    assert.equal(app.state(host())?.operation, null);
    assert.equal(await version(), "v1");
    assert.deepEqual(readdirSync(one.temp), []);
  });

  test("a step that is killed after the commit point is brought forward by its end", async () => {
    await using one = await step();
    const running = one.start(inputs, env);
    await running.waitForLog(/✓ .*(?:commit|is live)/i);
    running.signal("SIGKILL");
    await running.ended;
    assert.equal(app.state(host())?.operation?.committed, true);
    const ended = await one.end(inputs, env);
    assert.equal(ended.exit, 0, ended.log);
    assert.equal(app.state(host())?.operation, null);
    assert.equal(await version(), "v2");
  });
});
