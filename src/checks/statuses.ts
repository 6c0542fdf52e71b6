/** What a CI says about a commit, under one name. `pending`: it has not ended. `unknown`: it has ended and says neither yes nor no. */
export type CommitStatus = {
  readonly name: string;
  readonly state: "success" | "pending" | "failure" | "unknown";
  /** Page for people; null where there is none. */
  readonly url: string | null;
};

/**
 * What a team's own CI has reported for a commit: statuses of its jobs, or runs of its workflows.
 *
 * - **What comes back** is the newest report of each name; where several reporters share a name, the worst of their newest. A name that was never reported is not among them.
 * - **After a failure** nothing is known: who asks has to block, never to pass. Errors: `statuses/unreachable`, or those of the client of GitHub's API.
 * - **What may be repeated.** Everything; it only reads.
 */
export type CommitStatuses = {
  /** @param commit full hash */
  of(commit: string, options: { signal: AbortSignal }): Promise<readonly CommitStatus[]>;
};
