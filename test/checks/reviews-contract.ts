import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CommitOrigin, CommitReviews } from "../../src/checks/reviews.ts";

/** What the contract needs of an implementation: a repository whose pull requests are ada's. */
export type ReviewsUnderTest = {
  readonly reviews: CommitReviews;
  /** Somebody pushes a commit to the main branch. Answers its full hash. */
  push(subject: string): Promise<string>;
  /** ada's pull request with one commit is merged, after `approvers` have approved it. Answers what the merge made. */
  merge(subject: string, approvers: readonly string[]): Promise<{ made: string; head: string; number: number }>;
  /** From now on nobody answers. */
  fallSilent(): Promise<void>;
  close(): Promise<void>;
};

/** The tests that everything passes that knows how commits came into a repository; the sentences are those of src/checks/reviews.ts. */
export function reviewsContract(name: string, open: () => Promise<ReviewsUnderTest>): void {
  describe(`how commits came into a repository, by ${name}`, () => {
    let under: ReviewsUnderTest;
    let first: string;
    const options = { signal: new AbortController().signal };
    const numbers = ({ pulls }: CommitOrigin): number[] => pulls.map(({ number }) => number);

    before(async () => {
      under = await open();
      first = await under.push("First");
    });
    after(() => under.close());

    it("is the merged pull request, with who opened it, what it brought and what was said of it", async () => {
      const { made, head, number } = await under.merge("Add a basket", ["grace", "linus"]);
      const { commits, stopAt } = await under.reviews.of(made, null, options);
      assert.equal(stopAt, null);
      assert.equal(commits.length, 1);
      const [pull] = commits[0]?.pulls ?? [];
      assert.deepEqual([pull?.number, pull?.author, pull?.head, pull?.made], [number, "ada", head, made]);
      assert.match(pull?.url ?? "", new RegExp(`/pull/${number}$`));
      assert.deepEqual(
        pull?.reviews,
        ["grace", "linus"].map((by) => ({ by, answer: "approved", commit: head, counts: true })),
      );
    });

    it("is told of everything that is new with a commit, newest first, and of nothing that is live", async () => {
      const live = await under.push("Live");
      const one = await under.merge("One", ["grace"]);
      const pushed = await under.push("Quick fix");
      const two = await under.merge("Two", ["grace"]);
      const { commits } = await under.reviews.of(two.made, live, options);
      assert.deepEqual(
        commits.map((origin) => [origin.commit, numbers(origin)]),
        [
          [two.made, [two.number]],
          [pushed, []],
          [one.made, [one.number]],
        ],
      );
      assert.equal(commits[1]?.subject, "Quick fix");
    });

    it("is told of the commit alone where it is live already, where what is live is newer, and where that is not known there", async () => {
      const older = await under.push("Older");
      const newer = await under.push("Newer");
      for (const [asked, live] of [
        [older, older],
        [older, newer],
        [newer, "f".repeat(40)],
      ] as const) {
        const { commits } = await under.reviews.of(asked, live, options);
        assert.deepEqual(
          commits.map(({ commit }) => commit),
          [asked],
        );
      }
    });

    it("is nothing for a commit that is not there", async () => {
      assert.deepEqual(await under.reviews.of("e".repeat(40), first, options), { commits: [], stopAt: null });
    });

    it("is an error, and never nothing, when nobody answers", async () => {
      await under.fallSilent();
      await assert.rejects(under.reviews.of(first, null, options), { code: /^github\/(unreachable|rate-limited)$/ });
    });
  });
}
