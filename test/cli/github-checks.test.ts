import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type GitHubSimulator, startGitHubSimulator } from "../../packages/github-simulator/src/index.ts";
import type { CommandContext } from "../../src/cli/context.ts";
import { githubChecks } from "../../src/cli/github-checks.ts";
import { createOutput } from "../../src/cli/output.ts";
import { ShiplockError } from "../../src/errors.ts";
import { configWith } from "./live-environment.ts";

describe("what doctor says of GitHub", () => {
  let github: GitHubSimulator;

  before(async () => {
    github = await startGitHubSimulator();
    const commit = await github.push("main", { message: "First" });
    const run = await github.startRun({ workflow: "CI", ref: commit });
    await github.endRun(run.id, "success");
  });
  after(() => github.close());

  /** Name and word of each check; what is wrong comes with its remedy. */
  async function looked(token: string, gates: readonly string[], more = "", api = github.api): Promise<string[]> {
    const silent = { write: () => true };
    const output = createOutput({ json: false, stdout: silent, stderr: silent, environment: {} });
    const context: CommandContext = {
      ...{ options: {}, cwd: "/", env: { GITHUB_TOKEN: token }, output, commandLine: "shiplock doctor" },
      signal: new AbortController().signal,
    };
    const config = configWith(gates, `github: { repository: acme/shop, api: "${api}" }\n${more}`);
    const checks = githubChecks(context, config, Object.values(config.environments));
    return Promise.all(
      checks.map(async ({ name, look }) => {
        try {
          return `${name}: ${await look()}`;
        } catch (error) {
          assert.ok(error instanceof ShiplockError);
          return `${name} FAILS: ${error.message} | ${error.remedy}`;
        }
      }),
    );
  }

  it("is nothing where nothing depends on it", async () => {
    assert.deepEqual(await looked("", ["branches: main"]), []);
  });

  it("is that it answers, what the token may read, and what could only be tried by writing", async () => {
    const notify = "notify: [{ name: marks, commit-status: true }]\n";
    assert.deepEqual(await looked(github.token(), ["statuses: test", "reviewed: true"], notify), [
      "GitHub: acme/shop answers; the token may read checks, contents, pull-requests, statuses; not tried, because it would write: statuses: write for notify marks",
    ]);
  });

  it("is which permission is lacking, and what of the configuration wants it", async () => {
    const token = github.token({ contents: "read", statuses: "read" });
    assert.deepEqual(await looked(token, ["statuses: test", "reviewed: true"]), [
      "GitHub FAILS: the token lacks checks: read, for statuses of production; pull-requests: read, for reviewed of production | in a workflow write them under `permissions` of the job; a token of a person or an app gets them where it was made",
    ]);
  });

  it("is which workflow is not there that a deployment would wait for", async () => {
    assert.deepEqual(await looked(github.token(), ["on: { push: main, checks: [CI] }"]), [
      "GitHub: acme/shop answers; the token may read actions",
      "GitHub workflows: CI is there",
    ]);
    const [, wrong = ""] = await looked(github.token(), ["on: { push: main, checks: [Cl] }"]);
    assert.match(wrong, /FAILS: acme\/shop has no workflow "Cl", which `on.checks` waits for \(did you mean "CI"\?\)/);
  });

  it("is what to set where there is no token, and that nobody answers where that is so", async () => {
    assert.match(
      (await looked("", ["statuses: test"])).join(),
      /^GitHub FAILS: there is no token .* \| set GITHUB_TOKEN/,
    );
    github.fault({ route: "GET /repos/{owner}/{repo}", kind: "status", status: 401 });
    assert.match((await looked(github.token(), ["statuses: test"])).join(), /^GitHub FAILS: GitHub answered 401/);
  });
});
