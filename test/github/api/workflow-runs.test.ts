import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { workflowRunsOnGitHub } from "../../../src/github/api/workflow-runs.ts";
import { statusesContract } from "../../checks/statuses-contract.ts";
import { simulated, withGitHub } from "./simulated.ts";

const options = { signal: new AbortController().signal };

function pathOf(workflow: string): string {
  return `.github/workflows/${workflow.toLowerCase()}.yml`;
}

statusesContract("the runs of GitHub's workflows", async () => {
  const { github, client, commits } = await simulated();
  return {
    statuses: workflowRunsOnGitHub(client),
    commits,
    report: async (commit, workflow, state) => {
      const run = await github.startRun({ workflow, path: pathOf(workflow), event: "push", ref: commit });
      if (state !== "pending") await github.endRun(run.id, state);
    },
    fallSilent: async () => github.setRateLimit(0),
    close: () => github.close(),
  };
});

describe("the runs of a commit's workflows on GitHub", () => {
  it("leave out those of pull requests, which ran on the commit merged with another", () =>
    withGitHub(async ({ github, client, commits }) => {
      for (const event of ["pull_request", "pull_request_target"]) {
        const path = pathOf("CI");
        const run = await github.startRun({ workflow: "CI", path, event, ref: commits[1] });
        await github.endRun(run.id, "success");
      }
      assert.deepEqual(await workflowRunsOnGitHub(client).of(commits[1], options), []);
    }));

  it("say neither yes nor no where every job was skipped", () =>
    withGitHub(async ({ github, client, commits }) => {
      for (const conclusion of ["skipped", "neutral", "cancelled"] as const) {
        const path = pathOf(conclusion);
        const about = { workflow: conclusion, path, event: "push", ref: commits[1] };
        await github.endRun((await github.startRun(about)).id, conclusion);
      }
      const runs = await workflowRunsOnGitHub(client).of(commits[1], options);
      assert.deepEqual(Object.fromEntries(runs.map(({ name, state }) => [name, state])), {
        ...{ skipped: "unknown", neutral: "unknown", cancelled: "failure" },
      });
    }));
});
