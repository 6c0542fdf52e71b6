import * as z from "zod";
import { ShiplockError } from "../../errors.ts";
import type { PullRequestComments } from "../../notify/pull-request.ts";
import type { CallOptions, GitHubClient } from "../api/types.ts";
import { choosePull } from "./choose-pull.ts";
import { readAnswer } from "../api/read-answer.ts";
import { withRemedy } from "./remedy.ts";

const pullAnswer = z.object({
  number: z.int(),
  state: z.string(),
  merged_at: z.string().nullish(),
  merge_commit_sha: z.string().nullish(),
  head: z.object({ sha: z.string() }),
  base: z.object({ repo: z.object({ full_name: z.string() }) }),
});

const commentAnswer = z.object({
  id: z.int(),
  html_url: z.string(),
  body: z.string().nullish(),
  user: z.object({ login: z.string(), type: z.string() }).nullish(),
});
type Comment = z.infer<typeof commentAnswer>;

/** Who a token speaks for: somebody by name; or an App, whose token cannot ask for its name. */
type Self = { readonly login: string } | "an app";

/** Lists are read so far: our comment comes early in a pull request's life. */
const mostComments = 3_000;
const mostPulls = 300;
/** So often it is looked whether the comment is as it shall be, when others write it at the same time. */
const mostRounds = 6;

/**
 * Comments on GitHub's pull requests. GitHub has no way to change one only if nobody else has: so it is looked afterwards, until there is one comment that says what it shall. Of several
 * that were made at once the oldest is kept, and takes what the others say.
 */
export function createGitHubPullRequestComments(github: GitHubClient): PullRequestComments {
  let self: Promise<Self> | null = null;

  async function marked(pull: number, marker: string, options: CallOptions): Promise<Comment[]> {
    const route = "GET /repos/{owner}/{repo}/issues/{issue_number}/comments";
    const found: Comment[] = [];
    let read = 0;
    for await (const item of github.items({ route, parameters: { issue_number: pull } }, options)) {
      const comment = readAnswer(commentAnswer, item, `the comments on #${pull}`);
      if (comment.body?.startsWith(marker) === true) found.push(comment);
      read += 1;
      if (read >= mostComments) break;
    }
    return found;
  }

  /** Our own, the oldest first. */
  async function own(pull: number, marker: string, options: CallOptions): Promise<Comment[]> {
    const found = await marked(pull, marker, options);
    if (found.length === 0) return [];
    const asking = self ?? whoAmI(github, options);
    self = asking;
    const who = await asking.catch((error) => {
      self = null;
      throw error;
    });
    return found.filter(({ user }) => isBy(user, who)).toSorted((left, right) => left.id - right.id);
  }

  async function create(pull: number, body: string, options: CallOptions): Promise<void> {
    const route = "POST /repos/{owner}/{repo}/issues/{issue_number}/comments";
    await github.call({ route, parameters: { issue_number: pull, body } }, options);
  }

  /** One that is gone meanwhile is no error: the next look finds out. */
  async function update({ id }: Comment, body: string, options: CallOptions): Promise<void> {
    const route = "PATCH /repos/{owner}/{repo}/issues/comments/{comment_id}";
    await github.call({ route, parameters: { comment_id: id, body } }, { ...options, expect: [404] });
  }

  async function takeAway({ id }: Comment, options: CallOptions): Promise<void> {
    const route = "DELETE /repos/{owner}/{repo}/issues/comments/{comment_id}";
    await github.call({ route, parameters: { comment_id: id } }, { ...options, expect: [404] });
  }

  return {
    pullOf: async (commit, { signal }) => {
      const route = "GET /repos/{owner}/{repo}/commits/{commit_sha}/pulls";
      const pulls = [];
      try {
        for await (const item of github.items({ route, parameters: { commit_sha: commit } }, { signal })) {
          const pull = readAnswer(pullAnswer, item, `the pull requests of commit ${commit.slice(0, 7)}`);
          pulls.push({
            number: pull.number,
            open: pull.state === "open",
            mergedAt: pull.merged_at ?? null,
            mergeCommit: pull.merge_commit_sha ?? null,
            head: pull.head.sha,
            into: pull.base.repo.full_name,
          });
          if (pulls.length >= mostPulls) break;
        }
      } catch (error) {
        // A commit that GitHub does not know is in no pull request.
        if (error instanceof ShiplockError && error.code === "github/invalid") return null;
        throw asComment(error);
      }
      return choosePull(pulls, commit, github.repository);
    },

    write: async (pull, marker, compose, { signal }) => {
      try {
        for (let round = 1; round <= mostRounds; round += 1) {
          const [kept, ...others] = await own(pull, marker, { signal });
          const body = compose(kept === undefined ? [] : [kept, ...others].map(textOf));
          if (kept === undefined) {
            await create(pull, body, { signal });
            continue;
          }
          const right = textOf(kept) === body;
          if (right && others.length === 0) return { url: kept.html_url };
          if (!right) await update(kept, body, { signal });
          for (const other of others) await takeAway(other, { signal });
        }
      } catch (error) {
        throw asComment(error);
      }
      throw new ShiplockError({
        code: "github/comment-contended",
        message: `the comment on #${pull} was changed by others each time it was written`,
        remedy: "nothing need be done: whoever writes it next adds what is missing",
      });
    },

    remove: async (pull, marker, { signal }) => {
      try {
        for (const comment of await own(pull, marker, { signal })) await takeAway(comment, { signal });
      } catch (error) {
        throw asComment(error);
      }
    },
  };
}

async function whoAmI(github: GitHubClient, options: CallOptions): Promise<Self> {
  try {
    const { body } = await github.call({ route: "GET /user" }, options);
    return readAnswer(z.object({ login: z.string() }), body, "whose token this is");
  } catch (error) {
    // The token of a workflow's run, or of another App: "Resource not accessible by integration".
    if (error instanceof ShiplockError && ["github/forbidden", "github/not-found"].includes(error.code))
      return "an app";
    throw error;
  }
}

/** An App cannot ask for its own name; what bears the marker and is by a bot is ours then. */
function isBy(user: Comment["user"], self: Self): boolean {
  if (!user) return false;
  return self === "an app" ? user.type === "Bot" : user.login === self.login;
}

/** Whoever edits a comment in a browser leaves other line ends in it. */
function textOf({ body }: Comment): string {
  return (body ?? "").replaceAll("\r\n", "\n").trimEnd();
}

function asComment(error: unknown): unknown {
  return withRemedy(
    error,
    "github/forbidden",
    "give the token `pull-requests: write`; what runs for a fork's pull request has a token that may only read, and nobody comments where a conversation is locked",
  );
}
