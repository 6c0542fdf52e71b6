import type { CommitReviews } from "../checks/reviews.ts";
import type { CommitStatuses } from "../checks/statuses.ts";
import type { GatePolicy } from "../config/types-gates.ts";
import type { Config } from "../config/types.ts";
import type { DeploymentKind } from "../deploy/types.ts";
import { waitsForWorkflows } from "../environments/gates/trigger.ts";
import type { CodeFacts, Told } from "../environments/gates/types.ts";
import type { NewTicket } from "../environments/queue/types.ts";
import { ShiplockError } from "../errors.ts";
import type { CommandContext } from "./context.ts";

/** Who knows about a commit. */
type CodeHost = {
  readonly statuses: CommitStatuses;
  readonly workflows: CommitStatuses;
  readonly reviews: CommitReviews;
};

/** A request as far as it decides what has to be known of its commit. */
export type CodeQuestion = {
  readonly kind: DeploymentKind;
  readonly policy: GatePolicy;
  readonly request: Pick<NewTicket, "commit" | "trigger" | "ref">;
  /** The commit that is live; null where none is. */
  readonly live: string | null;
  readonly dirty: boolean;
};

/**
 * What GitHub says of a commit, as far as the gates of an environment depend on it; where they do not, nobody is asked. What could not be asked is an answer, too: the gates block then.
 * Throws only when it is interrupted.
 */
export async function codeFacts(context: CommandContext, config: Config, question: CodeQuestion): Promise<CodeFacts> {
  const { statuses, workflows, origins } = wantedOf(question);
  if (!statuses && !workflows && !origins) return { statuses: null, workflows: null, origins: null };
  const { commit } = question.request;
  const options = { signal: context.signal };
  const host = await codeHostOf(context, config);
  const [ofStatuses, ofWorkflows, ofOrigins] = await Promise.all([
    statuses ? told(host, (known) => known.statuses.of(commit, options)) : null,
    workflows ? told(host, (known) => known.workflows.of(commit, options)) : null,
    origins ? told(host, (known) => known.reviews.of(commit, question.live, options)) : null,
  ]);
  return { statuses: ofStatuses, workflows: ofWorkflows, origins: ofOrigins };

  async function told<T>(from: Told<CodeHost>, ask: (known: CodeHost) => Promise<T>): Promise<Told<T>> {
    if ("unreachable" in from) return from;
    try {
      return await ask(from);
    } catch (error) {
      context.signal.throwIfAborted();
      if (!(error instanceof ShiplockError)) throw error;
      return { unreachable: error.message, ...(error.remedy === undefined ? {} : { remedy: error.remedy }) };
    }
  }
}

/** Which of it the gates depend on. A rollback goes to what has passed them, and of a working tree nobody knows anything. */
function wantedOf({ kind, policy, request, dirty }: CodeQuestion): { [Part in keyof CodeFacts]: boolean } {
  const asked = kind !== "rollback" && !dirty;
  return {
    statuses: asked && policy.statuses.length > 0,
    workflows: asked && waitsForWorkflows(request, policy),
    origins: asked && policy.reviewed !== undefined,
  };
}

async function codeHostOf(context: CommandContext, config: Config): Promise<Told<CodeHost>> {
  const { githubAccess } = await import("./github.ts");
  const access = await githubAccess(context, config);
  if (access.kind === "none") return { unreachable: access.why, remedy: access.remedy };
  const [{ commitStatusesOnGitHub }, { workflowRunsOnGitHub }, { commitReviewsOnGitHub }] = await Promise.all([
    import("../github/api/commit-statuses.ts"),
    import("../github/api/workflow-runs.ts"),
    import("../github/api/commit-reviews.ts"),
  ]);
  return {
    statuses: commitStatusesOnGitHub(access.client),
    workflows: workflowRunsOnGitHub(access.client),
    reviews: commitReviewsOnGitHub(access.client),
  };
}
