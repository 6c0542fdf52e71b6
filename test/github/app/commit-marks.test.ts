import assert from "node:assert/strict";
import { test } from "node:test";
import type { GitHubClient } from "../../../src/github/api/types.ts";
import { createGitHubCommitMarks } from "../../../src/github/app/commit-marks.ts";
import { createCommitStatus } from "../../../src/notify/commit-status.ts";
import type { Notifier } from "../../../src/notify/types.ts";
import { notifierContract } from "../../notify/contract.ts";
import { commitMarksContract } from "../../notify/marks-contract.ts";
import { notice } from "../../notify/samples.ts";
import { clientOf, openGitHub, underTest } from "./simulated.ts";

const signal = new AbortController().signal;
const statusRoute = "POST /repos/{owner}/{repo}/statuses/{sha}";

function marker(client: GitHubClient): Notifier {
  return createCommitStatus({ name: "commit-status", marks: createGitHubCommitMarks(client) });
}

commitMarksContract({
  name: "GitHub",
  open: async (context) => {
    const github = await openGitHub(context);
    const commits = [await github.push("main"), await github.push("main")] as const;
    const client = clientOf(github, github.api, github.token({ statuses: "write" }));
    const reader = clientOf(github, github.api, github.token({ statuses: "read" }));
    return {
      commits,
      marks: createGitHubCommitMarks(client),
      shown: async (ref) => {
        const route = "GET /repos/{owner}/{repo}/commits/{ref}/status";
        const { body } = await reader.call({ route, parameters: { ref } }, { signal });
        const { statuses } = body as {
          statuses: { context: string; state: never; description: string; target_url: string | null }[];
        };
        return statuses.map(({ context: name, state, description, target_url: url }) => ({
          context: name,
          state,
          description,
          url,
        }));
      },
    };
  },
});

notifierContract({
  name: "commit status",
  says: /shiplock\/production.*failure/,
  open: (context) =>
    underTest(context, marker, {
      route: statusRoute,
      heard: ({ world }) =>
        world.commitStatuses.map(({ context: name, state, description }) => `${name} ${state} ${description}`),
      commit: (github) => github.push("main"),
    }),
});

test("a token that may not mark commits is told what it lacks", async (context) => {
  const github = await openGitHub(context);
  const commit = await github.push("main");
  const reading = clientOf(github, github.api, github.token({ statuses: "read" }));
  const told = await marker(reading).tell(notice("started", { commit }), signal);
  assert.ok(told.status === "failed");
  assert.match(told.remedy ?? "", /statuses: write/);
});

test("a fork's commit is marked where its pull request is", async (context) => {
  const github = await openGitHub(context);
  await github.push("main");
  const { headSha: commit } = await github.openPullRequest({ head: "patch", by: "mallory", fork: {} });
  const client = clientOf(github, github.api, github.token());
  assert.equal((await marker(client).tell(notice("succeeded", { commit }), signal)).status, "delivered");
  assert.deepEqual(
    github.world.commitStatuses.map(({ sha, context: name, state }) => [sha, name, state]),
    [[commit, "shiplock/production", "success"]],
  );
});

test("a commit that has all the statuses GitHub takes says so", async (context) => {
  const github = await openGitHub(context);
  const commit = await github.push("main");
  const message = "This SHA and context has reached the maximum number of statuses.";
  github.fault({ kind: "status", status: 422, message, route: statusRoute });
  const told = await marker(clientOf(github, github.api, github.token())).tell(notice("succeeded", { commit }), signal);
  assert.match(told.detail, /has 1000 statuses named shiplock\/production/);
  await marker(clientOf(github, github.api, github.token())).tell(
    notice("succeeded", { commit, environment: "staging" }),
    signal,
  );
  assert.equal(github.world.commitStatuses.at(-1)?.context, "shiplock/staging");
});
