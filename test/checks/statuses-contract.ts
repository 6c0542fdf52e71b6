import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { CommitStatus, CommitStatuses } from "../../src/checks/statuses.ts";

/** What the contract needs of an implementation. */
export type StatusesUnderTest = {
  readonly statuses: CommitStatuses;
  /** Two commits that are there, full hashes. */
  readonly commits: readonly [string, string];
  /** The CI reports something; what it reported before under this name counts no more. */
  report(commit: string, name: string, state: Exclude<CommitStatus["state"], "unknown">): Promise<void>;
  /** From now on nobody answers. */
  fallSilent(): Promise<void>;
  close(): Promise<void>;
};

/** The tests that everything passes that knows what a CI says; the sentences are those of src/checks/statuses.ts. */
export function statusesContract(name: string, open: () => Promise<StatusesUnderTest>): void {
  describe(`what a CI says, by ${name}`, () => {
    let under: StatusesUnderTest;
    const options = { signal: new AbortController().signal };
    const said = async (commit: string): Promise<Record<string, string>> =>
      Object.fromEntries((await under.statuses.of(commit, options)).map(({ name: who, state }) => [who, state]));

    before(async () => {
      under = await open();
    });
    after(() => under.close());

    it("is the newest word under each name, of exactly this commit", async () => {
      const [commit, other] = under.commits;
      await under.report(commit, "test", "failure");
      await under.report(commit, "test", "success");
      await under.report(commit, "lint", "pending");
      await under.report(other, "test", "failure");
      await under.report(other, "deploy", "success");
      assert.deepEqual(await said(commit), { test: "success", lint: "pending" });
      assert.deepEqual(await said(other), { test: "failure", deploy: "success" });
    });

    it("is nothing for a commit of which nobody has said anything", async () => {
      assert.deepEqual(await said("f".repeat(40)), {});
    });

    it("can be asked as often as one likes", async () => {
      const [commit] = under.commits;
      assert.deepEqual(await said(commit), await said(commit));
    });

    it("is an error, and never nothing, when nobody answers", async () => {
      await under.fallSilent();
      await assert.rejects(under.statuses.of(under.commits[0], options), {
        code: /^(statuses|github)\/(unreachable|rate-limited)$/,
      });
    });
  });
}
