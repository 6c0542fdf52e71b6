/** What a CI says about a commit, under one name. `pending`: it has begun and has not ended. */
export type CommitStatus = {
  readonly name: string;
  readonly state: "success" | "pending" | "failure" | "unknown";
  /** Page for people; null where there is none. */
  readonly url: string | null;
};

/**
 * The statuses that a team's own CI has reported for a commit.
 *
 * - **What comes back** is the newest status of each name; a name that was never reported is not among them.
 * - **After a failure** nothing is known: who asks has to block, never to pass. Errors: `statuses/unreachable`, `statuses/refused`.
 * - **What may be repeated.** Everything; it only reads.
 */
export type CommitStatuses = {
  /** @param commit full hash */
  of(commit: string, options: { signal: AbortSignal }): Promise<readonly CommitStatus[]>;
};
