import assert from "node:assert/strict";
import { createHmac, createSign } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { asking, type Body, github, heldClock } from "./ask.ts";

type Received = { event: string; id: string; signature: string; raw: string; body: Body };

/** Something that hears webhooks. */
async function receiver(context: TestContext): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const raw = Buffer.concat(chunks).toString("utf8");
      const header = (name: string): string => String(request.headers[name]);
      const [event, id] = [header("x-github-event"), header("x-github-delivery")];
      received.push({ event, id, signature: header("x-hub-signature-256"), raw, body: JSON.parse(raw) });
      response.writeHead(202).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  context.after(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, received };
}

test("everything that happens is told to a hook in its order, fits GitHub's description, and is signed", async (context) => {
  const simulator = await github(context);
  const { url, received } = await receiver(context);
  const secret = "it is a secret";
  simulator.hook({ url, secret });
  const ask = asking(simulator);
  const sha = await simulator.push("main", { files: { "a.txt": "1" }, by: "anna" });
  await simulator.push("feature", { files: { "b.txt": "1" }, by: "anna" });
  const { number } = await simulator.openPullRequest({ head: "feature", by: "anna" });
  await simulator.push("feature", { files: { "b.txt": "2" }, by: "anna" });
  await simulator.label(number, "preview");
  await simulator.unlabel(number, "preview");
  await simulator.review(number, { by: "bert", state: "APPROVED" });
  simulator.comment(number, "/deploy staging", "bert");
  await simulator.closePullRequest(number);
  await simulator.reopenPullRequest(number);
  await simulator.merge(number, { by: "bert" });
  await simulator.deleteBranch("feature");
  await simulator.reportStatus(sha, { context: "ci", state: "success" });
  await simulator.reportCheckRun(sha, { name: "unit", conclusion: "success" });
  const { id } = await simulator.startRun({ workflow: "CI", ref: "main", by: "anna" });
  await simulator.endRun(id, "failure");
  await simulator.publishRelease("v1");
  const made = await ask("POST /repos/{owner}/{repo}/deployments", {
    ref: sha,
    auto_merge: false,
    required_contexts: [],
  });
  const one = "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses";
  await ask(one, { deployment_id: made.body.id, state: "success" });
  await ask(one, { deployment_id: made.body.id, state: "inactive" });
  await simulator.delivered();
  const told = received.map(({ event, body }) => (body.action === undefined ? event : `${event}.${body.action}`));
  assert.deepEqual(told, [
    ...["ping", "create", "push", "create", "push", "pull_request.opened", "push", "pull_request.synchronize"],
    ...["pull_request.labeled", "pull_request.unlabeled", "pull_request_review.submitted", "issue_comment.created"],
    ...["pull_request.closed", "pull_request.reopened", "pull_request.closed", "push", "delete", "push", "status"],
    ...["check_run.created", "check_run.completed", "check_suite.completed", "workflow_run.completed"],
    ...["create", "push", "release.created", "release.published", "deployment.created"],
    ...["deployment_status.created", "deployment_status.created"],
  ]);
  for (const { raw, signature } of received)
    assert.equal(signature, `sha256=${createHmac("sha256", secret).update(raw).digest("hex")}`);
  const found = (event: string, action?: string): Body =>
    received.find((delivery) => delivery.event === event && delivery.body.action === action)?.body;
  assert.deepEqual(found("push").sender.login, "anna");
  assert.equal(found("workflow_run", "completed").workflow_run.conclusion, "failure");
  assert.equal(found("pull_request_review", "submitted").review.state, "approved");
  assert.equal(found("issue_comment", "created").comment.body, "/deploy staging");
  assert.equal(found("release", "published").release.tag_name, "v1");
});

