import assert from "node:assert/strict";
import { test } from "node:test";
import { asking, type Body, github } from "./ask.ts";

const pulls = "/repos/{owner}/{repo}/pulls";
const comments = "/repos/{owner}/{repo}/issues/{issue_number}/comments";

test("a pull request is opened, gains commits, is merged, and its merge is on the base branch", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main", { files: { "a.txt": "1\n" } });
  const head = await simulator.push("feature", { files: { "b.txt": "1\n" }, by: "anna" });
  const { body: opened } = await ask(`POST ${pulls}`, { title: "Add b", head: "feature", base: "main" });
  const { body: pull } = await ask(`GET ${pulls}/{pull_number}`, { pull_number: opened.number });
  assert.deepEqual([pull.state, pull.head.sha, pull.mergeable, pull.changed_files], ["open", head, true, 1]);
  const next = await simulator.push("feature", { files: { "c.txt": "1\n" } });
  const { body: listed } = await ask(`GET ${pulls}`, { head: "acme:feature" });
  assert.deepEqual(
    listed.map((one: Body) => one.head.sha),
    [next],
  );
  const stale = await ask(`PUT ${pulls}/{pull_number}/merge`, { pull_number: pull.number, sha: head });
  assert.equal(stale.status, 409, "the head moved");
  const merged = await ask(`PUT ${pulls}/{pull_number}/merge`, { pull_number: pull.number, sha: next });
  assert.deepEqual([merged.status, merged.body.merged], [200, true]);
  const { body: main } = await ask("GET /repos/{owner}/{repo}/commits/{ref}", { ref: "main" });
  assert.deepEqual([main.sha, main.parents.length], [merged.body.sha, 2]);
  const { body: after } = await ask(`GET ${pulls}/{pull_number}`, { pull_number: pull.number });
  assert.deepEqual([after.state, after.merged, after.merge_commit_sha], ["closed", true, merged.body.sha]);
  assert.deepEqual((await ask(`GET ${pulls}`)).body, [], "only open ones are listed unless others are asked for");
  assert.equal((await ask(`GET ${pulls}`, { state: "closed" })).body.length, 1);
});

test("the pull request that brought a commit is found by it, before and after the merge", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main");
  const sha = await simulator.push("feature", { files: { "b.txt": "1" } });
  const { number } = await simulator.openPullRequest({ head: "feature" });
  const found = async (commit: string): Promise<number[]> =>
    (await ask("GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls", { commit_sha: commit })).body.map(
      (pull: Body) => pull.number,
    );
  assert.deepEqual(await found(sha), [number]);
  const merge = await simulator.merge(number, { method: "squash" });
  assert.deepEqual(await found(merge), [number]);
  const direct = await simulator.push("main");
  assert.deepEqual(await found(direct), []);
});

test("a pull request that conflicts is not mergeable", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main", { files: { "a.txt": "1" } });
  await simulator.push("feature", { files: { "a.txt": "2" } });
  const { number } = await simulator.openPullRequest({ head: "feature" });
  await simulator.push("main", { files: { "a.txt": "3" } });
  const { body } = await ask(`GET ${pulls}/{pull_number}`, { pull_number: number });
  assert.deepEqual([body.mergeable, body.mergeable_state], [false, "dirty"]);
  assert.equal((await ask(`PUT ${pulls}/{pull_number}/merge`, { pull_number: number })).status, 405);
});

test("a second pull request for the same branches, or one without commits, is refused", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main");
  await simulator.push("feature");
  const create = async (head: string): Promise<[number, string]> => {
    const { status, body } = await ask(`POST ${pulls}`, { title: "x", head, base: "main" });
    return [status, body.errors?.[0]?.message ?? body.errors?.[0]?.field];
  };
  assert.equal((await create("feature"))[0], 201);
  assert.deepEqual(await create("feature"), [422, "A pull request already exists for acme:feature."]);
  assert.deepEqual(await create("main"), [422, "No commits between main and main"]);
  assert.deepEqual(await create("gone"), [422, "head"]);
});

