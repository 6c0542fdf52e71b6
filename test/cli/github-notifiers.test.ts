import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { type GitHubSimulator, startGitHubSimulator } from "../../packages/github-simulator/src/index.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { openNotices } from "../../src/cli/notices.ts";
import { createOutput } from "../../src/cli/output.ts";
import { runProgram } from "../../src/process.ts";
import { load, VALID } from "../config/example.ts";
import { runMain } from "./run-main.ts";

type Home = {
  github: GitHubSimulator;
  folder: string;
  /** A commit that came through a merged pull request, and is checked out. */
  commit: string;
  pull: number;
  config: string;
  env: Record<string, string>;
};

/** A clone of a repository on a simulated GitHub, with both notifiers. */
async function atHome(context: TestContext): Promise<Home> {
  const github = await startGitHubSimulator();
  const folder = await mkdtemp(join(tmpdir(), "shiplock-github-"));
  context.after(async () => {
    await rm(folder, { recursive: true, force: true });
    await github.close();
  });
  await github.push("main");
  await github.push("feature", { from: "main" });
  const { number: pull } = await github.openPullRequest({ head: "feature" });
  const commit = await github.merge(pull);
  const cloned = await runProgram("git", ["clone", "--quiet", github.git, folder], { timeoutMs: 20_000 });
  assert.equal(cloned.exitCode, 0, cloned.stderr);
  const config = `${VALID}github: { repository: acme/shop, api: "${github.api}" }\nnotify: [{ commit-status: true }, { pull-request: true }]\n`;
  await writeFile(join(folder, "shiplock.yml"), config);
  const env = { SHIPLOCK_LEDGER: join(folder, "ledger.db"), SHIPLOCK_WHO: "ada" };
  return { github, folder, commit, pull, config, env };
}

test("notify test shows that both are reached, marks nothing that looks like a deployment, and leaves no comment", async (context) => {
  const { github, folder, commit, pull, env } = await atHome(context);
  const token = github.token();
  const argv = ["notify", "test"];
  const { exit, stdout } = await runMain({ argv, cwd: folder, env: { ...env, GITHUB_TOKEN: token } });
  assert.equal(exit, 0, stdout);
  assert.match(stdout, /✓ commit-status +delivered shiplock notify test is success/);
  assert.match(stdout, new RegExp(`✓ pull-request +delivered a comment on #${pull}, taken away again`));
  assert.deepEqual(
    github.world.commitStatuses.map(({ sha, context: name }) => [sha, name]),
    [[commit, "shiplock notify test"]],
  );
  assert.deepEqual(github.world.comments, []);
  assert.ok(!stdout.includes(token));
});

test("without a token both say what to set, and what is told otherwise goes on", async (context) => {
  const { folder, env } = await atHome(context);
  const { exit, stdout } = await runMain({ argv: ["notify", "test"], cwd: folder, env });
  assert.equal(exit, 1);
  for (const name of ["commit-status", "pull-request"])
    assert.match(stdout, new RegExp(`✗ ${name} +failed: there is no token for acme/shop`));
  assert.match(stdout, /what to do: set GITHUB_TOKEN/);
});

test("what a workflow's run deploys is marked beside its commit and stands in its pull request's table, both with a link to the run", async (context) => {
  const { github, folder, commit, config, env } = await atHome(context);
  const token = github.token({ statuses: "write", pull_requests: "write", contents: "read" });
  let said = "";
  const stream = { write: (text: string) => (said += text) };
  const output = createOutput({ json: false, stdout: stream, stderr: stream, environment: { NO_COLOR: "1" } });
  const run = { GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "acme/shop", GITHUB_RUN_ID: "42" };
  const command: CommandContext = {
    ...{ options: {}, cwd: folder, env: { ...env, ...run, GITHUB_TOKEN: token }, output },
    ...{ signal: new AbortController().signal, commandLine: "shiplock deploy staging --automatic" },
  };
  const notices = openNotices(command, load(config), "staging", { kind: "deploy" });
  for (const event of ["started", "succeeded"] as const)
    notices.tell({ event, deployment: "d-1", commit, release: "r-1", ref: "main", outcome: `r-1 ${event}` });
  await notices.flush(60_000);
  assert.equal(said, "");
  const page = "https://github.com/acme/shop/actions/runs/42";
  assert.deepEqual(
    github.world.commitStatuses.map(({ context: name, state, targetUrl }) => [name, state, targetUrl]),
    [
      ["shiplock/staging", "pending", page],
      ["shiplock/staging", "success", page],
    ],
  );
  const [comment, ...more] = github.world.comments;
  assert.deepEqual(more, []);
  assert.match(comment?.body ?? "", /\| staging \| ✅ deployed \|/);
  assert.ok(comment?.body.includes(`[log](<${page}>)`));
});
