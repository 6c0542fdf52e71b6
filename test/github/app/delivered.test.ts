import assert from "node:assert/strict";
import { test } from "node:test";
import type { GitHubSimulator } from "../../../packages/github-simulator/src/index.ts";
import { systemClock } from "../../../src/clock.ts";
import { createSeenWebhooksInMemory } from "../../../src/github/app/memory-seen.ts";
import { requestsOf } from "../../../src/github/app/requests.ts";
import type { AskedByEvent, EventRequest, ReceivedWebhook } from "../../../src/github/app/types.ts";
import { receiveWebhook } from "../../../src/github/app/webhook.ts";
import { load, VALID } from "../../config/example.ts";
import { startHttpServer } from "../../notify/http-server.ts";
import { openGitHub } from "./simulated.ts";

const secret = "it's a secret";
const config = load(VALID.replace("    strategy: rolling", "    strategy: rolling\n    on: { push: main, tags: v* }"));
const afterCI = load(
  VALID.replace("    strategy: rolling", "    strategy: rolling\n    on: { push: main, checks: CI }"),
);

test("what people do on GitHub arrives as webhooks, and is asked for once, as the commits that were meant", async (context) => {
  const received: ReceivedWebhook[] = [];
  const asked: AskedByEvent[] = [];
  const seen = createSeenWebhooksInMemory();
  const server = await startHttpServer(context, ({ headers, body }, response) => {
    const request = { headers, body: Buffer.from(body) };
    void receiveWebhook(request, { secrets: [secret], seen, clock: systemClock }).then((answer) => {
      received.push(answer);
      if (answer.kind === "event") asked.push(requestsOf(config, answer.event.name, answer.event.body));
      response.writeHead(answer.status).end();
    });
  });
  const github = await openGitHub(context);
  github.hook({ url: server.url, secret });

  /** What is asked for by what somebody does. */
  async function after<T>(done: Promise<T> | T): Promise<[T, readonly EventRequest[]]> {
    const before = asked.length;
    const result = await done;
    await github.delivered();
    return [result, asked.slice(before).flatMap(({ requests }) => requests)];
  }
  const deploy = (commit: string, name = "main", kind: "branch" | "tag" = "branch"): EventRequest => ({
    ...{ kind: "deploy", environment: "staging", by: "push", ref: { kind, name }, commit },
  });

  const [first, pushed] = await after(github.push("main", { by: "ada" }));
  assert.deepEqual(pushed, [deploy(first)]);
  assert.deepEqual([asked.at(-1)?.sender, asked.at(-1)?.repository], ["ada", { owner: "acme", name: "shop" }]);

  const [feature, nothing] = await after(github.push("feature"));
  assert.deepEqual(nothing, []);
  assert.equal(asked.at(-1)?.nothing, "branch feature comes nowhere by itself");
  const [pull, opened] = await after(github.openPullRequest({ head: "feature" }));
  const head = { number: pull.number, branch: "feature", commit: feature, fork: false };
  assert.deepEqual(opened, [
    { kind: "checks", pull: head },
    { kind: "preview-up", pull: head },
  ]);
  const [foreign, fromFork] = await after(github.openPullRequest({ head: "patch", by: "mallory", fork: {} }));
  assert.deepEqual(
    fromFork.map((each) => each.kind === "checks" && [each.pull.fork, each.pull.commit]).filter(Boolean),
    [[true, foreign.headSha]],
  );
  const [merge, merged] = await after(github.merge(pull.number));
  assert.deepEqual(new Set(merged), new Set([{ kind: "preview-down", pull: pull.number }, deploy(merge)]));
  assert.deepEqual((await after(github.deleteBranch("feature")))[1], [{ kind: "branch-gone", branch: "feature" }]);
  assert.deepEqual((await after(github.tag("v1", "main")))[1], [deploy(merge, "v1", "tag")]);

  assert.deepEqual(new Set(received.map(({ kind }) => kind)), new Set(["event"]));
  const delivery = github.deliveries.at(-1);
  assert.ok(delivery !== undefined);
  await github.redeliver(delivery.id);
  assert.deepEqual([received.at(-1)?.kind, received.at(-1)?.status], ["seen", 200]);
});

test("the end of the team's own CI asks for the commit that it ran for", async (context) => {
  const asked: AskedByEvent[] = [];
  const server = await startHttpServer(context, ({ headers, body }, response) => {
    asked.push(requestsOf(afterCI, String(headers["x-github-event"]), JSON.parse(body)));
    response.writeHead(202).end();
  });
  const github = await openGitHub(context);
  const commit = await github.push("main");
  github.hook({ url: server.url, secret, events: ["workflow_run"] });
  const runs = { good: await ran(github, "CI"), bad: await ran(github, "CI"), other: await ran(github, "Docs") };
  await github.push("main");
  await github.endRun(runs.good, "success");
  await github.endRun(runs.bad, "failure");
  await github.endRun(runs.other, "success");
  await github.delivered();
  assert.deepEqual(
    asked.flatMap(({ requests }) => requests),
    [{ kind: "deploy", environment: "staging", by: "checks", ref: { kind: "branch", name: "main" }, commit }],
  );
  assert.deepEqual(
    asked.flatMap(({ nothing }) => nothing ?? []),
    ["ping asks for nothing", "CI has not passed: failure", "nothing waits for Docs"],
  );
});

async function ran(github: GitHubSimulator, workflow: string): Promise<number> {
  const path = `.github/workflows/${workflow.toLowerCase()}.yml`;
  return (await github.startRun({ workflow, path, event: "push", ref: "main" })).id;
}
