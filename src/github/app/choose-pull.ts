import type { GitHubRepository } from "../api/types.ts";

/** What is known of a pull request that a commit is in. */
export type PullOfCommit = {
  readonly number: number;
  readonly open: boolean;
  /** ISO 8601; null for one that was not merged. */
  readonly mergedAt: string | null;
  readonly mergeCommit: string | null;
  readonly head: string;
  /** The repository that it shall be merged into: `acme/shop`. */
  readonly into: string;
};

/**
 * The one pull request that a commit came through: that which was merged as this very commit; or else the last one that was merged with it; or else the open one that ends with it, or
 * at least has it. One that was closed without being merged brought nothing.
 */
export function choosePull(
  pulls: readonly PullOfCommit[],
  commit: string,
  { owner, name }: GitHubRepository,
): PullOfCommit | null {
  const here = pulls
    .filter(({ into }) => into.toLowerCase() === `${owner}/${name}`.toLowerCase())
    .toSorted((left, right) => left.number - right.number);
  const merged = here.filter(({ mergedAt }) => mergedAt !== null);
  const open = here.filter(({ open: is }) => is);
  return (
    merged.find(({ mergeCommit }) => mergeCommit === commit) ??
    merged.toSorted((left, right) => Date.parse(left.mergedAt ?? "") - Date.parse(right.mergedAt ?? "")).at(-1) ??
    open.find(({ head }) => head === commit) ??
    open[0] ??
    null
  );
}
