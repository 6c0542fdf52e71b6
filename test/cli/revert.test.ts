import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type GitHubSimulator, startGitHubSimulator } from "../../packages/github-simulator/src/index.ts";
import { runProgram } from "../../src/process.ts";
import { liveRelease, stateWith } from "../environments/gates/facts.ts";
import { type HomeHost, openHomeHost, type Said } from "./home-host.ts";

describe("a revert with its pull request on GitHub", () => {
  let github: GitHubSimulator;
  let home: HomeHost;
  let bad: string;

  const git = async (...args: readonly string[]): Promise<string> => {
    const result = await runProgram("git", ["-C", home.project, ...args], { timeoutMs: 20_000 });
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout.trim();
  };

  async function commit(text: string): Promise<string> {
    writeFileSync(join(home.project, "greeting.txt"), text);
    await git("add", ".");
    await git("commit", "--quiet", "--message", `Say ${text}`);
    return git("rev-parse", "HEAD");
  }

  function revert(token: string, ...more: readonly string[]): Promise<Said> {
    const env = {
      SHIPLOCK_WHO: "ada",
      GITHUB_API_URL: github.api,
      GITHUB_REPOSITORY: "acme/shop",
      GITHUB_TOKEN: token,
    };
    return home.shiplockWith(env, "revert", "production", "--reason", "wrong greeting", ...more);
  }

  before(async () => {
    github = await startGitHubSimulator();
    home = openHomeHost();
    await git("init", "--quiet", "--initial-branch", "main");
    for (const [key, value] of [
      ["user.name", "Ada"],
      ["user.email", "ada@example.com"],
      ["commit.gpgsign", "false"],
    ] as const)
      await git("config", key, value);
    await git("remote", "add", "origin", github.git);
    const good = await commit("hello");
    bad = await commit("howdy");
    await git("push", "--quiet", "origin", "main");
    await github.noticePushes();
    const live = liveRelease({ release: "r-2", commit: bad });
    const before = liveRelease({ release: "r-1", commit: good, deployment: "d-1", document: "r-1.0" });
    await home.change("ada", (state) => ({
      ...state,
      ...stateWith({ live }),
      healthy: [live, before],
      environment: "production",
    }));
  });
  after(async () => {
    home.remove();
    await github.close();
  });

  it("without a token ends before anything is made, and says what to set", async () => {
    const said = await revert("", "--pull-request");
    assert.equal(said.exit, 2, said.stderr);
    assert.match(said.stderr, /there is no token for acme\/shop: GITHUB_TOKEN has no value here/);
    assert.equal(await git("branch", "--list", "revert/*"), "");
  });

  it("that GitHub refuses names what the token lacks, and is finished by running the command again", async () => {
    const reader = github.token({ contents: "write", pull_requests: "read" });
    const said = await revert(reader, "--pull-request");
    assert.equal(said.exit, 1, said.stderr);
    assert.match(said.stderr, /is pushed, but no pull request could be opened: GitHub answered 403/);
    assert.match(said.stderr, /the token needs `pull-requests: write`/);
    assert.ok(!said.stderr.includes(reader));
  });

  it("is pushed and opened into the release's branch, with why, by whom and what", async () => {
    const said = await revert(github.token(), "--pull-request", "--json");
    assert.equal(said.exit, 0, said.stderr);
    const [pull, ...others] = github.world.pulls;
    assert.deepEqual(others, []);
    const branch = `revert/${bad.slice(0, 7)}`;
    assert.deepEqual(
      [pull?.title, pull?.head, pull?.base, pull?.headSha],
      ['Revert "Say howdy"', branch, "main", await git("rev-parse", branch)],
    );
    assert.match(
      pull?.body ?? "",
      /^wrong greeting\n\nAsked for by ada with `shiplock revert`: .*\n\nThis reverts commit /,
    );
    const told = JSON.parse(said.stdout) as { pullRequest: string; number: number; pushed: boolean };
    assert.deepEqual(told.pushed, true);
    assert.equal(told.pullRequest, `https://github.com/acme/shop/pull/${told.number}`);
    assert.equal(await git("show", `${branch}:greeting.txt`), "hello");
  });

  it("asked for once more opens no second one, and tells the address of the first", async () => {
    const said = await revert(github.token(), "--pull-request");
    assert.equal(said.exit, 0, said.stderr);
    assert.match(said.stdout, /its pull request is open already, and was left as it is: https:.*\/pull\/1/);
    assert.equal(github.world.pulls.length, 1);
  });
});
