import type { Config } from "../config/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { NewPullRequest, PullRequest } from "../github/api/pull-requests.ts";
import type { CommandContext } from "./context.ts";

/** Pull requests for a revert. */
export type RevertPulls = {
  /** The open one of a branch; null where there is none. */
  openOf(branch: string): Promise<PullRequest | null>;
  /** @throws ShiplockError `revert/no-pull-request`; the branch is pushed by then */
  open(pull: NewPullRequest): Promise<PullRequest>;
};

/**
 * Pull requests on GitHub, for `--pull-request`. Nothing is asked of GitHub yet.
 * @throws ShiplockError `revert/no-github` where the repository or a token is not known, before anything is made
 */
export async function revertPulls(context: CommandContext, config: Config): Promise<RevertPulls> {
  const { githubAccess } = await import("./github.ts");
  const access = await githubAccess(context, config);
  if (access.kind === "none")
    throw new ShiplockError({
      code: "revert/no-github",
      blame: "usage",
      message: `--pull-request has to ask GitHub: ${access.why}`,
      remedy: `${access.remedy}; or push with --push, and open the pull request yourself`,
    });
  const { openPullRequest, openPullRequestOf } = await import("../github/api/pull-requests.ts");
  const { client } = access;
  const options = { signal: context.signal };
  return {
    openOf: (branch) => openPullRequestOf(client, branch, options),
    open: async (pull) => {
      const { mask } = context.output;
      try {
        return await openPullRequest(client, { ...pull, title: mask(pull.title), body: mask(pull.body) }, options);
      } catch (error) {
        context.signal.throwIfAborted();
        throw new ShiplockError({
          code: "revert/no-pull-request",
          message: `the branch ${pull.branch} is pushed, but no pull request could be opened: ${messageOf(error)}`,
          remedy: `run the command again, or open it at ${client.webAddress}/compare/${encodeURIComponent(pull.base)}...${encodeURIComponent(pull.branch)}?expand=1; the token needs \`pull-requests: write\`, and in a workflow the repository's settings have to let Actions create pull requests`,
          cause: error,
        });
      }
    },
  };
}
