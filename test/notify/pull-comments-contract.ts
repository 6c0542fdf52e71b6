import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { PullRequestComments } from "../../src/notify/pull-request.ts";

export type PullCommentsUnderTest = {
  name: string;
  open(context: TestContext): Promise<{
    comments: PullRequestComments;
    /** A commit of a pull request, with that one's number, and one that came through none. */
    commit: string;
    pull: number;
    other: string;
    /** Somebody else writes on the pull request. */
    says(body: string): Promise<void>;
    /** All that stands on the pull request, oldest first. */
    shown(): Promise<readonly string[]>;
  }>;
};

/** The tests that everything which comments on pull requests passes; the sentences are those of src/notify/pull-request.ts. */
export function pullCommentsContract({ name, open }: PullCommentsUnderTest): void {
  const options = { signal: new AbortController().signal };
  const marker = "<!-- ours -->";
  const adding =
    (word: string) =>
    (bodies: readonly string[]): string => {
      const words = new Set(bodies.flatMap((body) => body.split("\n").slice(1)));
      return [marker, ...[...words.add(word)].sort()].join("\n");
    };

  describe(`comments on pull requests in ${name}`, () => {
    it("are on the pull request that a commit came through", async (context) => {
      const { comments, commit, pull, other } = await open(context);
      assert.equal((await comments.pullOf(commit, options))?.number, pull);
      assert.equal(await comments.pullOf(other, options), null);
    });

    it("are one for each marker, which goes on saying what it said", async (context) => {
      const { comments, pull, shown } = await open(context);
      await comments.write(pull, marker, adding("a"), options);
      await comments.write(pull, marker, adding("b"), options);
      await comments.write(pull, "<!-- another -->", () => "<!-- another -->\nc", options);
      assert.deepEqual(await shown(), [`${marker}\na\nb`, "<!-- another -->\nc"]);
    });

    it("are found again after what others write, of which nothing is changed, not even what begins like ours", async (context) => {
      const { comments, pull, says, shown } = await open(context);
      await says(`${marker}\nforged`);
      await comments.write(pull, marker, adding("a"), options);
      await says("looks good");
      await comments.write(pull, marker, adding("b"), options);
      assert.deepEqual(await shown(), [`${marker}\nforged`, `${marker}\na\nb`, "looks good"]);
    });

    it("are taken away alone, and taking away what is not there changes nothing", async (context) => {
      const { comments, pull, says, shown } = await open(context);
      await says(`${marker}\nforged`);
      await comments.write(pull, marker, adding("a"), options);
      await comments.write(pull, "<!-- another -->", () => "<!-- another -->", options);
      await comments.remove(pull, marker, options);
      await comments.remove(pull, marker, options);
      assert.deepEqual(await shown(), [`${marker}\nforged`, "<!-- another -->"]);
    });

    it("say where they are", async (context) => {
      const { comments, pull } = await open(context);
      const first = await comments.write(pull, marker, adding("a"), options);
      assert.match(first.url, /^https?:\/\//);
      assert.deepEqual(await comments.write(pull, marker, adding("a"), options), first);
    });
  });
}
