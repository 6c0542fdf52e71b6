/** What somebody has said of a pull request, the newest word of each person last. A mere comment is none. */
export type PullReview = {
  /** Login. */
  readonly by: string;
  /** `dismissed`: it was an approval or a request for changes, and somebody has taken it back. */
  readonly answer: "approved" | "changes-requested" | "dismissed";
  /** The commit that was looked at, full hash; null where nobody knows any more. */
  readonly commit: string | null;
  /** Whether it is a person, who may write to the repository. */
  readonly counts: boolean;
};

/** A pull request that was merged. */
export type MergedPull = {
  readonly number: number;
  /** Page for people. */
  readonly url: string;
  /** Login; null for an account that is gone. */
  readonly author: string | null;
  /** Last commit of its branch, full hash. */
  readonly head: string;
  /** What the merge made: the merge commit, the squashed one, the last of those that were rebased. */
  readonly made: string | null;
  /** In the order in which they were given. */
  readonly reviews: readonly PullReview[];
};

/** A commit and the merged pull requests that it belongs to. */
export type CommitOrigin = {
  /** Full hash. */
  readonly commit: string;
  readonly subject: string;
  readonly pulls: readonly MergedPull[];
};

/** Commits that shall be deployed, each with how it came: the one that is asked for first, then what is new with it, newest first. */
export type Origins = {
  readonly commits: readonly CommitOrigin[];
  /** Where more is new with it than anybody looks at: a commit to be deployed first, with which that much is new; nothing but the commit itself was looked at then. Null otherwise. */
  readonly stopAt: string | null;
};

/**
 * How commits came into the repository.
 *
 * - **What comes back** is the commit that is asked for and, along its first parents, what it has and the live one has not. Where the live one is not known there, or nothing is
 *   live, it is the commit alone.
 * - **After a failure** nothing is known: who asks has to block, never to pass. Errors: those of the client.
 * - **What may be repeated.** Everything; it only reads.
 */
export type CommitReviews = {
  /**
   * @param commit full hash
   * @param live the commit that is live, full hash; null where none is
   */
  of(commit: string, live: string | null, options: { signal: AbortSignal }): Promise<Origins>;
};
