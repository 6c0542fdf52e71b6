import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import type { JobRun, RunEnd } from "../github/runner/types.ts";
import { switchboardFiles } from "../github/stories/files.ts";
import { assertRecordsAgree, recordsOf } from "../github/stories/records.ts";
import { createWorld, type World } from "../github/stories/world.ts";
import { testsAll } from "../tests-all.ts";
import { labAvailability } from "../lab/availability.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { askEdge } from "./support/edge.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { environmentState } from "./support/observe.ts";
import { digestOf } from "./support/registry.ts";

const availability = labAvailability();
/** A registry that was up before has what an earlier run pushed. */
const project = `tea-${randomUUID().slice(0, 6)}`;
const environments = ["staging", "production"] as const;
type Environment = (typeof environments)[number];

/** Stories of a team with one server and a private repository, one after the other, each on what the ones before left. */
describe("a team on GitHub", { skip: availability.available ? false : availability.reason }, () => {
  let lab: Lab;
  let host: LabHost;
  let world: World;

  before(async () => {
    lab = await startE2eLab({ name: "github", hosts: 1 });
    host = lab.host("host-1");
    const { address, username, password } = lab.registry;
    const ssh = dirname(lab.sshConfigPath);
    const files = await switchboardFiles([
      { path: ["project"], value: project },
      {
        path: ["registry"],
        value: { address: `${address}/${project}`, insecure: true, username, password: "REGISTRY_PASSWORD" },
      },
      { path: ["images", "app", "sbom"], value: false },
      { path: ["checks"], value: { unit: { process: true, run: "sh unit.sh" } } },
      {
        path: ["environments"],
        value: {
          staging: { ...placeOf("staging", 8140), on: { push: "main" }, guard: true },
          production: {
            ...placeOf("production", 8141),
            branches: ["main"],
            after: ["staging"],
            confirm: true,
            reviewers: { people: ["grace"], count: 1 },
          },
        },
      },
    ]);
    world = await createWorld({
      files: { ...files, "unit.sh": "echo every unit is fine\n" },
      machine: { DOCKER_HOST: `unix://${lab.runnerSocket}` },
      settings: {
        secrets: { REGISTRY_PASSWORD: password, SHIPLOCK_SSH_KEY: readFileSync(join(ssh, "id_ed25519"), "utf8") },
        variables: { SHIPLOCK_KNOWN_HOSTS: readFileSync(join(ssh, "known_hosts"), "utf8") },
      },
    });
  });

  after(async () => {
    await world?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  afterEach(async () => {
    await world.settled();
    for (const environment of environments) await assertRecordsAgree(world, environment, stateOf(environment));
    const left = world.runner.runs.flatMap(({ jobs }) => jobs.flatMap(({ leftRunning }) => leftRunning));
    assert.deepEqual(left, [], "processes that outlived their job");
  });

  function placeOf(name: Environment, port: number): Record<string, unknown> {
    return {
      target: { compose: { hosts: [`${host.sshUser}@${host.address}`], proxy: { tls: "off" } } },
      bake: 0,
      variables: { WEB_HOST: `${name}.${project}.example.com`, WEB_PORT: String(port) },
    };
  }

  function stateOf(environment: Environment): EnvironmentState | null {
    return environmentState(host, `${project}-${environment}`);
  }

  async function answering(environment: Environment): Promise<string | undefined> {
    return (await askEdge(host.address, `${environment}.${project}.example.com`, "/")).version;
  }

  const versionFile = (version: string, switches: object = {}): Record<string, string> => ({
    "version.json": `${JSON.stringify({ version, ...switches })}\n`,
  });

  /** Pushes a version to `main` and waits for the end of what that starts. */
  async function push(version: string, switches: object = {}): Promise<{ sha: string; end: RunEnd }> {
    const before = world.count("deploy");
    const sha = await world.github.push("main", { files: versionFile(version, switches), by: "ada" });
    return { sha, end: await (await world.run("deploy", before)).ended };
  }

  async function byHand(action: string, environment: Environment, who: string, inputs: object = {}): Promise<RunEnd> {
    const run = await world.dispatch("manual", { action, environment, ...inputs }, who);
    return await run.ended;
  }

  /** Brings what staging has to production: ada asks, grace approves. */
  async function toProduction(): Promise<void> {
    const asked = await byHand("promote", "production", "ada", { confirm: "production" });
    assert.match(logs(asked), /wait/i);
    const approved = await byHand("approve", "production", "grace");
    assert.equal(approved.conclusion, "success", logs(approved));
  }

  function logs({ jobs }: RunEnd): string {
    return jobs.map((job) => `== ${job.name}: ${job.result}\n${job.log()}`).join("\n");
  }

  function job(end: RunEnd, id: string): JobRun {
    const found = end.jobs.find((each) => each.id === id);
    assert.ok(found !== undefined, `no job ${id}:\n${logs(end)}`);
    return found;
  }

  test("a pull request is red, then green, and once it is merged staging has it", async () => {
    await world.github.push("feature/teapot", { files: { ...versionFile("v1"), "unit.sh": "exit 1\n" }, by: "ada" });
    const { number } = await world.github.openPullRequest({ head: "feature/teapot", by: "ada" });
    const red = await (await world.run("pull-request", 0)).ended;
    assert.equal(job(red, "required").result, "failure", logs(red));
    await world.github.push("feature/teapot", { files: { "unit.sh": "echo mended\n" }, by: "ada" });
    const green = await (await world.run("pull-request", 1)).ended;
    assert.equal(job(green, "required").result, "success", logs(green));
    assert.equal(stateOf("staging"), null, "nothing is deployed for a pull request");

    const merge = await world.github.merge(number, { by: "ada" });
    const end = await (await world.run("deploy", 0)).ended;
    assert.equal(end.conclusion, "success", logs(end));
    assert.equal(await answering("staging"), "v1");
    const [record] = await recordsOf(world, "staging");
    assert.equal(record?.sha, merge);
    const tag = stateOf("staging")?.live?.tags["app"] ?? "";
    assert.deepEqual(record?.images, { app: await digestOf(lab, `${project}/app`, tag) });
  });

  test("what is merged while a feature branch holds staging is skipped, and main by hand frees it", async () => {
    const branch = `it's-"$(touch\${IFS}/tmp/pwned-${project})"\`id\`;id|x`;
    await world.github.push(branch, { files: versionFile("feature"), by: "grace" });
    const early = await byHand("deploy", "staging", "grace", { what: branch });
    assert.match(logs(early), /required checks have not passed/);
    const checked = world.count("pull-request");
    await world.github.openPullRequest({ head: branch, by: "grace", draft: true });
    await (await world.run("pull-request", checked)).ended;
    const tried = await byHand("deploy", "staging", "grace", { what: branch });
    assert.equal(tried.conclusion, "success", logs(tried));
    assert.equal(await answering("staging"), "feature");
    assert.equal(existsSync(`/tmp/pwned-${project}`), false);

    const { end } = await push("v2");
    assert.equal(end.conclusion, "success", logs(end));
    assert.match(logs(end), /skipped/);
    assert.equal(await answering("staging"), "feature");
    assert.equal(stateOf("production"), null);

    const freed = await byHand("deploy", "staging", "ada", { what: "main" });
    assert.equal(freed.conclusion, "success", logs(freed));
    assert.equal(await answering("staging"), "v2");
  });

  test("of two merges in a row the newer one stays, neither run fails, and neither is lost", async () => {
    const before = world.count("deploy");
    const shas = [];
    for (const version of ["v3", "v4"])
      shas.push(await world.github.push("main", { files: versionFile(version), by: "ada" }));
    const runs = [await world.run("deploy", before), await world.run("deploy", before + 1)];
    assert.deepEqual(
      runs.map(({ event }) => event.sha),
      shas,
    );
    const ends = await Promise.all(runs.map((run) => run.ended));
    assert.deepEqual(
      ends.map(({ conclusion }) => conclusion),
      ["success", "success"],
      ends.map(logs).join("\n"),
    );
    assert.equal(await answering("staging"), "v4");
    const told = (await recordsOf(world, "staging")).map(({ sha }) => sha);
    for (const sha of shas) assert.ok(told.includes(sha), `GitHub has no record of ${sha}`);
  });

  test("production waits for another person's approval, who need not be there, and gets the very images of staging", async () => {
    const asked = await byHand("promote", "production", "ada", { confirm: "production" });
    assert.match(logs(asked), /waiting/);
    assert.equal(stateOf("production")?.live ?? null, null);
    const own = await byHand("approve", "production", "ada");
    assert.equal(own.conclusion, "failure", logs(own));
    const approved = await byHand("approve", "production", "grace");
    assert.equal(approved.conclusion, "success", logs(approved));
    assert.equal(await answering("production"), "v4");
    const [staging, production] = await Promise.all(
      environments.map(async (name) => (await recordsOf(world, name)).find(({ state }) => state === "success")),
    );
    assert.ok(staging !== undefined);
    assert.deepEqual(production?.images, staging.images);
    assert.equal(production?.sha, staging.sha);
  });

  test("a release that does not start changes nothing, and two rollbacks of production go back twice", async () => {
    const broken = await push("broken", { startExit: 1 });
    assert.equal(broken.end.conclusion, "failure", logs(broken.end));
    assert.equal(await answering("staging"), "v4");
    assert.equal((await recordsOf(world, "staging"))[0]?.state, "failure");

    for (const version of ["v5", "v6"]) {
      const { end } = await push(version);
      assert.equal(end.conclusion, "success", logs(end));
      await toProduction();
      assert.equal(await answering("production"), version);
    }
    for (const version of ["v5", "v4"]) {
      const end = await byHand("rollback", "production", "grace", { reason: "prices are wrong" });
      assert.equal(end.conclusion, "success", logs(end));
      assert.equal(await answering("production"), version);
      await world.settled();
      await assertRecordsAgree(world, "production", stateOf("production"));
    }
    assert.equal((await recordsOf(world, "production"))[0]?.task, "rollback");
  });

  test("a published release names the images that ran in production, and nothing is built", async () => {
    const live = stateOf("production")?.live;
    const [record] = await recordsOf(world, "production");
    const before = world.count("release");
    await world.github.tag("v1.0.0", record?.sha ?? "", "ada");
    await world.github.publishRelease("v1.0.0", { by: "ada" });
    const end = await (await world.run("release", before)).ended;
    assert.equal(end.conclusion, "success", logs(end));
    const named = await digestOf(lab, `${project}/app`, "v1.0.0").catch(() => digestOf(lab, `${project}/app`, "1.0.0"));
    assert.equal(named, await digestOf(lab, `${project}/app`, live?.tags["app"] ?? ""));
  });

  test("a run of long ago that is run again does not put its commit over a newer one", async () => {
    const live = await answering("staging");
    const [old] = world.runner.runs.filter(({ workflow }) => workflow.name === "Deploy");
    assert.ok(old !== undefined);
    const end = await (await world.runner.again(old, "grace")).ended;
    assert.equal(end.conclusion, "success", logs(end));
    assert.match(logs(end), /skipped/);
    assert.equal(await answering("staging"), live);
  });

  test("a step that is killed in the middle leaves the old or the new release live, and its record ended", async () => {
    const [live, before] = [await answering("staging"), world.count("deploy")];
    await world.github.push("main", { files: versionFile("v7", { startDelayMs: 1_500 }), by: "ada" });
    const run = await world.run("deploy", before);
    const killed = await run.logged("deploy-staging", /start web/);
    process.kill(killed.process() ?? 0, "SIGKILL");
    const end = await run.ended;
    assert.equal(end.conclusion, "failure", logs(end));
    assert.equal(await answering("staging"), live, logs(end));
    assert.equal(stateOf("staging")?.operation ?? null, null, logs(end));
  });

  // The Action's own tests cancel it at more points.
  if (testsAll()) {
    test("a run that somebody cancels leaves the old release live, and its record ended", async () => {
      const [live, before] = [await answering("staging"), world.count("deploy")];
      await world.github.push("main", { files: versionFile("v8", { startDelayMs: 1_500 }), by: "ada" });
      const run = await world.run("deploy", before);
      await run.logged("deploy-staging", /start web/);
      run.cancel();
      const end = await run.ended;
      assert.equal(job(end, "deploy-staging").result, "cancelled", logs(end));
      assert.equal(await answering("staging"), live);
      assert.equal(stateOf("staging")?.operation ?? null, null, logs(end));
    });
  }

  test("what a machine that is gone left in the middle, another one ends, and GitHub hears of it", async () => {
    const [live, before] = [await answering("staging"), world.count("deploy")];
    await world.github.push("main", { files: versionFile("v9", { startDelayMs: 1_500 }), by: "ada" });
    const run = await world.run("deploy", before);
    (await run.logged("deploy-staging", /start web/)).lose();
    assert.equal((await run.ended).conclusion, "failure");
    const end = await byHand("abort", "staging", "grace");
    assert.equal(end.conclusion, "success", logs(end));
    assert.equal(await answering("staging"), live);
  });
});
