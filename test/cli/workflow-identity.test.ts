import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type CommandContext, originOf, whoAsks } from "../../src/cli/context.ts";
import { alsoAsked, identityOf } from "../../src/cli/identity.ts";
import { createOutput } from "../../src/cli/output.ts";
import { withTicket } from "../../src/environments/queue/changes.ts";
import { runProgram } from "../../src/process.ts";
import { request } from "../environments/gates/facts.ts";
import { openHomeHost } from "./home-host.ts";

/** What GitHub's runner sets for a step. */
function runner(actor: string, firstActor = actor): Record<string, string> {
  return {
    GITHUB_ACTIONS: "true",
    ...{ GITHUB_TRIGGERING_ACTOR: actor, GITHUB_ACTOR: firstActor },
    ...{ GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "acme/shop" },
    ...{ GITHUB_RUN_ID: "4711", GITHUB_RUN_ATTEMPT: "2" },
  };
}

describe("who asks in a workflow on GitHub", () => {
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "shiplock-identity-"));
    await runProgram("git", ["init", "--quiet", folder], { timeoutMs: 10_000 });
    for (const [key, value] of [
      ["user.name", "grace"],
      ["user.email", "grace@example.com"],
    ] as const)
      await runProgram("git", ["-C", folder, "config", key, value], { timeoutMs: 10_000 });
  });
  after(() => rmSync(folder, { recursive: true }));

  function contextIn(variables: Readonly<Record<string, string>>): CommandContext {
    const nowhere = { write: () => true };
    const output = createOutput({ json: false, stdout: nowhere, stderr: nowhere, environment: {} });
    return {
      ...{ options: {}, cwd: folder, output, signal: new AbortController().signal },
      ...{ env: { PATH: process.env["PATH"], ...variables }, commandLine: "shiplock deploy production" },
    };
  }

  it("is who has this attempt going, by the login that GitHub vouches for; git and SHIPLOCK_WHO are not believed", async () => {
    const context = contextIn({ ...runner("ada"), SHIPLOCK_WHO: "grace" });
    assert.equal(whoAsks(context), "ada");
    assert.deepEqual(await identityOf(context, folder), { name: "ada", aliases: [], source: "github" });
    const nobody = contextIn({ GITHUB_ACTIONS: "true", SHIPLOCK_WHO: "grace" });
    assert.equal(whoAsks(nobody), userInfo().username);
  });

  it("has also asked where somebody else started the run once more", () => {
    assert.deepEqual(alsoAsked(contextIn(runner("grace", "ada"))), [{ name: "ada", aliases: [], source: "github" }]);
    assert.deepEqual(alsoAsked(contextIn(runner("Ada", "ada"))), []);
    assert.deepEqual(alsoAsked(contextIn({})), []);
  });

  it("comes from the attempt of the run, by its address", () => {
    assert.equal(
      originOf(contextIn(runner("ada")), null).from,
      "https://github.com/acme/shop/actions/runs/4711/attempts/2",
    );
  });

  it("is the machine's user elsewhere, with the names that git has", async () => {
    assert.deepEqual(await identityOf(contextIn({ SHIPLOCK_WHO: "ada" }), folder), {
      ...{ name: "ada", aliases: ["grace@example.com", "grace"], source: "local" },
    });
  });
});

describe("an approval by a workflow", () => {
  const ada = { name: "ada", aliases: [], source: "github" } as const;

  const waiting = request({
    ...{ state: "waiting", requesters: [ada, { ...ada, name: "linus" }], expiresAt: "2126-11-20T10:00:00.000Z" },
    waiting: [{ gate: "reviewers", reason: "needs 1 approval", until: null }],
  });

  async function approving(actor: string, firstActor: string, more: Readonly<Record<string, string>> = {}) {
    const home = openHomeHost(["reviewers: [ada, grace, linus]"]);
    try {
      await home.change("ada", (state) => withTicket(state, waiting, "2026-11-20T10:00:00.000Z"));
      return await home.shiplockWith({ ...runner(actor, firstActor), ...more }, "approve", "production");
    } finally {
      home.remove();
    }
  }

  it("counts as that of the person who pressed the button", async () => {
    const said = await approving("grace", "grace");
    assert.equal(said.exit, 0, said.stderr);
    assert.match(said.stdout, /grace/);
  });

  it("is refused of who asked for the deployment, also by another name that the workflow makes up", async () => {
    const own = await approving("ada", "ada", { SHIPLOCK_WHO: "grace" });
    assert.equal(own.exit, 3, own.stdout);
    assert.match(own.stderr, /was asked for by ada and linus, and who asks does not approve/);
  });

  it("is refused of who had the first attempt of the deployment's run going", async () => {
    const first = await approving("linus", "linus");
    assert.equal(first.exit, 3, first.stdout);
  });
});
