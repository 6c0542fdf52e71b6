import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { choosePull, type PullOfCommit } from "../../../src/github/app/choose-pull.ts";
import { createGitHubPullRequestComments } from "../../../src/github/app/pull-comments.ts";
import { createCommentServer } from "./comment-server.ts";

const signal = new AbortController().signal;
const marker = "<!-- ours -->";

/** Adds a line to those that are there. */
function adding(word: string): (bodies: readonly string[]) => string {
  return (bodies) => {
    const words = new Set(bodies.flatMap((body) => body.split("\n").slice(1)));
    return [marker, ...[...words.add(word)].sort()].join("\n");
  };
}

test("of runners that comment at the same moment one comment is left, and it says what the last of them said", async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), fc.integer({ min: 2, max: 3 }), async (scheduler, runners) => {
      const server = createCommentServer();
      const writing = Array.from({ length: runners }, async (_, index) => {
        const client = server.client("shiplock-ci", (route) => scheduler.schedule(Promise.resolve(), route));
        const comments = createGitHubPullRequestComments(client);
        const done = await comments.write(12, marker, adding(`runner-${index}`), { signal }).then(
          () => true,
          (error: { code?: string }) => {
            assert.equal(error.code, "github/comment-contended");
            return false;
          },
        );
        return { done, comments };
      });
      const ended = await scheduler.waitFor(Promise.all(writing));
      assert.equal(server.comments.length, 1, "one comment is left");
      assert.ok(ended.some(({ done }) => done));
      for (const [index, { comments }] of ended.entries())
        await scheduler.waitFor(comments.write(12, marker, adding(`runner-${index}`), { signal }));
      assert.deepEqual(
        server.comments.map(({ body }) => body),
        [[marker, ...ended.map((_, index) => `runner-${index}`)].join("\n")],
        "who writes again adds what is missing",
      );
    }),
    { numRuns: 150 },
  );
});

test("a comment of its own that was made twice becomes one, which says what both said", async () => {
  const server = createCommentServer();
  server.comments.push({ id: -2, body: `${marker}\na`, by: "ci" }, { id: -1, body: `${marker}\nb`, by: "ci" });
  await createGitHubPullRequestComments(server.client("ci")).write(12, marker, adding("c"), { signal });
  assert.deepEqual(
    server.comments.map(({ id, body }) => [id, body]),
    [[-2, `${marker}\na\nb\nc`]],
  );
});

test("a token of an App finds its comment by its author being a bot, and one of a person by the name", async () => {
  const server = createCommentServer();
  const forged = { id: -1, body: `${marker}\nforged`, by: "mallory" };
  server.comments.push(forged);
  await createGitHubPullRequestComments(server.client(null)).write(12, marker, adding("a"), { signal });
  await createGitHubPullRequestComments(server.client("ada")).write(12, marker, adding("b"), { signal });
  await createGitHubPullRequestComments(server.client(null)).write(12, marker, adding("c"), { signal });
  assert.deepEqual(
    server.comments.map(({ by, body }) => [by, body]),
    [
      ["mallory", forged.body],
      ["shiplock[bot]", `${marker}\na\nc`],
      ["ada", `${marker}\nb`],
    ],
  );
});

test("a comment that somebody saved in a browser is not written again for its line ends, and one update is three calls", async () => {
  const server = createCommentServer();
  server.comments.push({ id: 1, body: `${marker}\r\na\r\n`, by: "ci" });
  const comments = createGitHubPullRequestComments(server.client("ci"));
  await comments.write(12, marker, adding("a"), { signal });
  assert.equal(server.comments[0]?.body, `${marker}\r\na\r\n`);
  server.calls.length = 0;
  await comments.write(12, marker, adding("b"), { signal });
  assert.deepEqual(
    server.calls.map((call) => call.split(" ")[0]),
    ["GET", "PATCH", "GET"],
  );
});

const commit = "c".repeat(40);
const pull = (number: number, change: Partial<PullOfCommit> = {}): PullOfCommit => ({
  ...{ number, open: true, mergedAt: null, mergeCommit: null, head: "d".repeat(40), into: "acme/shop" },
  ...change,
});
const merged = (number: number, at: string, mergeCommit = "e".repeat(40)) =>
  pull(number, { open: false, mergedAt: at, mergeCommit });

test("a commit came through the pull request that was merged as it, or else the last that was, or else the open one", () => {
  const table: readonly (readonly [readonly PullOfCommit[], number | null])[] = [
    [[], null],
    [[pull(3), pull(2, { head: commit })], 2],
    [[pull(3), pull(2)], 2],
    [[pull(2, { head: commit }), merged(3, "2026-01-01T00:00:00Z")], 3],
    [[merged(3, "2026-01-01T00:00:00Z"), merged(2, "2026-02-01T00:00:00Z")], 2],
    [[merged(3, "2026-01-01T00:00:00Z", commit), merged(2, "2026-02-01T00:00:00Z")], 3],
    [[pull(1, { open: false })], null],
    [[pull(1, { head: commit, into: "mallory/shop" })], null],
    [[pull(1, { into: "Acme/Shop" })], 1],
  ];
  for (const [pulls, expected] of table) {
    assert.equal(choosePull(pulls, commit, { owner: "acme", name: "shop" })?.number ?? null, expected);
    const turned = pulls.toReversed();
    assert.equal(choosePull(turned, commit, { owner: "acme", name: "shop" })?.number ?? null, expected);
  }
});
