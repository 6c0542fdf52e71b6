import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commitReviewsOnGitHub } from "../../../src/github/api/commit-reviews.ts";
import type { GitHubClient } from "../../../src/github/api/types.ts";
import { reviewsContract } from "../../checks/reviews-contract.ts";
import { type Simulated, simulated, withGitHub } from "./simulated.ts";

const options = { signal: new AbortController().signal };

/** A branch of ada's with a commit, and its pull request. */
async function openPull({ github }: Simulated, branch: string): Promise<{ head: string; number: number }> {
  github.person("ada");
  const head = await github.push(branch, { message: branch, files: { [`${branch}.txt`]: "new" }, by: "ada" });
  const { number } = await github.openPullRequest({ head: branch, title: branch, by: "ada" });
  return { head, number };
}

for (const method of ["merge", "squash"] as const)
  reviewsContract(`GitHub, with ${method === "merge" ? "merge commits" : "squashed ones"}`, async () => {
    const world = await simulated();
    const { github } = world;
    let branches = 0;
    return {
      reviews: commitReviewsOnGitHub(world.client),
      push: (subject) => github.push("main", { message: subject }),
      merge: async (_subject, approvers) => {
        branches += 1;
        const { head, number } = await openPull(world, `branch-${branches}`);
        for (const by of approvers) {
          github.person(by);
          await github.review(number, { by, state: "APPROVED" });
        }
        return { made: await github.merge(number, { by: "ada", method }), head, number };
      },
      fallSilent: async () => github.setRateLimit(0),
      close: () => github.close(),
    };
  });

describe("how a pull request was reviewed on GitHub", () => {
  it("says what was approved, refused, dismissed, in order; a comment is no word, and a stranger's does not count", () =>
    withGitHub(async (world) => {
      const { github, client } = world;
      const { head, number } = await openPull(world, "basket");
      for (const by of ["grace", "linus"]) github.person(by);
      github.person("eve", "read");
      await github.review(number, { by: "linus", state: "CHANGES_REQUESTED" });
      const early = await github.review(number, { by: "grace", state: "APPROVED" });
      await github.review(number, { by: "eve", state: "APPROVED" });
      await github.review(number, { by: "grace", state: "COMMENTED" });
      github.dismissReview(number, early.id, "ada");
      const newer = await github.push("basket", { message: "more", files: { "more.txt": "1" }, by: "ada" });
      await github.review(number, { by: "linus", state: "APPROVED" });
      const made = await github.merge(number, { by: "ada", method: "squash" });
      const [origin] = (await commitReviewsOnGitHub(client).of(made, null, options)).commits;
      assert.equal(origin?.pulls[0]?.head, newer);
      assert.deepEqual(origin?.pulls[0]?.reviews, [
        { by: "linus", answer: "changes-requested", commit: head, counts: true },
        { by: "grace", answer: "dismissed", commit: head, counts: true },
        { by: "eve", answer: "approved", commit: head, counts: false },
        { by: "linus", answer: "approved", commit: newer, counts: true },
      ]);
    }));

  it("says nothing of a pull request that is open", () =>
    withGitHub(async (world) => {
      const { client } = world;
      const { head } = await openPull(world, "basket");
      const { commits } = await commitReviewsOnGitHub(client).of(head, null, options);
      assert.deepEqual(
        commits.map(({ commit, pulls }) => [commit, pulls]),
        [[head, []]],
      );
    }));

  it("counts no review of a bot: a workflow that approves has looked at nothing", () =>
    withGitHub(async (world) => {
      const { github, client } = world;
      const { number } = await openPull(world, "basket");
      const { bot } = github.world.actions;
      github.world.accounts.set(bot.login, { account: bot, role: "write" });
      await client.call(
        {
          route: "POST /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
          parameters: { pull_number: number, event: "APPROVE" },
        },
        options,
      );
      const made = await github.merge(number, { by: "ada" });
      const [origin] = (await commitReviewsOnGitHub(client).of(made, null, options)).commits;
      assert.deepEqual(
        origin?.pulls[0]?.reviews.map(({ by, counts }) => [by, counts]),
        [["github-actions[bot]", false]],
      );
    }));

  it("is not asked for hundreds of commits one by one: a commit is named that is deployed first, with a hundred new ones", async () => {
    const hashes = Array.from({ length: 150 }, (_, index) => `${index + 1}`.padStart(40, "0"));
    const asked: string[] = [];
    const commits = hashes.map((sha, index) => ({
      ...{ sha, parents: [{ sha: hashes[index - 1] ?? "0".repeat(40) }] },
      commit: { message: `Change ${index + 1}\n\nwith more words` },
    }));
    const client: GitHubClient = {
      ...{ repository: { owner: "acme", name: "shop" }, webAddress: "https://github.com/acme/shop" },
      call: async ({ route }) => {
        asked.push(route);
        return { status: 200, body: [] };
      },
      items: async function* ({ route }, _options, list = () => []) {
        yield* list(route.includes("/compare/") ? { commits } : []);
      },
    };
    const newest = hashes.at(-1) ?? "";
    const { commits: looked, stopAt } = await commitReviewsOnGitHub(client).of(newest, "f".repeat(40), options);
    assert.deepEqual([looked.map(({ commit }) => commit), looked[0]?.subject], [[newest], "Change 150"]);
    assert.equal(stopAt, hashes[99]);
    assert.equal(asked.length, 1);
  });
});
