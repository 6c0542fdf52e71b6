import { type GitHubSimulator, startGitHubSimulator } from "../../../packages/github-simulator/src/index.ts";
import { systemClock } from "../../../src/clock.ts";
import { createGitHubClient } from "../../../src/github/api/client.ts";
import type { GitHubClient } from "../../../src/github/api/types.ts";

export type Simulated = {
  readonly github: GitHubSimulator;
  readonly client: GitHubClient;
  /** Those of `main`, the newest last. */
  readonly commits: [string, string];
};

/** A GitHub of one's own, with two commits on `main`, and a client of it. */
export async function simulated(): Promise<Simulated> {
  const github = await startGitHubSimulator();
  const first = await github.push("main", { message: "First", files: { "a.txt": "one" } });
  const second = await github.push("main", { message: "Second", files: { "a.txt": "two" } });
  return { github, client: clientOf(github, github.token()), commits: [first, second] };
}

/** The same for one test. */
export async function withGitHub(work: (world: Simulated) => Promise<void>): Promise<void> {
  const world = await simulated();
  try {
    await work(world);
  } finally {
    await world.github.close();
  }
}

export function clientOf({ repository, api }: GitHubSimulator, token: string): GitHubClient {
  // Repeating what failed is the client's matter, and tested with it: nobody waits here.
  const clock = { ...systemClock, wait: async () => undefined };
  return createGitHubClient({ repository, api, token: async () => token, clock, random: () => 0 });
}
