import assert from "node:assert/strict";
import { test } from "node:test";
import { type Ask, asking, type Body, github } from "./ask.ts";

const deployments = "/repos/{owner}/{repo}/deployments";
const plain = { auto_merge: false, required_contexts: [] };

test("a deployment is remembered with the commit that its ref named then, and its payload as it was given", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const first = await simulator.push("main");
  const created = await ask(`POST ${deployments}`, { ...plain, ref: "main", payload: { release: "r1", tags: ["a"] } });
  const text = await ask(`POST ${deployments}`, { ...plain, ref: "main", payload: '{"release":"r2"}' });
  await simulator.push("main");
  const { body } = await ask(`GET ${deployments}/{deployment_id}`, { deployment_id: created.body.id });
  assert.equal(created.status, 201);
  assert.deepEqual([body.sha, body.ref, body.payload], [first, "main", { release: "r1", tags: ["a"] }]);
  assert.equal(text.body.payload, '{"release":"r2"}');
  assert.deepEqual([body.task, body.environment, body.production_environment], ["deploy", "production", true]);
  assert.equal(body.creator.login, "github-actions[bot]");
});

test("deployments are listed newest first, and by commit, ref, task and environment", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const [one, other] = [await simulator.push("main"), await simulator.push("main")];
  const made: number[] = [];
  for (const about of [
    { ref: one, environment: "staging" },
    { ref: other, environment: "staging" },
    { ref: other, environment: "production", task: "rollback" },
  ])
    made.push((await ask(`POST ${deployments}`, { ...plain, ...about })).body.id);
  const listed = async (query: object): Promise<number[]> =>
    (await ask(`GET ${deployments}`, { ...query })).body.map(({ id }: Body) => id);
  const [first, second, third] = made;
  assert.deepEqual(await listed({}), [third, second, first]);
  assert.deepEqual(await listed({ environment: "staging" }), [second, first]);
  assert.deepEqual(await listed({ sha: other }), [third, second]);
  assert.deepEqual(await listed({ ref: one }), [first]);
  assert.deepEqual(await listed({ task: "rollback" }), [third]);
});

test("a ref that names nothing is refused with 422", async (context) => {
  const simulator = await github(context);
  await simulator.push("main");
  const { status, body } = await asking(simulator)(`POST ${deployments}`, { ...plain, ref: "gone" });
  assert.deepEqual([status, body.message], [422, "No ref found for: gone"]);
});

test("a branch behind the default branch is merged instead of deployed, unless auto_merge is false", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main");
  const before = await simulator.push("feature", { files: { "feature.txt": "new" } });
  await simulator.push("main", { files: { "main.txt": "newer" } });
  const merged = await ask(`POST ${deployments}`, { ref: "feature", required_contexts: [] });
  assert.equal(merged.status, 202);
  assert.equal(merged.body.message, "Auto-merged main into feature on deployment.");
  assert.deepEqual((await ask(`GET ${deployments}`)).body, []);
  const { body: ref } = await ask("GET /repos/{owner}/{repo}/git/ref/{ref}", { ref: "heads/feature" });
  assert.notEqual(ref.object.sha, before);
  await simulator.push("main");
  assert.equal((await ask(`POST ${deployments}`, { ...plain, ref: "feature" })).status, 201);
});

test("a branch that conflicts with the default branch is refused with 409", async (context) => {
  const simulator = await github(context);
  await simulator.push("main", { files: { "a.txt": "1" } });
  await simulator.push("feature", { files: { "a.txt": "2" } });
  await simulator.push("main", { files: { "a.txt": "3" } });
  const { status, body } = await asking(simulator)(`POST ${deployments}`, { ref: "feature", required_contexts: [] });
  assert.deepEqual([status, body.message], [409, "Conflict merging main into feature."]);
});

test("contexts that are not green keep a commit from being deployed: all that were reported, or the listed ones", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  const create = async (contexts?: string[]): Promise<number> =>
    (
      await ask(`POST ${deployments}`, {
        ref: sha,
        auto_merge: false,
        ...(contexts && { required_contexts: contexts }),
      })
    ).status;
  assert.equal(await create(), 201, "nothing was reported");
  await simulator.reportStatus(sha, { context: "ci", state: "pending" });
  assert.equal(await create(), 409);
  assert.equal(await create([]), 201, "none is required");
  assert.equal(await create(["missing"]), 409);
  await simulator.reportStatus(sha, { context: "ci", state: "success" });
  assert.equal(await create(), 201);
  await simulator.reportCheckRun(sha, { name: "unit", conclusion: "failure" });
  assert.equal(await create(), 409, "check runs count too");
  assert.equal(await create(["ci"]), 201);
  const { body } = await ask(`POST ${deployments}`, { ref: sha, auto_merge: false });
  assert.deepEqual(body.errors[0].contexts, [{ context: "unit", state: "failure" }]);
});

async function deployed(ask: Ask, ref: string, about: object, state = "success"): Promise<number> {
  const { body } = await ask(`POST ${deployments}`, { ...plain, ref, ...about });
  await ask(`POST ${deployments}/{deployment_id}/statuses`, { deployment_id: body.id, state });
  return body.id;
}

async function states(ask: Ask, id: number): Promise<string[]> {
  const { body } = await ask(`GET ${deployments}/{deployment_id}/statuses`, { deployment_id: id });
  return body.map(({ state }: Body) => state);
}

