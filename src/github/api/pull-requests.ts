import * as z from "zod";
import { readAnswer, readItems } from "./read-answer.ts";
import type { CallOptions, GitHubClient } from "./types.ts";

export type PullRequest = {
  readonly number: number;
  /** Page for people. */
  readonly url: string;
};

export type NewPullRequest = {
  /** Branch of this repository whose commits it brings. */
  readonly branch: string;
  /** Branch that they go to. */
  readonly base: string;
  readonly title: string;
  readonly body: string;
};

const pullInfo = z.object({ number: z.number(), html_url: z.string() });
/** GitHub counts characters. */
const longestTitle = 256;

/** The open pull request of a branch of this repository, the newest if there are several; null where there is none. */
export async function openPullRequestOf(
  client: GitHubClient,
  branch: string,
  options: CallOptions,
): Promise<PullRequest | null> {
  const call = {
    route: "GET /repos/{owner}/{repo}/pulls",
    parameters: { state: "open", head: `${client.repository.owner}:${branch}` },
  };
  const [newest] = await readItems(client, call, options, pullInfo, { most: 1 });
  return newest === undefined ? null : { number: newest.number, url: newest.html_url };
}

/** Opens a pull request; where the branch has an open one already, that one stays as it is. */
export async function openPullRequest(
  client: GitHubClient,
  { branch, base, title, body }: NewPullRequest,
  options: CallOptions,
): Promise<PullRequest> {
  const known = await openPullRequestOf(client, branch, options);
  if (known !== null) return known;
  const short = [...title].slice(0, longestTitle).join("");
  const call = {
    route: "POST /repos/{owner}/{repo}/pulls",
    parameters: { head: branch, base, title: short, body },
  };
  const answer = await client.call(call, options);
  const { number, html_url: url } = readAnswer(pullInfo, answer.body, call.route);
  return { number, url };
}
