import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import type { Json } from "../../../src/json.ts";
import { checkedProject, type Files } from "./files.ts";
import { askedBy, createRecordingAction, type RecordingOptions } from "./recording-action.ts";
import { createWorld, type World, type WorldOptions } from "./world.ts";

const target = { compose: { hosts: ["deploy@10.0.0.1"] } };

function project(environments: Record<string, Json>, more: Record<string, Json> = {}): Files {
  return {
    ...checkedProject({
      registry: { address: "registry.example.com/tea", username: "tea", password: "REGISTRY_PASSWORD" },
      images: { app: {} },
      services: { web: { image: "app", port: 3000, health: "/" } },
      environments,
      ...more,
    }),
    "compose.yml": "services: { web: { image: app } }\n",
  };
}

async function worldOf(context: TestContext, options: WorldOptions & RecordingOptions): Promise<World> {
  const action = createRecordingAction(options);
  const world = await createWorld({ ...options, action: action.folder, limitMs: 30_000 });
  context.after(async () => {
    await world[Symbol.asyncDispose]();
    action[Symbol.dispose]();
  });
  return world;
}

function commands(world: World): string[] {
  return askedBy(world.runner.runs).map(
    ({ inputs }) => `${inputs["command"]} ${inputs["environment"] ?? inputs["checks"] ?? ""}`,
  );
}

test("a push deploys staging and then production, a push of another branch nothing, and a tag what names tags", async (context) => {
  const world = await worldOf(context, {
    files: project({
      staging: { on: { push: "main" }, target },
      production: { on: { push: "main" }, after: ["staging"], target },
      archive: { on: { tags: "v*" }, target },
    }),
  });
  const sha = await world.github.push("main", { by: "ada" });
  await world.settled();
  assert.deepEqual(commands(world), ["deploy staging", "deploy production"]);
  assert.deepEqual([...new Set(askedBy(world.runner.runs).map(({ commit }) => commit))], [sha]);
  assert.ok(askedBy(world.runner.runs).every(({ inputs }) => inputs["automatic"] === "true"));

  await world.github.push("elsewhere", { by: "ada" });
  await world.settled();
  assert.equal(commands(world).length, 2);

  await world.github.tag("v1.2.0", sha, "ada");
  await world.settled();
  assert.deepEqual(commands(world).slice(2), ["deploy archive"]);
});

test("nothing is deployed of a commit of which a required check failed; one that is only told is not waited for", async (context) => {
  const checks = {
    unit: { process: true, run: "true" },
    more: { process: true, run: "true", required: false },
  };
  const files = project({ staging: { on: { push: "main" }, target } }, { checks });
  for (const [failing, deployed] of [
    ["unit", []],
    ["more", ["deploy staging"]],
  ] as const) {
    const world = await worldOf(context, { files, failing: [failing] });
    await world.github.push("main", { by: "ada" });
    await world.settled();
    assert.deepEqual(commands(world).sort(), ["check more", "check unit", ...deployed]);
  }
});

test("the team's own CI deploys the commit that it passed for, wherever main is by then, and nothing if it failed or ran for a pull request", async (context) => {
  const ci = `
name: CI
on: [push, pull_request]
jobs: { test: { runs-on: x, steps: [{ run: 'exit \${{ vars.CI_EXIT }}' }] } }
`;
  const files = project({ staging: { on: { push: "main", checks: "CI" }, target } });
  const passing = await worldOf(context, {
    files: { ...files, ".github/workflows/ci.yml": ci },
    settings: { variables: { CI_EXIT: "0" } },
  });
  const first = await passing.github.push("main", { by: "ada" });
  const second = await passing.github.push("main", { by: "ada" });
  await passing.settled();
  // Two runs of CI, whichever ends first.
  const asked = askedBy(passing.runner.runs).map(({ inputs, commit }) => `${inputs["command"]} ${commit}`);
  assert.deepEqual(new Set(asked), new Set([`deploy ${first}`, `deploy ${second}`]));
  assert.equal(asked.length, 2);
  await passing.github.push("feature", { by: "ada" });
  await passing.github.openPullRequest({ head: "feature", by: "ada" });
  await passing.github.openPullRequest({ head: "main", by: "eve", fork: {} });
  await passing.github.push("release", { from: first, by: "ada" });
  await passing.github.openPullRequest({ head: "main", base: "release", by: "ada" });
  await passing.settled();
  const deploys = askedBy(passing.runner.runs).filter(({ inputs }) => inputs["command"] === "deploy");
  assert.equal(deploys.length, 2);

  const failing = await worldOf(context, {
    files: { ...files, ".github/workflows/ci.yml": ci },
    settings: { variables: { CI_EXIT: "1" } },
  });
  await failing.github.push("main", { by: "ada" });
  await failing.settled();
  assert.deepEqual(commands(failing), []);
});

