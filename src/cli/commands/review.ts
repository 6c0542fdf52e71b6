import { isOverdue, openReviews, reviewRefusal, withReviewed } from "../../environments/emergency/reviews.ts";
import type { DueReview } from "../../environments/queue/types.ts";
import type { EnvironmentState } from "../../environments/record/types.ts";
import { ShiplockError } from "../../errors.ts";
import { argument, optionalArgument, proseFlag } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withRequests } from "../with-requests.ts";
import type { Flags } from "./table.ts";

/** Ends the review that an emergency left behind: somebody else has looked at it. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const comment = proseFlag(flags, "comment");
  if (comment === null) throw commentMissing();
  const named = optionalArgument(args, 1);
  return withRequests(context, argument(args, 0), async ({ environment, by: who, now: clock, write }) => {
    const now = clock();
    let reviewed: DueReview | null = null;
    const state = await write((known) => {
      reviewed = chosen(known, named);
      const refusal = reviewRefusal(reviewed, who, environment.gates.reviewers);
      if (refusal !== null)
        throw new ShiplockError({
          code: "review/refused",
          blame: "gate",
          message: refusal.reason,
          remedy: refusal.remedy,
        });
      return withReviewed(known, reviewed.deployment, who, now.toISOString(), output.mask(comment));
    });
    const { deployment, release, by, reason, passed, dueBy } = reviewed ?? chosen(state, named);
    const open = openReviews(state);
    output.result({ deployment, release, by, reason, passed, dueBy, reviewedBy: who, comment, due: open });
    output.line(
      `${output.paint.green("reviewed")}: the emergency ${deployment} of ${release} by ${by.name} (${reason})`,
    );
    for (const { gate, reason: said } of passed) output.line(`  it passed ${gate}, which said: ${said}`);
    const overdue = open.filter((review) => isOverdue(review, now)).length;
    if (open.length > 0)
      output.line(
        `  ${open.length} more ${open.length === 1 ? "waits" : "wait"} for a review: ${open.map((review) => review.deployment).join(", ")}${overdue === 0 ? "" : output.paint.red(` (${overdue} overdue)`)}`,
      );
    return exitCodes.done;
  });
}

/** The review that is meant: by its deployment, or the only one that is due. */
function chosen(state: EnvironmentState, named: string | null): DueReview {
  const open = openReviews(state);
  const [first, ...others] = open;
  if (named !== null) {
    const found = state.reviews.find(({ deployment }) => deployment === named);
    if (found !== undefined) return found;
  } else if (first !== undefined && others.length === 0) return first;
  const due = open.map(({ deployment, release, by }) => `${deployment} (${release}, by ${by.name})`).join(", ");
  throw new ShiplockError({
    code: "review/unknown",
    blame: "usage",
    message:
      named === null
        ? open.length === 0
          ? `no emergency of ${state.environment} waits for a review`
          : `${open.length} emergencies of ${state.environment} wait for a review`
        : `${JSON.stringify(named)} is no emergency of ${state.environment}`,
    remedy: due === "" ? "nothing is left to review here" : `name one of: ${due}`,
  });
}

function commentMissing(): ShiplockError {
  return new ShiplockError({
    code: "review/comment-missing",
    blame: "usage",
    message: "a review says what came of it",
    remedy: 'add --comment "…": what was found, and what is done so that it need not happen again',
  });
}