test("a success makes earlier successes of the environment inactive, but no production, transient, failed or other environment's record", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const ref = await simulator.push("main");
  const staging = await deployed(ask, ref, { environment: "staging" });
  const failed = await deployed(ask, ref, { environment: "staging" }, "failure");
  const transient = await deployed(ask, ref, { environment: "staging", transient_environment: true });
  const live = await deployed(ask, ref, { environment: "staging", production_environment: true });
  const other = await deployed(ask, ref, { environment: "qa" });
  assert.deepEqual(await states(ask, staging), ["inactive", "success"], "by the transient one's success");
  const again = await deployed(ask, ref, { environment: "staging" });
  assert.deepEqual(await states(ask, failed), ["failure"]);
  assert.deepEqual(await states(ask, transient), ["success"]);
  assert.deepEqual(await states(ask, live), ["success"]);
  assert.deepEqual(await states(ask, other), ["success"]);
  assert.deepEqual(await states(ask, staging), ["inactive", "success"], "an inactive one is not told again");
  const quiet = (await ask(`POST ${deployments}`, { ...plain, ref, environment: "staging" })).body.id;
  const status = { deployment_id: quiet, state: "success", auto_inactive: false };
  await ask(`POST ${deployments}/{deployment_id}/statuses`, status);
  assert.deepEqual(await states(ask, again), ["success"], "auto_inactive was false");
});

test("two production deployments both stay successful, as GitHub leaves them", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const ref = await simulator.push("main");
  const first = await deployed(ask, ref, {});
  await deployed(ask, ref, {});
  assert.deepEqual(await states(ask, first), ["success"]);
});

test("a status keeps its addresses, and the environment of the one before unless it names another", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const ref = await simulator.push("main");
  const { body } = await ask(`POST ${deployments}`, { ...plain, ref, environment: "qa" });
  const tell = async (about: object): Promise<Body> =>
    (await ask(`POST ${deployments}/{deployment_id}/statuses`, { deployment_id: body.id, ...about })).body;
  const log = "https://ci.example.com/1";
  const first = await tell({ state: "in_progress", log_url: log, environment: "staging" });
  assert.deepEqual([first.log_url, first.target_url, first.environment_url], [log, log, ""]);
  assert.equal((await tell({ state: "success" })).environment, "staging");
  const { body: after } = await ask(`GET ${deployments}/{deployment_id}`, { deployment_id: body.id });
  assert.deepEqual([after.original_environment, after.environment], ["qa", "staging"]);
  const long = await ask(`POST ${deployments}/{deployment_id}/statuses`, {
    ...{ deployment_id: body.id, state: "failure", description: "x".repeat(141) },
  });
  assert.equal(long.status, 422);
});

test("an environment appears when a deployment first names it, and shows how it is protected", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const ref = await simulator.push("main");
  const one = "/repos/{owner}/{repo}/environments/{environment_name}";
  assert.equal((await ask(`GET ${one}`, { environment_name: "eu/staging" })).status, 404);
  await ask(`POST ${deployments}`, { ...plain, ref, environment: "eu/staging" });
  const { body } = await ask(`GET ${one}`, { environment_name: "eu/staging" });
  assert.deepEqual([body.name, body.protection_rules], ["eu/staging", []]);
  simulator.protectEnvironment("production", { reviewers: ["anna"], waitTimer: 5, branches: ["main"] });
  const { body: guarded } = await ask(`GET ${one}`, { environment_name: "production" });
  assert.deepEqual(
    guarded.protection_rules.map(({ type }: Body) => type),
    ["wait_timer", "required_reviewers", "branch_policy"],
  );
  assert.equal(guarded.protection_rules[1].reviewers[0].reviewer.login, "anna");
  const policies = await ask(`GET ${one}/deployment-branch-policies`, { environment_name: "production" });
  assert.deepEqual(
    policies.body.branch_policies.map(({ name }: Body) => name),
    ["main"],
  );
  assert.deepEqual((await ask("GET /repos/{owner}/{repo}/environments")).body.total_count, 2);
});

test("who administers the repository protects an environment through the API; more than six reviewers are refused", async (context) => {
  const simulator = await github(context);
  simulator.person("root", "admin");
  const reviewers = Array.from({ length: 7 }, (_, at) => ({ type: "User", id: simulator.person(`r${at}`).id }));
  const ask = asking(simulator, simulator.personalToken("root"));
  const put = async (about: object): Promise<number> =>
    (await ask("PUT /repos/{owner}/{repo}/environments/{environment_name}", { environment_name: "live", ...about }))
      .status;
  assert.equal(await put({ reviewers: reviewers.slice(0, 6), wait_timer: 30 }), 200);
  assert.equal(await put({ reviewers }), 422);
  assert.equal(
    await put({ deployment_branch_policy: { protected_branches: true, custom_branch_policies: true } }),
    422,
  );
});

test("only a deployment that is not active may be deleted, unless it is the only one", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const ref = await simulator.push("main");
  const first = await deployed(ask, ref, {});
  const second = await deployed(ask, ref, {}, "failure");
  const remove = async (id: number): Promise<number> =>
    (await ask(`DELETE ${deployments}/{deployment_id}`, { deployment_id: id })).status;
  assert.equal(await remove(first), 422);
  assert.equal(await remove(second), 204);
  assert.equal(await remove(first), 204);
});
