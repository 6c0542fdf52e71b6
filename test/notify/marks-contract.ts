import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { CommitMark, CommitMarks } from "../../src/notify/commit-status.ts";

export type MarksUnderTest = {
  name: string;
  open(context: TestContext): Promise<{
    marks: CommitMarks;
    /** Full hashes of two commits that are there. */
    commits: readonly [string, string];
    /** What a commit shows now. */
    shown(commit: string): Promise<readonly CommitMark[]>;
  }>;
};

/** The tests that everything which marks commits passes; the sentences are those of src/notify/commit-status.ts. */
export function commitMarksContract({ name, open }: MarksUnderTest): void {
  const signal = new AbortController().signal;
  const mark = (change: Partial<CommitMark> = {}): CommitMark => ({
    ...{ context: "shiplock/staging", state: "pending", description: "r1 → r2", url: "https://shop.example.com/" },
    ...change,
  });
  const byContext = (left: CommitMark, right: CommitMark): number => (left.context < right.context ? -1 : 1);

  describe(`marks beside commits in ${name}`, () => {
    it("are shown as they were set, also without an address", async (context) => {
      const { marks, commits, shown } = await open(context);
      const all = [mark(), mark({ context: "shiplock/production", state: "failure", url: null })];
      for (const one of all) await marks.set(commits[0], one, { signal });
      assert.deepEqual((await shown(commits[0])).toSorted(byContext), all.toSorted(byContext));
      assert.deepEqual(await shown(commits[1]), []);
    });

    it("replace each other within a context, and setting one again changes nothing", async (context) => {
      const { marks, commits, shown } = await open(context);
      for (const state of ["pending", "error", "success", "success"] as const)
        await marks.set(commits[0], mark({ state }), { signal });
      assert.deepEqual(await shown(commits[0]), [mark({ state: "success" })]);
    });

    it("take 140 characters of any kind", async (context) => {
      const { marks, commits, shown } = await open(context);
      const description = "é → 𝄞 <b> | ` ".repeat(20).slice(0, 140);
      await marks.set(commits[0], mark({ description }), { signal });
      assert.equal((await shown(commits[0]))[0]?.description, description);
    });

    it("cannot be set beside a commit that is not there, which is said in a sentence", async (context) => {
      const { marks } = await open(context);
      await assert.rejects(marks.set("d".repeat(40), mark(), { signal }), /no commit ddddddd/);
    });

    it("are not set when time is over", async (context) => {
      const { marks, commits, shown } = await open(context);
      await assert.rejects(marks.set(commits[0], mark(), { signal: AbortSignal.abort() }));
      assert.deepEqual(await shown(commits[0]), []);
    });
  });
}
