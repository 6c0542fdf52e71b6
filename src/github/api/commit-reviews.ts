import * as z from "zod";
import type { CommitOrigin, CommitReviews, MergedPull, PullReview } from "../../checks/reviews.ts";
import { readAnswer, readItems } from "./read-answer.ts";
import type { CallOptions, GitHubClient } from "./types.ts";

const commitInfo = z.object({
  sha: z.string(),
  parents: z.array(z.object({ sha: z.string() })),
  commit: z.object({ message: z.string() }),
});
const pullInfo = z.object({
  number: z.number(),
  html_url: z.string(),
  user: z.object({ login: z.string() }).nullish(),
  merged_at: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  head: z.object({ sha: z.string() }),
});
const reviewInfo = z.object({
  user: z.object({ login: z.string(), type: z.string().optional() }).nullish(),
  state: z.string(),
  commit_id: z.string().nullish(),
  author_association: z.string().optional(),
});
const permissionInfo = z.object({ permission: z.string() });

type CommitInfo = z.infer<typeof commitInfo>;
type PullInfo = z.infer<typeof pullInfo>;
type ReviewInfo = z.infer<typeof reviewInfo>;

/** Commits along the first parents that are looked at. */
const mostCommits = 100;
/** Commits of which the first parents are told, those of merged branches among them. */
const mostCompared = 1_000;
/** Questions that are open at the same time. */
const atOnce = 8;

/** GitHub says so of a commit that it does not know. */
const unknownCommit = 422;

/**
 * How commits came into a repository, as GitHub knows it: by merge, squash or rebase of a pull request. Whether a reviewer may write is asked of GitHub; where the token may not know that, owners,
 * members and collaborators are believed. Bots, workflows among them, review nothing.
 */