test("reviews are listed oldest first with the commit that they are about, and nobody approves their own", async (context) => {
  const simulator = await github(context);
  await simulator.push("main");
  const first = await simulator.push("feature", { files: { "b.txt": "1" }, by: "anna" });
  const { number } = await simulator.openPullRequest({ head: "feature", by: "anna" });
  await simulator.review(number, { by: "bert", state: "CHANGES_REQUESTED" });
  const second = await simulator.push("feature", { files: { "b.txt": "2" }, by: "anna" });
  const approval = await simulator.review(number, { by: "bert", state: "APPROVED" });
  const ask = asking(simulator, simulator.personalToken("anna"));
  simulator.person("anna");
  const listed = async (): Promise<unknown> =>
    (await ask(`GET ${pulls}/{pull_number}/reviews`, { pull_number: number })).body.map((review: Body) => [
      review.user.login,
      review.state,
      review.commit_id,
    ]);
  assert.deepEqual(await listed(), [
    ["bert", "CHANGES_REQUESTED", first],
    ["bert", "APPROVED", second],
  ]);
  const own = await ask(`POST ${pulls}/{pull_number}/reviews`, { pull_number: number, event: "APPROVE" });
  assert.equal(own.status, 422);
  simulator.dismissReview(number, approval.id);
  assert.deepEqual(await listed(), [
    ["bert", "CHANGES_REQUESTED", first],
    ["bert", "DISMISSED", second],
  ]);
});

test("a pull request from a fork has its head there and no branch here", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main");
  const { number } = await simulator.openPullRequest({ head: "fix", by: "mallory", fork: { files: { "x.txt": "1" } } });
  const sha = await simulator.pushToFork(number, { files: { "x.txt": "2" } });
  const { body } = await ask(`GET ${pulls}/{pull_number}`, { pull_number: number });
  assert.deepEqual(
    [body.head.repo.full_name, body.head.repo.fork, body.head.label],
    ["mallory/shop", true, "mallory:fix"],
  );
  assert.equal(body.head.sha, sha);
  assert.equal((await ask("GET /repos/{owner}/{repo}/git/ref/{ref}", { ref: "heads/fix" })).status, 404);
  const { body: merge } = await ask("GET /repos/{owner}/{repo}/commits/{ref}", { ref: `refs/pull/${number}/merge` });
  assert.deepEqual(merge.parents[1].sha, sha, "workflows of pull requests run with this merge");
});

test("comments are written, changed, listed oldest first and deleted; labels come and go", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main");
  await simulator.push("feature");
  const { number } = await simulator.openPullRequest({ head: "feature" });
  const issue = { issue_number: number };
  simulator.comment(number, "please deploy", "anna");
  const { body: own } = await ask(`POST ${comments}`, { ...issue, body: "<!-- shiplock --> one" });
  const one = "/repos/{owner}/{repo}/issues/comments/{comment_id}";
  await ask(`PATCH ${one}`, { comment_id: own.id, body: "<!-- shiplock --> two" });
  const { body: listed } = await ask(`GET ${comments}`, issue);
  assert.deepEqual(
    listed.map(({ user, body }: Body) => [user.login, body]),
    [
      ["anna", "please deploy"],
      ["github-actions[bot]", "<!-- shiplock --> two"],
    ],
  );
  assert.equal((await ask(`POST ${comments}`, { ...issue, body: "x".repeat(65_537) })).status, 422);
  assert.equal((await ask(`DELETE ${one}`, { comment_id: own.id })).status, 204);
  assert.equal((await ask(`GET ${one}`, { comment_id: own.id })).status, 404);
  const labels = "/repos/{owner}/{repo}/issues/{issue_number}/labels";
  await ask(`POST ${labels}`, { ...issue, labels: ["preview"] });
  assert.deepEqual(
    (await ask(`GET ${labels}`, issue)).body.map(({ name }: Body) => name),
    ["preview"],
  );
  await ask(`DELETE ${labels}/{name}`, { ...issue, name: "preview" });
  assert.deepEqual((await ask(`GET ${pulls}/{pull_number}`, { pull_number: number })).body.labels, []);
});
