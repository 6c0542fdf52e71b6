import type { TestContext } from "node:test";
import { type GitHubSimulator, startGitHubSimulator } from "../../../packages/github-simulator/src/index.ts";
import { createGitHubClient } from "../../../src/github/api/client.ts";
import type { GitHubClient } from "../../../src/github/api/types.ts";
import type { Notifier } from "../../../src/notify/types.ts";
import { jumpingClock } from "../../fakes/jumping-clock.ts";
import type { OpenNotifier } from "../../notify/contract.ts";
import { deadUrl } from "../../notify/http-server.ts";

export async function openGitHub(
  context: TestContext,
  options: Parameters<typeof startGitHubSimulator>[0] = {},
): Promise<GitHubSimulator> {
  const github = await startGitHubSimulator(options);
  context.after(() => github.close());
  return github;
}

export function clientOf({ repository }: GitHubSimulator, api: string, token: string): GitHubClient {
  return createGitHubClient({
    ...{ repository, api, token: async () => token },
    ...{ clock: jumpingClock(), random: () => 0.5 },
  });
}

/** A merged pull request: its number, and the commit that it became. */
export async function merged(github: GitHubSimulator): Promise<{ pull: number; commit: string; before: string }> {
  const before = await github.push("main");
  await github.push("feature", { from: "main" });
  const { number } = await github.openPullRequest({ head: "feature" });
  return { pull: number, commit: await github.merge(number, { method: "squash" }), before };
}

/** A notifier that talks to a simulated GitHub, and what the contract needs of it. */
export async function underTest(
  context: TestContext,
  make: (client: GitHubClient) => Notifier,
  about: {
    route: string;
    heard: (github: GitHubSimulator) => readonly string[];
    commit: (github: GitHubSimulator) => Promise<string>;
  },
): Promise<OpenNotifier> {
  const github = await openGitHub(context);
  const token = github.token();
  const commit = await about.commit(github);
  const of = (api: string): Notifier => {
    const notifier = make(clientOf(github, api, token));
    return { name: notifier.name, tell: (told, until) => notifier.tell({ ...told, commit }, until) };
  };
  return {
    notifier: of(github.api),
    heard: async () => about.heard(github),
    behave: (how) => {
      const { route } = about;
      if (how === "refuses")
        github.fault({
          kind: "status",
          status: 403,
          message: "Resource not accessible by integration",
          route,
          times: 9,
        });
      else github.fault({ kind: "delay", milliseconds: 60_000, route });
    },
    secrets: [token],
    lonely: of(await deadUrl()),
  };
}
