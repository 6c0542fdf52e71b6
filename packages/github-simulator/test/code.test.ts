import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { asking, type Body, github } from "./ask.ts";

const here = "/repos/{owner}/{repo}";

test("what git pushes into the repository is what the API shows, and what the API makes is what git sees", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  await simulator.push("main", { files: { "shiplock.yml": "project: shop\n" } });
  const folder = mkdtempSync(join(tmpdir(), "clone-"));
  context.after(() => rmSync(folder, { recursive: true }));
  const git = (...args: string[]): string =>
    execFileSync("git", ["-C", folder, "-c", "user.name=anna", "-c", "user.email=anna@example.com", ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "pipe"],
    }).trim();
  git("clone", "--quiet", simulator.git, ".");
  writeFileSync(join(folder, "app.txt"), "1\n");
  git("add", ".");
  git("commit", "--quiet", "-m", "Add the app");
  git("push", "--quiet", "origin", "HEAD:refs/heads/feature/one");
  await simulator.noticePushes("anna");
  const { body: commit } = await ask(`GET ${here}/commits/{ref}`, { ref: "feature/one" });
  assert.equal(commit.sha, git("rev-parse", "HEAD"));
  assert.deepEqual([commit.commit.message, commit.files[0].filename], ["Add the app", "app.txt"]);
  await ask(`POST ${here}/git/refs`, { ref: "refs/tags/v1", sha: commit.sha });
  git("fetch", "--quiet", "--tags");
  assert.equal(git("rev-parse", "v1"), commit.sha);
});

test("references are made, moved forward, and moved elsewhere only with force", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const first = await simulator.push("main");
  const second = await simulator.push("main");
  const ref = "heads/release/1";
  const made = await ask(`POST ${here}/git/refs`, { ref: `refs/${ref}`, sha: first });
  assert.deepEqual([made.status, made.body.object.sha], [201, first]);
  const again = await ask(`POST ${here}/git/refs`, { ref: `refs/${ref}`, sha: first });
  assert.deepEqual([again.status, again.body.message], [422, "Reference already exists"]);
  const update = async (sha: string, force = false): Promise<number> =>
    (await ask(`PATCH ${here}/git/refs/{ref}`, { ref, sha, force })).status;
  assert.deepEqual([await update(second), await update(first), await update(first, true)], [200, 422, 200]);
  assert.equal(await update("f".repeat(40)), 422);
  assert.equal((await ask(`DELETE ${here}/git/refs/{ref}`, { ref })).status, 204);
  assert.equal((await ask(`GET ${here}/git/ref/{ref}`, { ref })).status, 404);
  const { body } = await ask(`GET ${here}/git/matching-refs/{ref}`, { ref: "heads/ma" });
  assert.deepEqual(
    body.map(({ ref: name }: Body) => name),
    ["refs/heads/main"],
  );
});

test("a comparison says how far two commits are apart, and what changed since they parted", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const base = await simulator.push("main", { files: { "a.txt": "1\n", "b.txt": "1\n", "gone.txt": "old\n" } });
  const head = await simulator.push("feature", { files: { "a.txt": "1\n2\n", "new.txt": "1\n", "gone.txt": null } });
  const compare = async (from: string, to: string): Promise<Body> =>
    (await ask(`GET ${here}/compare/{basehead}`, { basehead: `${from}...${to}` })).body;
  const ahead = await compare(base, head);
  assert.deepEqual([ahead.status, ahead.ahead_by, ahead.behind_by], ["ahead", 1, 0]);
  assert.deepEqual(
    ahead.files.map(({ filename, status, additions }: Body) => [filename, status, additions]),
    [
      ["a.txt", "modified", 1],
      ["gone.txt", "removed", 0],
      ["new.txt", "added", 1],
    ],
  );
  assert.equal((await compare(head, base)).status, "behind");
  assert.equal((await compare("main", "main")).status, "identical");
  await simulator.push("main");
  assert.equal((await compare("main", "feature")).status, "diverged");
  assert.equal((await ask(`GET ${here}/compare/{basehead}`, { basehead: "main...gone" })).status, 404);
});

