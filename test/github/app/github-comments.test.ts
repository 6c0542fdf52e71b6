import assert from "node:assert/strict";
import { test } from "node:test";
import type { GitHubClient } from "../../../src/github/api/types.ts";
import { createGitHubPullRequestComments } from "../../../src/github/app/pull-comments.ts";
import { createPullRequestComment } from "../../../src/notify/pull-request.ts";
import type { Notifier } from "../../../src/notify/types.ts";
import { notifierContract } from "../../notify/contract.ts";
import { pullCommentsContract } from "../../notify/pull-comments-contract.ts";
import { notice } from "../../notify/samples.ts";
import { clientOf, merged, openGitHub, underTest } from "./simulated.ts";

const signal = new AbortController().signal;
const pullsRoute = "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls";

function commenter(client: GitHubClient): Notifier {
  const comments = createGitHubPullRequestComments(client);
  return createPullRequestComment({ name: "pull-request", project: "shop", comments });
}

pullCommentsContract({
  name: "GitHub",
  open: async (context) => {
    const github = await openGitHub(context);
    const { pull, commit, before } = await merged(github);
    return {
      ...{ pull, commit, other: before },
      comments: createGitHubPullRequestComments(
        clientOf(github, github.api, github.token({ pull_requests: "write", contents: "read" })),
      ),
      says: async (body) => void github.comment(pull, body, "mallory"),
      shown: async () => github.world.comments.filter(({ issue }) => issue === pull).map(({ body }) => body),
    };
  },
});

notifierContract({
  name: "pull-request comment",
  says: /production .*failed/,
  open: (context) =>
    underTest(context, commenter, {
      route: pullsRoute,
      // One comment, which is updated: what it said after each notice.
      heard: ({ requests }) =>
        requests.flatMap(({ method, body }) =>
          method === "POST" || method === "PATCH" ? [(body as { body: string }).body.replaceAll("&#45;", "-")] : [],
        ),
      commit: async (github) => (await merged(github)).commit,
    }),
});

test("a token that may not comment is told what it lacks", async (context) => {
  const github = await openGitHub(context);
  const { commit } = await merged(github);
  const reading = clientOf(github, github.api, github.token({ pull_requests: "read", contents: "read" }));
  const told = await commenter(reading).tell(notice("started", { commit }), signal);
  assert.ok(told.status === "failed");
  assert.match(told.remedy ?? "", /pull-requests: write/);
});

test("the pull request of a fork's commit is commented on", async (context) => {
  const github = await openGitHub(context);
  await github.push("main");
  const { number, headSha: commit } = await github.openPullRequest({ head: "patch", by: "mallory", fork: {} });
  const told = await commenter(clientOf(github, github.api, github.token())).tell(
    notice("succeeded", { commit }),
    signal,
  );
  assert.equal(told.status, "delivered");
  assert.deepEqual(
    github.world.comments.map(({ issue }) => issue),
    [number],
  );
});

test("two runners of the same moment leave one comment with what both said", async (context) => {
  const github = await openGitHub(context);
  const { commit } = await merged(github);
  const runners = ["staging", "production", "qa"].map((environment) => ({
    environment,
    notifier: commenter(clientOf(github, github.api, github.token())),
  }));
  const tell = () =>
    Promise.all(
      runners.map(({ environment, notifier }) => notifier.tell(notice("succeeded", { commit, environment }), signal)),
    );
  await tell();
  const [comment, ...more] = github.world.comments;
  assert.deepEqual(more, []);
  assert.match(comment?.body ?? "", /deployed/);
  for (const { environment, notifier } of runners)
    await notifier.tell(notice("succeeded", { commit, environment }), signal);
  const [last] = github.world.comments;
  for (const { environment } of runners) assert.match(last?.body ?? "", new RegExp(`\\| ${environment} \\|`));
});
