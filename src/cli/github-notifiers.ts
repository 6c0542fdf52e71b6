import type { Config, Notify } from "../config/types.ts";
import { createGitHubCommitMarks } from "../github/app/commit-marks.ts";
import { createGitHubPullRequestComments } from "../github/app/pull-comments.ts";
import { createCommitStatus } from "../notify/commit-status.ts";
import { createPullRequestComment } from "../notify/pull-request.ts";
import type { Notifier } from "../notify/types.ts";
import type { CommandContext } from "./context.ts";
import { githubAccess } from "./github.ts";

/** Who marks commits and comments on pull requests. GitHub is looked for when there is something to tell. */
export function githubNotifier(
  context: CommandContext,
  config: Config,
  { name }: Pick<Notify, "name">,
  kind: "commit-status" | "pull-request",
): Notifier {
  let made: Notifier | null = null;
  return {
    name,
    tell: async (notice, signal) => {
      if (made === null) {
        const access = await githubAccess({ ...context, signal }, config);
        if (access.kind === "none")
          return { status: "failed", tries: 0, detail: access.why, remedy: access.remedy, remember: null };
        const { client } = access;
        made =
          kind === "commit-status"
            ? createCommitStatus({ name, marks: createGitHubCommitMarks(client) })
            : createPullRequestComment({
                ...{ name, project: config.project },
                comments: createGitHubPullRequestComments(client),
              });
      }
      return made.tell(notice, signal);
    },
  };
}
