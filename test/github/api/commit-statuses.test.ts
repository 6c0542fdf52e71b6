import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Conclusion } from "../../../packages/github-simulator/src/state/types.ts";
import type { CommitStatus } from "../../../src/checks/statuses.ts";
import { commitStatusesOnGitHub } from "../../../src/github/api/commit-statuses.ts";
import { statusesContract } from "../../checks/statuses-contract.ts";
import { clientOf, type Simulated, simulated, withGitHub } from "./simulated.ts";

const options = { signal: new AbortController().signal };

async function statesOf(
  { client }: Pick<Simulated, "client">,
  commit: string,
): Promise<Record<string, CommitStatus["state"]>> {
  const statuses = await commitStatusesOnGitHub(client).of(commit, options);
  return Object.fromEntries(statuses.map(({ name, state }) => [name, state]));
}

statusesContract("GitHub's statuses", async () => {
  const { github, client, commits } = await simulated();
  return {
    statuses: commitStatusesOnGitHub(client),
    commits,
    report: async (commit, context, state) => void (await github.reportStatus(commit, { context, state })),
    fallSilent: async () => github.setRateLimit(0),
    close: () => github.close(),
  };
});

statusesContract("GitHub's check runs", async () => {
  const { github, client, commits } = await simulated();
  return {
    statuses: commitStatusesOnGitHub(client),
    commits,
    report: async (commit, name, state) =>
      void (await github.reportCheckRun(commit, { name, ...(state === "pending" ? {} : { conclusion: state }) })),
    fallSilent: async () => github.setRateLimit(0),
    close: () => github.close(),
  };
});

describe("what GitHub knows of a commit's checks", () => {
  const meanings: readonly (readonly [Conclusion, CommitStatus["state"]])[] = [
    ["success", "success"],
    ["neutral", "success"],
    ["skipped", "success"],
    ["failure", "failure"],
    ["cancelled", "failure"],
    ["timed_out", "failure"],
    ["action_required", "pending"],
  ];

  it("means what it means to GitHub's protected branches: skipped and neutral are no failure, cancelled is", () =>
    withGitHub(async ({ github, client, commits }) => {
      for (const [conclusion] of meanings) await github.reportCheckRun(commits[1], { name: conclusion, conclusion });
      await github.reportStatus(commits[1], { context: "old CI", state: "error" });
      const states = await statesOf({ client }, commits[1]);
      assert.deepEqual(states, { ...Object.fromEntries(meanings), "old CI": "failure" });
    }));

  it("is the worst of what shares a name, a status and a check run, since nobody knows which was meant", () =>
    withGitHub(async ({ github, client, commits }) => {
      await github.reportStatus(commits[1], { context: "test", state: "success" });
      await github.reportCheckRun(commits[1], { name: "test", conclusion: "failure" });
      await github.reportStatus(commits[1], { context: "lint", state: "pending" });
      await github.reportCheckRun(commits[1], { name: "lint", conclusion: "success" });
      assert.deepEqual(await statesOf({ client }, commits[1]), { test: "failure", lint: "pending" });
    }));

  it("is read to the last page", () =>
    withGitHub(async ({ github, client, commits }) => {
      const names = Array.from({ length: 130 }, (_, index) => `part ${index}`);
      for (const name of names) await github.reportCheckRun(commits[1], { name, conclusion: "success" });
      assert.deepEqual(Object.keys(await statesOf({ client }, commits[1])).toSorted(), names.toSorted());
    }));

  it("is an error without the permission to read it", () =>
    withGitHub(async ({ github, commits }) => {
      const client = clientOf(github, github.token({ contents: "read", statuses: "read" }));
      await assert.rejects(commitStatusesOnGitHub(client).of(commits[1], options), { code: "github/forbidden" });
    }));
});
