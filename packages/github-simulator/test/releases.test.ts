import assert from "node:assert/strict";
import { test } from "node:test";
import { asking, type Body, github } from "./ask.ts";

const here = "/repos/{owner}/{repo}";
const releases = `${here}/releases`;

test("publishing a release makes its tag; a draft has none and is seen by who may write", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  const { body: draft } = await ask(`POST ${releases}`, { tag_name: "v2", draft: true });
  const tag = async (): Promise<number> => (await ask(`GET ${here}/git/ref/{ref}`, { ref: "tags/v2" })).status;
  assert.equal(await tag(), 404);
  const reading = asking(simulator, simulator.token({ contents: "read" }));
  assert.deepEqual(
    [(await ask(`GET ${releases}`)).body.length, (await reading(`GET ${releases}`)).body.length],
    [1, 0],
  );
  const published = await ask(`PATCH ${releases}/{release_id}`, { release_id: draft.id, draft: false });
  assert.deepEqual([published.status, published.body.draft, await tag()], [200, false, 200]);
  const { body } = await ask(`GET ${releases}/tags/{tag}`, { tag: "v2" });
  assert.deepEqual([body.tag_name, (await ask(`GET ${here}/commits/{ref}`, { ref: "v2" })).body.sha], ["v2", sha]);
  assert.equal((await ask(`POST ${releases}`, { tag_name: "v2" })).status, 422);
  assert.equal((await ask(`POST ${releases}`, { tag_name: "v3", target_commitish: "gone" })).status, 422);
});

test("the latest release is the newest that is neither draft nor prerelease", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main");
  assert.equal((await ask(`GET ${releases}/latest`)).status, 404);
  await simulator.publishRelease("v1");
  await simulator.publishRelease("v2-rc.1", { prerelease: true });
  assert.equal((await ask(`GET ${releases}/latest`)).body.tag_name, "v1");
  const { body } = await ask(`GET ${releases}`);
  assert.deepEqual(
    body.map((release: Body) => release.tag_name),
    ["v2-rc.1", "v1"],
  );
});

test("workflow runs are listed and tell who let them into an environment", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main");
  const run = await simulator.startRun({
    id: 77,
    workflow: "Deploy",
    path: ".github/workflows/shiplock-deploy.yml",
    by: "anna",
  });
  await simulator.startRun({ ref: "main", event: "schedule" });
  simulator.approveRun(77, { by: "bert", environments: ["production"], comment: "go" });
  await simulator.endRun(77, "success");
  const runs = `${here}/actions/runs`;
  assert.deepEqual(
    (await ask(`GET ${runs}`, { status: "success" })).body.workflow_runs.map(({ id }: Body) => id),
    [run.id],
  );
  const { body } = await ask(`GET ${runs}/{run_id}`, { run_id: 77 });
  assert.deepEqual([body.actor.login, body.conclusion, body.head_branch], ["anna", "success", "main"]);
  const { body: approvals } = await ask(`GET ${runs}/{run_id}/approvals`, { run_id: 77 });
  assert.deepEqual([approvals[0].user.login, approvals[0].environments[0].name], ["bert", "production"]);
});

test("a dispatch is remembered with its inputs", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main");
  await simulator.startRun({ path: ".github/workflows/shiplock-manual.yml" });
  const dispatch = `POST ${here}/actions/workflows/{workflow_id}/dispatches`;
  const inputs = { environment: "staging" };
  const sent = await ask(dispatch, { workflow_id: "shiplock-manual.yml", ref: "main", inputs });
  assert.equal(sent.status, 204);
  assert.equal((await ask(dispatch, { workflow_id: "other.yml", ref: "main" })).status, 404);
  await ask(`POST ${here}/dispatches`, { event_type: "deploy", client_payload: { a: 1 } });
  assert.deepEqual(simulator.world.dispatches, [
    { event: "workflow_dispatch", name: ".github/workflows/shiplock-manual.yml", ref: "main", inputs },
    { event: "repository_dispatch", name: "deploy", ref: null, inputs: { a: 1 } },
  ]);
});