test("what comes at a time is the newest commit of the environment's branch, of no other environment", async (context) => {
  const world = await worldOf(context, {
    files: project({
      nightly: { on: { schedule: "0 3 * * *" }, branches: ["next"], target },
      staging: { on: { push: "main" }, target },
    }),
  });
  const next = await world.github.push("next", { by: "ada" });
  await world.settled();
  await world.tick("0 3 * * *");
  await world.settled();
  assert.deepEqual(
    askedBy(world.runner.runs).map(({ inputs, commit }) => [inputs["command"], inputs["environment"], commit]),
    [["deploy", "nightly", next]],
  );
});

test("a step gets the secrets that it needs and no others, and those of an environment only there", async (context) => {
  const watched = ["DATABASE_PASSWORD", "REGISTRY_PASSWORD", "CHECK_TOKEN", "OTHER"];
  const world = await worldOf(context, {
    files: project(
      {
        staging: { on: { push: "main" }, target, secrets: ["DATABASE_PASSWORD"] },
        production: { on: { push: "main" }, after: ["staging"], target, secrets: ["DATABASE_PASSWORD"] },
      },
      { checks: { unit: { process: true, run: "true", secrets: ["CHECK_TOKEN"] } } },
    ),
    watched,
    settings: { secrets: { REGISTRY_PASSWORD: "for-the-registry", CHECK_TOKEN: "for-the-check", OTHER: "for-nobody" } },
    environments: {
      staging: { secrets: { DATABASE_PASSWORD: "of-staging" } },
      production: { secrets: { DATABASE_PASSWORD: "of-production" } },
    },
  });
  await world.github.push("main", { by: "ada" });
  await world.settled();
  const given = Object.fromEntries(askedBy(world.runner.runs).map(({ job, variables }) => [job, variables]));
  assert.deepEqual(given, {
    "check-unit": { CHECK_TOKEN: "for-the-check" },
    "deploy-staging": { DATABASE_PASSWORD: "of-staging", REGISTRY_PASSWORD: "for-the-registry" },
    "deploy-production": { DATABASE_PASSWORD: "of-production", REGISTRY_PASSWORD: "for-the-registry" },
  });
});

test("whatever changes an environment stands in one line, whichever workflow it comes from; nothing in it is dropped, and answers go past it", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "hold-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const holdFile = join(folder, "held");
  writeFileSync(holdFile, "");
  const world = await worldOf(context, {
    files: project({ staging: { on: { push: "main" }, target }, other: { target } }),
    holdFile,
  });
  const shas = [];
  for (let n = 0; n < 3; n += 1) shas.push(await world.github.push("main", { by: "ada" }));
  const first = await world.run("deploy", 0);
  await first.logged("deploy-staging", /asked/);
  const byHand = await world.dispatch("manual", { action: "rollback", environment: "staging" }, "grace");
  const held = await world.dispatch("manual", { action: "hold", environment: "staging", reason: "demo" }, "grace");
  await held.logged("record-staging", /asked/);
  assert.equal(askedBy(world.runner.runs).filter(({ inputs }) => inputs["command"] !== "hold").length, 1);
  assert.equal(byHand.jobs.length, 0);
  rmSync(holdFile);
  await world.settled();
  assert.deepEqual(
    world.runner.runs.map(({ jobs }) => jobs.every(({ result }) => result === "success")),
    [true, true, true, true, true],
  );
  const deployed = askedBy(world.runner.runs).filter(({ inputs }) => inputs["command"] === "deploy");
  assert.deepEqual(
    deployed.map(({ commit }) => commit),
    shas,
  );
});

