import type { RequestError } from "@octokit/request-error";
import { messageOf, ShiplockError } from "../../errors.ts";
import { isRateLimited } from "./repeat.ts";
import type { GitHubRepository } from "./types.ts";

/** No answer came. */
export function unreachable(cause: unknown, route: string, api: string, overAfterMs: number | null): ShiplockError {
  const why = overAfterMs === null ? messageOf(cause) : `no answer within ${overAfterMs / 1000} s`;
  return new ShiplockError({
    code: "github/unreachable",
    message: `GitHub could not be asked (${route}): ${why}`,
    where: api,
    remedy: "look at the network from here, and at https://www.githubstatus.com",
    cause,
  });
}

/** Something that no header can carry: mostly a file with more than the token in it. */
export function badToken(): ShiplockError {
  return new ShiplockError({
    code: "github/bad-token",
    blame: "usage",
    message: "the token for GitHub is empty, or holds spaces, line ends or other characters that no token has",
    remedy: "look at where it comes from; a token is one word",
  });
}

/** The answer was a refusal. The token stands nowhere in it. */
export function answerError(error: RequestError, route: string, { owner, name }: GitHubRepository): ShiplockError {
  const [code, remedy] = isRateLimited(error)
    ? (["rate-limited", "wait until GitHub lets this token ask again, or take another one"] as const)
    : (meanings[error.status] ??
      (["failed", "try again; https://www.githubstatus.com says whether GitHub is ill"] as const));
  return new ShiplockError({
    code: `github/${code}`,
    message: `GitHub answered ${error.status} for ${owner}/${name} (${route}): ${firstLine(error.message)}`,
    remedy,
    cause: error,
  });
}

/** A proxy answers with a page. */
function firstLine(text: string): string {
  const [line = ""] = text.trim().split(/[\r\n]/, 1);
  return line.length <= longestReason ? line : `${line.slice(0, longestReason)}…`;
}

const longestReason = 400;

const meanings: Readonly<Record<number, readonly [string, string]>> = {
  401: ["unauthorized", "the token is wrong or has expired; in a workflow, hand on `github.token`"],
  403: ["forbidden", "the token lacks a permission; in a workflow, write it under `permissions` of the job"],
  404: ["not-found", "look at the repository's name, and whether the token may see it"],
  409: ["conflict", "look at what is there already"],
  422: ["invalid", "look at what was sent; if it looks right, please report it"],
};