export function commitReviewsOnGitHub(client: GitHubClient): CommitReviews {
  return {
    of: async (commit, live, { signal }) => {
      const options = { signal };
      const asked = await pullsOf(commit, options);
      if (asked === null) return { commits: [], stopAt: null };
      const { chain, stopAt } = await newWith(commit, live, options);
      const pulls = new Map([[commit, asked]]);
      if (stopAt === null)
        await eachOf(
          chain.map(({ sha }) => sha).filter((sha) => sha !== commit),
          async (sha) => void pulls.set(sha, (await pullsOf(sha, options)) ?? []),
        );
      const merged = await withReviews([...pulls.values()].flat(), options);
      const originOf = ({ sha, commit: { message } }: CommitInfo): CommitOrigin => ({
        commit: sha,
        subject: message.split("\n")[0] ?? "",
        pulls: (pulls.get(sha) ?? []).flatMap(({ number }) => merged.get(number) ?? []),
      });
      const looked = stopAt === null ? chain : chain.slice(0, 1);
      return { commits: looked.map(originOf), stopAt };
    },
  };

  /** Merged pull requests of a commit; null for a commit that is not there. */
  async function pullsOf(commit: string, options: CallOptions): Promise<PullInfo[] | null> {
    const call = {
      route: "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls",
      parameters: { commit_sha: commit, per_page: 100 },
    };
    const answer = await client.call(call, { ...options, expect: [unknownCommit] });
    if (answer.status === unknownCommit) return null;
    const found = readAnswer(z.array(pullInfo), answer.body, call.route);
    return found.filter(({ merged_at: mergedAt }) => mergedAt !== null && mergedAt !== undefined);
  }

  /** The commit, and along its first parents what the live one has not, newest first. */
  async function newWith(
    commit: string,
    live: string | null,
    options: CallOptions,
  ): Promise<{ chain: CommitInfo[]; stopAt: string | null }> {
    const alone: CommitInfo = { sha: commit, parents: [], commit: { message: "" } };
    if (live === null || live === commit) return { chain: [alone], stopAt: null };
    const call = {
      route: "GET /repos/{owner}/{repo}/compare/{basehead}",
      parameters: { basehead: `${live}...${commit}` },
    };
    const told = await readItems(client, call, { ...options, expect: [404] }, commitInfo, {
      under: "commits",
      most: mostCompared + 1,
    });
    // They are told oldest first.
    if (told.length > mostCompared) return { chain: [alone], stopAt: told[mostCommits]?.sha ?? null };
    const known = new Map(told.map((one) => [one.sha, one]));
    const chain: CommitInfo[] = [];
    for (let next = known.get(commit); next !== undefined; next = known.get(next.parents[0]?.sha ?? ""))
      chain.push(next);
    if (chain.length <= mostCommits) return { chain: chain.length === 0 ? [alone] : chain, stopAt: null };
    return { chain, stopAt: chain.at(-mostCommits)?.sha ?? null };
  }

  async function withReviews(pulls: readonly PullInfo[], options: CallOptions): Promise<Map<number, MergedPull>> {
    const distinct = new Map(pulls.map((pull) => [pull.number, pull]));
    const reviews = new Map<number, ReviewInfo[]>();
    await eachOf([...distinct.keys()], async (number) => {
      const call = {
        route: "GET /repos/{owner}/{repo}/pulls/{pull_number}/reviews",
        parameters: { pull_number: number },
      };
      reviews.set(number, await readItems(client, call, options, reviewInfo));
    });
    const writers = await whoMayWrite([...reviews.values()].flat(), options);
    return new Map(
      [...distinct.values()].map((pull) => [
        pull.number,
        {
          number: pull.number,
          url: pull.html_url,
          author: pull.user?.login ?? null,
          head: pull.head.sha,
          made: pull.merge_commit_sha ?? null,
          reviews: (reviews.get(pull.number) ?? []).flatMap((review) => reviewOf(review, writers)),
        },
      ]),
    );
  }

  /** Logins of those who gave reviews and may write to the repository. */
  async function whoMayWrite(reviews: readonly ReviewInfo[], options: CallOptions): Promise<ReadonlySet<string>> {
    const logins = new Set(reviews.flatMap((review) => (mayBeWriter(review) ? [review.user?.login ?? ""] : [])));
    const writers = new Set<string>();
    await eachOf([...logins], async (login) => {
      const call = {
        route: "GET /repos/{owner}/{repo}/collaborators/{username}/permission",
        parameters: { username: login },
      };
      const answer = await client.call(call, { ...options, expect: [403, 404] });
      const mayNotKnow = answer.status === 403;
      const writes =
        answer.status === 200 &&
        ["admin", "write"].includes(readAnswer(permissionInfo, answer.body, call.route).permission);
      if (mayNotKnow || writes) writers.add(login);
    });
    return writers;
  }
}

/** Strangers to the repository, who may comment on what is public, need not be asked about. */
function mayBeWriter({ user, author_association: association }: ReviewInfo): boolean {
  if (user === null || user === undefined || user.type === "Bot") return false;
  return association === undefined || ["OWNER", "MEMBER", "COLLABORATOR"].includes(association);
}

function reviewOf({ user, state, commit_id: commit }: ReviewInfo, writers: ReadonlySet<string>): PullReview[] {
  const answer = answers[state];
  if (answer === undefined || user === null || user === undefined) return [];
  return [{ by: user.login, answer, commit: commit ?? null, counts: writers.has(user.login) }];
}

/** What is a word for or against it; comments, and reviews that were not sent yet, are none. */
const answers: Readonly<Record<string, PullReview["answer"]>> = {
  APPROVED: "approved",
  CHANGES_REQUESTED: "changes-requested",
  DISMISSED: "dismissed",
};

async function eachOf<T>(all: readonly T[], work: (one: T) => Promise<void>): Promise<void> {
  const left = [...all];
  const workers = Array.from({ length: Math.min(atOnce, left.length) }, async () => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) await work(next);
  });
  await Promise.all(workers);
}