test("each action of the manual workflow asks exactly for what was chosen", async (context) => {
  const world = await worldOf(context, {
    files: project({
      staging: { on: { push: "main" }, target },
      production: {
        after: ["staging"],
        reviewers: { people: ["grace"] },
        emergency: { passes: ["reviewers"] },
        target,
      },
    }),
  });
  const asks = async (action: string, environment: string, more: Record<string, Json> = {}) => {
    const run = await world.dispatch("manual", { action, environment, ...more }, "ada");
    await run.ended;
    const asked = askedBy([run]).map(({ inputs }) =>
      Object.fromEntries(Object.entries(inputs).filter(([, value]) => value !== "false")),
    );
    return { name: run.name, asked };
  };
  assert.deepEqual(await asks("deploy", "staging", { what: "feature/x", reason: "to see it" }), {
    name: "deploy staging feature/x by ada",
    asked: [{ command: "deploy", environment: "staging", ref: "feature/x", reason: "to see it" }],
  });
  const inProduction = { environment: "production" };
  assert.deepEqual((await asks("promote", "production", { confirm: "production" })).asked, [
    { command: "promote", ...inProduction, from: "staging", confirm: "production", "no-wait": "true" },
  ]);
  assert.deepEqual((await asks("rollback", "production", { what: "v1.0.0", "take-over": true })).asked, [
    { command: "rollback", ...inProduction, to: "v1.0.0", "take-over": "true" },
  ]);
  assert.deepEqual((await asks("deploy", "production", { emergency: true, reason: "on fire" })).asked, [
    { command: "deploy", ...inProduction, ref: "main", reason: "on fire", emergency: "true", "no-wait": "true" },
  ]);
  assert.deepEqual((await asks("approve", "production", { reason: "looks right" })).asked, [
    { command: "approve", ...inProduction, reason: "looks right" },
    { command: "resume", ...inProduction, "no-wait": "true" },
  ]);
  assert.deepEqual((await asks("hold", "staging", { reason: "demo" })).asked, [
    { command: "hold", environment: "staging", reason: "demo" },
  ]);
  assert.deepEqual((await asks("abort", "staging")).asked, [{ command: "abort", environment: "staging" }]);
  await assert.rejects(async () => await asks("deploy", "nowhere"), /no choice/);
});

test("a pull request from a fork sets nothing off that deploys, also when its branch is called main", async (context) => {
  const world = await worldOf(context, {
    files: project({ staging: { on: { push: "main" }, target } }),
    watched: ["REGISTRY_PASSWORD"],
    settings: { secrets: { REGISTRY_PASSWORD: "hush" } },
  });
  await world.github.openPullRequest({ head: "main", by: "eve", fork: { files: { "x.txt": "" } } });
  await world.settled();
  assert.deepEqual(commands(world), ["build "]);
  for (const { jobs } of world.runner.runs) {
    for (const { permissions, rawLog } of jobs) {
      assert.ok(!Object.values(permissions).includes("write"));
      assert.doesNotMatch(rawLog(), /hush/);
    }
  }
});

test("a job of an environment that GitHub protects waits for its reviewer, holds no secret before, and makes no deployment of GitHub's own", async (context) => {
  const world = await worldOf(context, {
    files: project({
      staging: { on: { push: "main" }, target },
      production: { on: { push: "main" }, after: ["staging"], target, secrets: ["DATABASE_PASSWORD"] },
    }),
    watched: ["DATABASE_PASSWORD"],
    environments: { production: { secrets: { DATABASE_PASSWORD: "of-production" } } },
  });
  world.github.protectEnvironment("production", { reviewers: ["grace"] });
  for (const rejected of [false, true]) {
    const before = askedBy(world.runner.runs).length;
    await world.github.push("main", { by: "ada" });
    const run = await world.run("deploy", rejected ? 1 : 0);
    await run.logged("deploy-staging", /asked/);
    assert.deepEqual(commands(world).slice(before), ["deploy staging"]);
    world.github.approveRun(run.id, { by: "grace", environments: ["production"], rejected });
    assert.equal((await run.ended).conclusion, rejected ? "failure" : "success");
    const asked = askedBy(world.runner.runs).slice(before);
    assert.deepEqual(
      asked.map(({ job, variables }) => [job, variables]),
      [["deploy-staging", {}], ...(rejected ? [] : [["deploy-production", { DATABASE_PASSWORD: "of-production" }]])],
    );
  }
  assert.deepEqual(world.github.world.deployments, []);
});