test("branches, tags, commits and files can be read", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const first = await simulator.push("main", { files: { "deploy/shiplock.yml": "project: shop\n" } });
  await simulator.push("main", { message: "Second", files: { "a.txt": "1" } });
  await simulator.push("feature");
  simulator.protectBranch("main");
  await simulator.tag("v1", first);
  const names = async (route: string): Promise<string[]> =>
    (await ask(`GET ${here}/${route}`)).body.map(({ name }: Body) => name);
  assert.deepEqual(await names("branches"), ["feature", "main"]);
  assert.deepEqual(await names("tags"), ["v1"]);
  assert.equal((await ask(`GET ${here}/branches/{branch}`, { branch: "main" })).body.protected, true);
  const { body: commits } = await ask(`GET ${here}/commits`, { path: "a.txt" });
  assert.deepEqual(
    commits.map(({ commit }: Body) => commit.message),
    ["Second"],
  );
  const { body: file } = await ask(`GET ${here}/contents/{path}`, { path: "deploy/shiplock.yml", ref: "v1" });
  assert.equal(Buffer.from(file.content, "base64").toString("utf8"), "project: shop\n");
  assert.equal((await ask(`GET ${here}/contents/{path}`, { path: "gone.yml" })).status, 404);
  assert.equal((await ask(`GET ${here}/git/commits/{commit_sha}`, { commit_sha: first })).body.parents.length, 0);
});

test("commits that a test makes up count where that was asked for, and nowhere else", async (context) => {
  const sha = "c0ffee".padEnd(40, "0");
  const create = async (madeUpCommits: boolean): Promise<number> => {
    const ask = asking(await github(context, { madeUpCommits }));
    return (await ask(`POST ${here}/deployments`, { ref: sha, auto_merge: false, required_contexts: [] })).status;
  };
  assert.deepEqual([await create(true), await create(false)], [201, 422]);
});

test("of a commit's statuses the newest of each context counts, and the combined state is the worst of them", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  const tell = async (state: string, name: string): Promise<number> =>
    (await ask(`POST ${here}/statuses/{sha}`, { sha, state, context: name, description: name })).status;
  const combined = async (): Promise<Body> => (await ask(`GET ${here}/commits/{ref}/status`, { ref: "main" })).body;
  assert.equal((await combined()).state, "pending", "nothing was reported");
  await tell("failure", "unit");
  await tell("success", "lint");
  assert.equal((await combined()).state, "failure");
  await tell("success", "unit");
  const { state, statuses } = await combined();
  assert.equal(state, "success");
  assert.deepEqual(
    statuses.map(({ context: name }: Body) => name),
    ["unit", "lint"],
  );
  const { body: all } = await ask(`GET ${here}/commits/{ref}/statuses`, { ref: sha });
  assert.deepEqual(
    all.map(({ state: one }: Body) => one),
    ["success", "success", "failure"],
  );
  await tell("pending", "e2e");
  assert.equal((await combined()).state, "pending");
  assert.equal((await ask(`POST ${here}/statuses/{sha}`, { sha: "f".repeat(40), state: "success" })).status, 422);
});

