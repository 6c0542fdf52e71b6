import { ShiplockError } from "../errors.ts";
import type { CommitReviews, MergedPull } from "./reviews.ts";

export type FakeReviews = CommitReviews & {
  /** A commit is there. @param parent the first of its parents; null for the first of all */
  push(commit: string, parent: string | null, subject: string): void;
  /** A pull request was merged, by these commits. What was known under its number is replaced. */
  merge(pull: MergedPull, commits: readonly string[]): void;
  /** From now on nobody answers, or again. */
  setReachable(reachable: boolean): void;
};

/** A repository with its pull requests in memory. */
export function fakeReviews(): FakeReviews {
  const commits = new Map<string, { parent: string | null; subject: string }>();
  const pulls = new Map<number, { pull: MergedPull; commits: readonly string[] }>();
  let isReachable = true;

  /** The commit and its first parents. */
  function historyOf(commit: string): string[] {
    const history: string[] = [];
    for (let next: string | null = commit; next !== null; next = commits.get(next)?.parent ?? null) history.push(next);
    return history;
  }

  return {
    push: (commit, parent, subject) => void commits.set(commit, { parent, subject }),
    merge: (pull, brought) => void pulls.set(pull.number, { pull, commits: brought }),
    setReachable: (reachable) => {
      isReachable = reachable;
    },
    of: async (commit, live, { signal }) => {
      signal.throwIfAborted();
      if (!isReachable) throw new ShiplockError({ code: "github/unreachable", message: "GitHub could not be asked" });
      if (!commits.has(commit)) return { commits: [], stopAt: null };
      const isKnown = live !== null && live !== commit && commits.has(live);
      const before = new Set(isKnown ? historyOf(live) : []);
      const chain = isKnown ? historyOf(commit).filter((one) => !before.has(one)) : [];
      return {
        commits: (chain.length === 0 ? [commit] : chain).map((one) => ({
          commit: one,
          subject: commits.get(one)?.subject ?? "",
          pulls: [...pulls.values()].flatMap(({ pull, commits: brought }) => (brought.includes(one) ? [pull] : [])),
        })),
        stopAt: null,
      };
    },
  };
}
