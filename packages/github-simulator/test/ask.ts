import { request } from "@octokit/request";
import { RequestError } from "@octokit/request-error";
import type { TestContext } from "node:test";
import { type GitHubSimulator, type SimulatorOptions, startGitHubSimulator } from "../src/index.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- what GitHub answers is looked at property by property, and the simulator has held it against the description
export type Body = any;
export type Told = { status: number; body: Body; headers: Readonly<Record<string, unknown>> };
export type Ask = (route: string, parameters?: Readonly<Record<string, unknown>>) => Promise<Told>;

/** A simulator that is closed after the test, which fails when anything did not fit GitHub's description. */
export async function github(context: TestContext, options: SimulatorOptions = {}): Promise<GitHubSimulator> {
  const simulator = await startGitHubSimulator(options);
  context.after(async () => await simulator.close());
  return simulator;
}

/** Asks with GitHub's own client; `{owner}` and `{repo}` are filled in, and refusals are answers. */
export function asking(simulator: GitHubSimulator, token: string | null = simulator.token()): Ask {
  const { owner, name: repo } = simulator.repository;
  const headers = token === null ? {} : { authorization: `token ${token}` };
  return async function ask(route, parameters = {}) {
    // What a route has no place for would go into its query.
    const named = route.includes("{owner}") ? { owner, repo } : {};
    try {
      const answer = await request(route, { baseUrl: simulator.api, ...named, headers, ...parameters });
      return { status: answer.status, body: answer.data, headers: answer.headers };
    } catch (error) {
      if (!(error instanceof RequestError) || error.response === undefined) throw error;
      return { status: error.status, body: error.response.data, headers: error.response.headers };
    }
  };
}

/** A clock that stands still until a test moves it. */
export function heldClock(start = "2026-11-21T22:00:00Z"): { now(): Date; forward(milliseconds: number): void } {
  let at = new Date(start).getTime();
  return { now: () => new Date(at), forward: (milliseconds) => void (at += milliseconds) };
}
