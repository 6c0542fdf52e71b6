import type { CommitMark, CommitMarks } from "./commit-status.ts";

/** Marks without a host of repositories. */
export type FakeCommitMarks = CommitMarks & {
  /** What a commit shows now: of each context the newest mark. */
  shown(commit: string): readonly CommitMark[];
};

/** @param commits those that are known; others cannot be marked */
export function createFakeCommitMarks(commits: readonly string[]): FakeCommitMarks {
  const marks = new Map<string, Map<string, CommitMark>>(commits.map((commit) => [commit, new Map()]));
  return {
    set: async (commit, mark, { signal }) => {
      signal.throwIfAborted();
      const known = marks.get(commit);
      if (known === undefined) throw new Error(`there is no commit ${commit.slice(0, 7)}`);
      known.set(mark.context, { ...mark });
    },
    shown: (commit) => [...(marks.get(commit)?.values() ?? [])],
  };
}
