import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { test } from "node:test";
import { readDescription } from "../src/description/description.ts";
import { readSlice } from "../src/description/slice.ts";
import { routeTable } from "../src/routes/table.ts";
import { webhookEvents } from "../src/webhooks/events.ts";
import { startGitHubSimulator } from "../src/index.ts";
import { asking } from "./ask.ts";

const deployments = "/repos/{owner}/{repo}/deployments";

test("a request that does not fit GitHub's description is refused, and closing the simulator fails", async () => {
  const simulator = await startGitHubSimulator();
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  const misspelt = await ask(`POST ${deployments}`, { ref: sha, auto_merg: false });
  const wrongType = await ask(`POST ${deployments}`, { ref: sha, required_contexts: "ci" });
  const missing = await ask(`POST ${deployments}`, { environment: "staging" });
  const query = await ask(`GET ${deployments}`, { enviroment: "staging" });
  assert.deepEqual([misspelt.status, wrongType.status, missing.status, query.status], [422, 422, 422, 422]);
  assert.deepEqual((await ask(`GET ${deployments}`)).body, [], "nothing of it took effect");
  await assert.rejects(
    () => simulator.close(),
    (error: Error) => {
      for (const word of ["auto_merg", "required_contexts", "'ref'", "enviroment"])
        assert.ok(error.message.includes(word), `${word} in ${error.message}`);
      return true;
    },
  );
});

test("what is no JSON object is refused with 400", async () => {
  const simulator = await startGitHubSimulator();
  const { owner, name } = simulator.repository;
  const send = async (body: string): Promise<number> => {
    const headers = { authorization: `token ${simulator.token()}`, "user-agent": "test" };
    return (await fetch(`${simulator.api}/repos/${owner}/${name}/deployments`, { method: "POST", headers, body }))
      .status;
  };
  assert.deepEqual([await send("{"), await send("[]")], [400, 400]);
  assert.notEqual(simulator.forgiveViolations().length, 0);
  await simulator.close();
});

test("a route that the simulator does not have is a violation, not only a 404", async () => {
  const simulator = await startGitHubSimulator();
  assert.equal((await asking(simulator)("GET /repos/{owner}/{repo}/stargazers")).status, 404);
  await assert.rejects(() => simulator.close(), /GET \/repos\/acme\/shop\/stargazers: the simulator has no such route/);
});

test("an answer that does not fit is not sent, and closing the simulator fails", async () => {
  const simulator = await startGitHubSimulator();
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  const { body } = await ask(`POST ${deployments}`, { ref: sha, auto_merge: false, required_contexts: [] });
  const [deployment] = simulator.world.deployments;
  // A state that GitHub does not have.
  Object.assign(deployment ?? {}, { ref: 5 });
  const told = await ask(`GET ${deployments}/{deployment_id}`, { deployment_id: body.id });
  assert.equal(told.status, 500);
  await assert.rejects(() => simulator.close(), /answer GET .*answer\.ref: must be string/);
});

test("the slice that is checked in holds exactly what the simulator answers and sends", () => {
  const table = routeTable(() => ({ token: "", expiresAt: new Date(0) })).map(({ name }) => name);
  assert.deepEqual(readDescription().routes.toSorted(), table.toSorted());
  const { webhooks, origin } = readSlice();
  assert.deepEqual(Object.keys(webhooks).toSorted(), [...webhookEvents].toSorted());
  assert.equal(origin.license, "MIT");
});

test("a property that GitHub does not describe does not get into an answer", () => {
  const description = readDescription();
  const route = "GET /repos/{owner}/{repo}/git/ref/{ref}";
  const object = { type: "commit", sha: "a".repeat(40), url: "https://api.github.com/x" };
  const ref = { ref: "refs/heads/main", node_id: "x", url: "https://api.github.com/x", object };
  assert.deepEqual(description.answer(route, 200, ref), []);
  assert.match(description.answer(route, 200, { ...ref, colour: "red" }).join("\n"), /colour/);
  assert.match(description.answer(route, 203, ref).join("\n"), /203 is not described/);
});

test("the description of webhooks takes the examples that GitHub really sent", () => {
  const description = readDescription();
  const require = createRequire(import.meta.url);
  const file = require.resolve("@octokit/webhooks-examples");
  const examples = JSON.parse(readFileSync(file, "utf8")) as { name: string; examples: { action?: string }[] }[];
  let known = 0;
  for (const name of ["push", "pull_request", "release", "status", "deployment", "workflow_run", "check_run", "ping"])
    for (const example of examples.find((one) => one.name === name)?.examples ?? []) {
      const event = example.action === undefined ? name : `${name}.${example.action}`;
      const problems = description.webhook(event, example);
      if (problems.join() === "webhook: it is not described") continue;
      // What GitHub has since added to or taken from its webhooks is no matter here; their kinds and values are.
      const grave = problems.filter(
        (problem) => !/additional properties|must have required property|must be null|anyOf|oneOf/.test(problem),
      );
      assert.deepEqual(grave.slice(0, 3), [], event);
      known += 1;
    }
  assert.ok(known > 20, `${known} examples`);
});
