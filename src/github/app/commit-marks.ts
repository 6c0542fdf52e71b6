import * as z from "zod";
import { ShiplockError } from "../../errors.ts";
import type { CommitMark, CommitMarks } from "../../notify/commit-status.ts";
import type { GitHubClient } from "../api/types.ts";
import { withRemedy } from "./remedy.ts";

const refused = z.object({
  message: z.string(),
  errors: z.array(z.object({ message: z.string().optional() })).optional(),
});

/** Commit statuses. A commit keeps all that were ever set, and shows the newest of each context. */
export function createGitHubCommitMarks(github: GitHubClient): CommitMarks {
  return {
    set: async (commit, mark, { signal }) => {
      const { context, state, description, url } = mark;
      const parameters = { sha: commit, context, state, description, ...targetOf(url) };
      const route = "POST /repos/{owner}/{repo}/statuses/{sha}";
      const { status, body } = await github.call({ route, parameters }, { signal, expect: [422] }).catch((error) => {
        throw withRemedy(
          error,
          "github/forbidden",
          "give the token `statuses: write`; what runs for a fork's pull request has a token that may only read",
        );
      });
      if (status === 422) throw notTaken(saidIn(body), commit, mark, github);
    },
  };
}

/** Why a call was refused: in the answer's message, or in that of its single errors. */
function saidIn(body: unknown): string {
  const read = refused.safeParse(body);
  if (!read.success) return "it does not say why";
  const { message, errors = [] } = read.data;
  return [message, ...errors.flatMap((each) => each.message ?? [])].join(": ");
}

/** GitHub takes addresses of pages and nothing else. */
function targetOf(url: string | null): { target_url?: string } {
  return url !== null && /^https?:\/\//.test(url) && URL.canParse(url) ? { target_url: url } : {};
}

function notTaken(said: string, commit: string, { context }: CommitMark, { webAddress }: GitHubClient): ShiplockError {
  const short = commit.slice(0, 7);
  if (/maximum number of statuses/i.test(said))
    return new ShiplockError({
      code: "github/statuses-full",
      message: `commit ${short} has 1000 statuses named ${context}, and GitHub takes no more`,
      remedy: "what it shows stays as it is; the next commit begins anew",
    });
  if (/no commit found/i.test(said))
    return new ShiplockError({
      code: "github/unknown-commit",
      message: `GitHub knows no commit ${short} in ${webAddress}`,
      remedy: "push it; a commit of a fork is known here once a pull request has it",
    });
  return new ShiplockError({
    code: "github/invalid",
    message: `GitHub did not take the status ${context} of commit ${short}: ${said}`,
    remedy: "if it looks right, please report it",
  });
}