test("a check run is opened, told more of and concluded, and the latest of each name is listed", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  const opened = await ask(`POST ${here}/check-runs`, {
    name: "unit",
    head_sha: sha,
    status: "in_progress",
    external_id: "7",
  });
  assert.deepEqual([opened.status, opened.body.status, opened.body.conclusion], [201, "in_progress", null]);
  const annotation = { path: "a.ts", start_line: 3, end_line: 3, annotation_level: "failure", message: "wrong" };
  const output = { title: "1 failed", summary: "see below", annotations: [annotation] };
  const one = { check_run_id: opened.body.id };
  await ask(`PATCH ${here}/check-runs/{check_run_id}`, { ...one, output });
  const ended = await ask(`PATCH ${here}/check-runs/{check_run_id}`, { ...one, conclusion: "failure", output });
  assert.deepEqual([ended.body.status, ended.body.conclusion], ["completed", "failure"]);
  assert.equal(ended.body.output.annotations_count, 2, "annotations are added");
  const { body: annotations } = await ask(`GET ${here}/check-runs/{check_run_id}/annotations`, one);
  assert.deepEqual([annotations[0].path, annotations[0].start_line], ["a.ts", 3]);
  await simulator.reportCheckRun(sha, { name: "unit", conclusion: "success" });
  await simulator.reportCheckRun(sha, { name: "lint" });
  const listed = async (query: object): Promise<[string, string | null][]> =>
    (await ask(`GET ${here}/commits/{ref}/check-runs`, { ref: sha, ...query })).body.check_runs.map(
      ({ name, conclusion }: Body) => [name, conclusion],
    );
  assert.deepEqual(await listed({}), [
    ["lint", null],
    ["unit", "success"],
  ]);
  assert.equal((await listed({ filter: "all" })).length, 3);
  assert.deepEqual(await listed({ check_name: "unit" }), [["unit", "success"]]);
  assert.deepEqual(await listed({ status: "in_progress" }), [["lint", null]]);
  const { body: suites } = await ask(`GET ${here}/commits/{ref}/check-suites`, { ref: sha });
  assert.deepEqual([suites.total_count, suites.check_suites[0].app.slug], [1, "github-actions"]);
});

test("two workflows with a check of one name have a suite each, and both are listed", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const sha = await simulator.push("main");
  await simulator.reportCheckRun(sha, { name: "unit", conclusion: "failure", workflow: "CI" });
  await simulator.reportCheckRun(sha, { name: "unit", conclusion: "success", workflow: "Nightly" });
  const { body } = await ask(`GET ${here}/commits/{ref}/check-runs`, { ref: "HEAD" });
  assert.deepEqual(
    body.check_runs.map(({ conclusion }: Body) => conclusion),
    ["success", "failure"],
  );
  const { status } = await ask(`POST ${here}/deployments`, { ref: sha, auto_merge: false });
  assert.equal(status, 409, "one of them is red");
});

test("contexts and compared commits come in pages too, and what stands beside them is about all", async (context) => {
  const simulator = await github(context);
  const ask = asking(simulator);
  const base = await simulator.push("main");
  for (let count = 0; count < 3; count += 1) await simulator.push("feature", { files: { [`${count}`]: "" } });
  for (const name of ["a", "b", "c"]) await simulator.reportStatus("feature", { context: name, state: "success" });
  await simulator.reportStatus("feature", { context: "d", state: "failure" });
  const status = await ask(`GET ${here}/commits/{ref}/status`, { ref: "feature", per_page: 3, page: 2 });
  assert.deepEqual([status.body.statuses.length, status.body.total_count, status.body.state], [1, 4, "failure"]);
  const compared = { basehead: `${base}...feature`, per_page: 2 };
  const first = await ask(`GET ${here}/compare/{basehead}`, compared);
  assert.match(String(first.headers["link"]), /page=2[^>]*>; rel="next"/);
  const { body } = await ask(`GET ${here}/compare/{basehead}`, { ...compared, page: 2 });
  assert.deepEqual([body.commits.length, body.total_commits, body.files], [1, 3, undefined]);
});

test("check runs are for apps, and each changes only its own", async (context) => {
  const simulator = await github(context);
  simulator.person("anna", "admin");
  const sha = await simulator.push("main");
  const anna = asking(simulator, simulator.personalToken("anna"));
  const refused = await anna(`POST ${here}/check-runs`, { name: "unit", head_sha: sha });
  assert.deepEqual([refused.status, refused.body.message], [403, "You must authenticate via a GitHub App."]);
});
