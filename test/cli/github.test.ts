import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import type { CommandContext } from "../../src/cli/context.ts";
import { githubAccess, githubOf } from "../../src/cli/github.ts";
import { createOutput } from "../../src/cli/output.ts";
import type { Config } from "../../src/config/types.ts";
import type { GitHubSettings } from "../../src/config/types-github.ts";
import { runProgram } from "../../src/process.ts";

type Given = { env?: Record<string, string>; github?: Partial<GitHubSettings>; remote?: string };

async function project(test: TestContext, { env = {}, github = {}, remote }: Given) {
  const folder = await mkdtemp(join(tmpdir(), "shiplock-github-"));
  test.after(() => rm(folder, { recursive: true }));
  const git = (...args: string[]): Promise<unknown> =>
    runProgram("git", ["-C", folder, ...args], { timeoutMs: 10_000 });
  if (remote !== undefined) {
    await git("init", "-q");
    await git("remote", "add", "origin", remote);
  }
  const stream = { write: () => undefined };
  const output = createOutput({ json: undefined, stdout: stream, stderr: stream, environment: {} });
  const signal = new AbortController().signal;
  const context: CommandContext = { options: {}, cwd: folder, env, output, signal, commandLine: "shiplock" };
  const sources = [{ level: "project", provider: { kind: "env" } }];
  const none = { repository: undefined, api: undefined, token: undefined, action: undefined, runner: [], ledger: true };
  const config = { folder, github: { ...none, ...github }, secrets: { names: [], sources }, environments: {} };
  return { context, config: config as unknown as Config };
}

describe("GitHub as a command may ask it", () => {
  test("is the repository of the workflow's run, with the token that the job has", async (t) => {
    const env = {
      GITHUB_REPOSITORY: "acme/shop",
      GITHUB_TOKEN: "ghs_secret",
      GITHUB_API_URL: "https://git.acme.example/api/v3",
    };
    const { context, config } = await project(t, { env });
    const client = await githubOf(context, config);
    assert.deepEqual(client?.repository, { owner: "acme", name: "shop" });
    assert.equal(client?.webAddress, "https://git.acme.example/acme/shop");
    assert.ok(!context.output.mask("it is ghs_secret").includes("ghs_secret"));
  });

  test("is what shiplock.yml says rather than what surrounds it", async (t) => {
    const env = { GITHUB_REPOSITORY: "acme/fork", GITHUB_TOKEN: "of the job", SHOP_TOKEN: "of the shop" };
    const repository = { owner: "acme", name: "shop" };
    const { context, config } = await project(t, { env, github: { repository, token: "SHOP_TOKEN" } });
    assert.deepEqual((await githubOf(context, config))?.repository, repository);
    assert.ok(!context.output.mask("of the shop").includes("shop"));
  });

  test("is on a laptop the remote `origin`", async (t) => {
    const { context, config } = await project(t, {
      env: { GH_TOKEN: "t0ken" },
      remote: "git@github.com:acme/shop.git",
    });
    assert.deepEqual((await githubOf(context, config))?.repository, { owner: "acme", name: "shop" });
  });

  test("gets no token for a server that only a clone names", async (t) => {
    const { context, config } = await project(t, {
      env: { GH_TOKEN: "t0ken" },
      remote: "git@evil.example:acme/shop.git",
    });
    const access = await githubAccess(context, config);
    assert.equal(access.kind, "none");
    assert.match(access.kind === "none" ? access.why : "", /not known which repository/);
  });

  test("is not asked without a token, and it is said which is missing", async (t) => {
    const { context, config } = await project(t, { env: { GITHUB_TOKEN: " " }, remote: "git@github.com:acme/shop" });
    assert.equal(await githubOf(context, config), null);
    const access = await githubAccess(context, config);
    assert.match(access.kind === "none" ? access.why : "", /no token for acme\/shop: GITHUB_TOKEN has no value/);
  });
});
