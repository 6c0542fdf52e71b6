import { messageOf, ShiplockError } from "../../errors.ts";

/** What was written, nobody would go by. */
export function notBelieved(): ShiplockError {
  return new ShiplockError({
    code: "ledger/github-not-believed",
    message:
      "the token is one of an app, and what an app writes is not believed by other machines: neither that checks have passed nor what was deployed; take the token of the workflow's run, `github.token`, or a person's",
  });
}

/** @param waitedMs how long was waited for it */
export function noAnswer(waitedMs: number): ShiplockError {
  return new ShiplockError({
    code: "github/unreachable",
    message: `no answer within ${waitedMs / 1000} s`,
    remedy: "look at the network from here, and at https://www.githubstatus.com",
  });
}

/** Somebody has waited for nothing; what is refused at once costs the next one no time. */
export function isSilent(error: unknown): boolean {
  return error instanceof ShiplockError && error.code === "github/unreachable";
}

/** No answer, or one that GitHub gives when it is ill: it may be over soon, and what was asked may have happened. */
export function isPassing(error: unknown): boolean {
  return error instanceof ShiplockError && (error.code === "github/unreachable" || error.code === "github/failed");
}

/** Why something is not on GitHub, and what to do where it is the usual reason. */
export function whyNot(error: unknown): string {
  const refused = error instanceof ShiplockError && error.code === "github/forbidden";
  if (!refused) return messageOf(error);
  return `${messageOf(error)}; give the job \`deployments: write\` and \`checks: write\`; what runs for a fork's pull request has a token that may only read`;
}
