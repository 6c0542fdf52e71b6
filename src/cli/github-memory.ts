import type { BoardMemory } from "../ledger/github/board.ts";
import type { Silence } from "../ledger/github/ledger.ts";

/** What a command remembers of GitHub, so that its parts ask once, and complain once. */
export type GitHubMemory = {
  /** Records on GitHub that were read. */
  readonly board: BoardMemory;
  /** Warnings that were given. */
  readonly warned: Set<string>;
  /** Whether it is waited for. */
  readonly silence: Silence;
};

export function createGitHubMemory(): GitHubMemory {
  return { board: { lists: new Map(), settled: new Map() }, warned: new Set(), silence: { until: 0 } };
}