test("a hook hears only its events; a delivery can be sent again with the same id", async (context) => {
  const simulator = await github(context);
  const { url, received } = await receiver(context);
  simulator.hook({ url, secret: "s", events: ["status"] });
  const sha = await simulator.push("main");
  await simulator.reportStatus(sha, { context: "ci", state: "failure" });
  await simulator.delivered();
  assert.deepEqual(
    received.map(({ event }) => event),
    ["ping", "status"],
  );
  const [, delivery] = simulator.deliveries;
  assert.deepEqual([delivery?.event, delivery?.status], ["status", 202]);
  await simulator.redeliver(delivery?.id ?? "");
  assert.deepEqual([received[2]?.id, received[2]?.raw], [received[1]?.id, received[1]?.raw]);
});

test("a hook that does not answer holds nothing up", async (context) => {
  const simulator = await github(context);
  simulator.hook({ url: "http://127.0.0.1:1/", secret: "s" });
  await simulator.push("main");
  await simulator.delivered();
  assert.deepEqual(new Set(simulator.deliveries.map(({ status }) => status)), new Set([null]));
});

function signed(claims: object, privateKey: string): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "RS256", typ: "JWT" })}.${part(claims)}`;
  return `${text}.${createSign("RSA-SHA256").update(text).sign(privateKey, "base64url")}`;
}

test("an app signs as itself, gets a token with no more than it was granted, and the token ends after an hour", async (context) => {
  const clock = heldClock();
  const simulator = await github(context, { clock });
  const { url, received } = await receiver(context);
  const app = simulator.installApp({
    ...{ permissions: { deployments: "write", pull_requests: "read" }, events: ["push"] },
    hook: { url, secret: "s" },
  });
  const now = clock.now().getTime() / 1000;
  const jwt = signed({ iat: now - 60, exp: now + 540, iss: String(app.id) }, app.privateKey);
  const asApp = asking(simulator, jwt);
  assert.equal((await asApp("GET /app")).body.slug, "shiplock");
  const { body: installation } = await asApp("GET /repos/{owner}/{repo}/installation");
  assert.equal(installation.id, app.installation);
  const create = "POST /app/installations/{installation_id}/access_tokens";
  const { status, body } = await asApp(create, { installation_id: app.installation });
  assert.deepEqual([status, body.permissions.deployments], [201, "write"]);
  const wide = await asApp(create, { installation_id: app.installation, permissions: { contents: "write" } });
  assert.equal(wide.status, 422);
  const ask = asking(simulator, body.token);
  const sha = await simulator.push("main");
  const deployment = await ask("POST /repos/{owner}/{repo}/deployments", {
    ref: sha,
    auto_merge: false,
    required_contexts: [],
  });
  assert.equal(deployment.body.creator.login, "shiplock[bot]");
  assert.equal((await ask("GET /repos/{owner}/{repo}/environments")).status, 403);
  clock.forward(3_600_000);
  assert.equal((await ask("GET /repos/{owner}/{repo}/deployments")).status, 401);
  await simulator.delivered();
  assert.deepEqual(
    received.map(({ event, body: told }) => [event, told.installation.id]),
    [
      ["installation", app.installation],
      ["push", app.installation],
    ],
  );
});

test("a token that is signed by another key, has ended, or lasts too long is refused", async (context) => {
  const clock = heldClock();
  const simulator = await github(context, { clock });
  const app = simulator.installApp({ permissions: {} });
  const other = simulator.installApp({ name: "Other", permissions: {} });
  const now = clock.now().getTime() / 1000;
  const good = { iat: now, exp: now + 500, iss: app.clientId };
  const asked = async (claims: object, key = app.privateKey): Promise<number> =>
    (await asking(simulator, signed(claims, key))("GET /app")).status;
  assert.equal(await asked(good), 200);
  assert.equal(await asked(good, other.privateKey), 401);
  assert.equal(await asked({ ...good, exp: now - 1 }), 401);
  assert.equal(await asked({ ...good, exp: now + 3600 }), 401);
  assert.equal((await asking(simulator)("GET /app")).status, 401, "a workflow's token is no app's");
});
