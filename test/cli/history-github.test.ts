import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, type TestContext, test } from "node:test";
import { type GitHubSimulator, startGitHubSimulator } from "../../packages/github-simulator/src/index.ts";
import { deployment, release } from "../ledger/samples.ts";
import { openShared } from "../ledger/github/shared.ts";
import { runMain, type Said } from "./run-main.ts";

const written = [
  "project: shop",
  "registry: { address: registry.invalid/shop }",
  "images: { web: { context: . } }",
  "services: { web: { image: web, port: 3000, health: /health } }",
  "github: { repository: acme/shop }",
  "environments:",
  "  staging: { target: { compose: { hosts: [nowhere.invalid] } } }",
  "  production: { target: { compose: { hosts: [nowhere.invalid] } } }",
];

type Laptop = { github: GitHubSimulator; shiplock: (...argv: string[]) => Promise<Said> };

/** Somebody's machine, which nothing was ever deployed from; its environments cannot be reached. */
async function laptop(context: TestContext, more: Record<string, string> = {}): Promise<Laptop> {
  const github = await startGitHubSimulator({ madeUpCommits: true });
  const folder = await mkdtemp(join(tmpdir(), "shiplock-laptop-"));
  context.after(async () => {
    await rm(folder, { recursive: true });
    await github.close();
  });
  await writeFile(join(folder, "shiplock.yml"), written.join("\n"));
  const env = {
    ...{ PATH: process.env["PATH"], SHIPLOCK_LEDGER: join(folder, "ledger.db"), GITHUB_API_URL: github.api },
    ...{ GH_TOKEN: github.token({ deployments: "read" }), ...more },
  };
  return { github, shiplock: (...argv) => runMain({ argv, cwd: folder, env }) };
}

/** What a run of the workflow leaves on GitHub. */
async function ran(
  github: GitHubSimulator,
  number: number,
  {
    ends = "succeeded",
    kind = "deploy",
    of = number,
    from,
  }: { ends?: string; kind?: "deploy" | "rollback"; of?: number; from?: number } = {},
): Promise<void> {
  const { ledger } = openShared(github);
  const payload = { images: { web: { digest: `sha256:${of}` } } };
  await ledger.recordRelease(release(`r-${of}`, { payload, createdAt: 1 }));
  const about = { release: `r-${of}`, createdAt: number * 1000, fromRelease: from === undefined ? null : `r-${from}` };
  const id = `d-${number}`;
  await ledger.openDeployment(deployment(id, { environment: "production", kind, state: "running", ...about }));
  if (ends === "succeeded") await ledger.transition({ deployment: id, to: "verifying", at: 1 });
  await ledger.transition({ deployment: id, to: ends, at: 1, outcome: `so it ${ends}` });
  await ledger.close();
}

describe("shiplock history --github", () => {
  test("shows on any machine what is live, and what a rollback goes back to: not the second newest", async (t) => {
    const { github, shiplock } = await laptop(t);
    for (const number of [1, 2]) await ran(github, number);
    await ran(github, 3, { ends: "failed" });
    const { exit, stdout, stderr } = await shiplock("history", "production", "--github");
    assert.equal(exit, 0, stderr);
    const lines = stdout.split("\n").filter((line) => line.includes("production"));
    assert.deepEqual(
      lines.map((line) => line.replace(/^\S+ +/, "").replace(/ +/g, " ")),
      [
        "production deploy r-3 main failed ada",
        "production deploy r-2 main succeeded ada ← live",
        "production deploy r-1 main succeeded ada ← a rollback goes back to it",
      ],
    );
    assert.match(stdout, /so it failed/);
  });

  test("names nothing to go back to that a rollback has left", async (t) => {
    const { github, shiplock } = await laptop(t);
    for (const number of [1, 2]) await ran(github, number);
    await ran(github, 3, { kind: "rollback", of: 1, from: 2 });
    const { stdout } = await shiplock("history", "production", "--github", "--json");
    const rows = JSON.parse(stdout) as { deployment: string; standing: string | null; record: number }[];
    assert.deepEqual(
      rows.map(({ deployment: id, standing }) => `${id} ${standing}`),
      ["d-3 live", "d-2 null", "d-1 null"],
    );
    assert.equal(rows[0]?.record, github.world.deployments.at(-1)?.id);
  });

  test("says what is missing where GitHub cannot be asked", async (t) => {
    const { shiplock } = await laptop(t, { GH_TOKEN: "" });
    const { exit, stderr } = await shiplock("history", "--github");
    assert.equal(exit, 2);
    assert.match(stderr, /GitHub cannot be asked for its records: there is no token for acme\/shop/);
  });

  test("does not go together with --local", async (t) => {
    const { shiplock } = await laptop(t);
    assert.equal((await shiplock("history", "--github", "--local")).exit, 2);
  });
});

describe("shiplock history in a run of a workflow", () => {
  test("knows what other runs did, also where the hosts cannot be asked", async (t) => {
    const { github, shiplock } = await laptop(t, { GITHUB_ACTIONS: "true" });
    for (const number of [1, 2]) await ran(github, number);
    const { exit, stdout, stderr } = await shiplock("history", "production", "--local");
    assert.equal(exit, 0, stderr);
    assert.match(stdout, /r-2 main {2}succeeded {2}ada\n.*r-1 main {2}succeeded/);
  });
});
