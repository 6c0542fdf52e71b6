import type { Reviewers } from "../config/types-gates.ts";
import { isOverdue, openReviews, reviewSentence } from "../environments/emergency/reviews.ts";
import { countingApprovals, stillNeeded } from "../environments/queue/answers.ts";
import { activeHold, holdText } from "../environments/queue/holds.ts";
import type { Ticket } from "../environments/queue/types.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { type Paint, printable } from "./output.ts";

export type RequestsSeen = {
  state: EnvironmentState;
  /** Requests whose command is gone. */
  gone: ReadonlySet<string>;
  reviewers: Reviewers | undefined;
  now: Date;
};

/** What stands in the way of an environment, or waits for it, each a line: its hold, its requests, and emergencies that nobody has looked at yet. */
export function requestLines(seen: RequestsSeen, paint: Paint): string[] {
  const { state, now } = seen;
  const hold = activeHold(state, now);
  return [
    ...(hold === null ? [] : [paint.yellow(printable(holdText(hold)))]),
    ...state.tickets.flatMap((ticket) => ticketLines(ticket, seen, paint)),
    ...openReviews(state).map((review) => {
      const text = printable(reviewSentence(review, state.environment, now));
      return isOverdue(review, now) ? paint.red(text) : paint.yellow(text);
    }),
  ];
}

/** Whether a request waits for somebody's approval. */
export function waitsForApproval({ waiting }: Ticket): boolean {
  return waiting.some(({ gate }) => gate === "reviewers");
}

function ticketLines(ticket: Ticket, seen: RequestsSeen, paint: Paint): string[] {
  const { deployment, kind, release, origin, createdAt, ref, commit, state } = ticket;
  const what = `${kind} of ${release} ${printable(ref?.name ?? commit.slice(0, 7))}`;
  const by = `asked for by ${printable(origin.who)} ${createdAt}${ticket.trigger === "automatic" ? " (automatic)" : ""}`;
  return [
    `${paint.cyan(state)} ${paint.bold(deployment)}: ${what}, ${by}`,
    ...waitingLines(ticket, seen),
    ...approvalLines(ticket, seen),
    `  ${attendedLine(ticket, seen)}; it ends ${ticket.expiresAt}`,
  ];
}

/** What a request waits for. How many approvals it needs was said before the first one came; from then on `approvalLines` says it. */
export function waitingLines(ticket: Ticket, { reviewers, now }: RequestsSeen): string[] {
  const some = reviewers !== undefined && countingApprovals(ticket, reviewers, now).length > 0;
  return ticket.waiting
    .filter(({ gate }) => gate !== "reviewers" || !some)
    .map(({ gate, reason }) => `  waits for ${gate}: ${printable(reason)}`);
}

/** Who has approved a request, and who may. */
export function approvalLines(ticket: Ticket, { state, reviewers, now }: RequestsSeen): string[] {
  if (reviewers === undefined) return [];
  const counting = countingApprovals(ticket, reviewers, now);
  const stale = ticket.approvals.filter(({ subject }) => subject !== ticket.subject);
  const needed = stillNeeded(ticket, reviewers, now);
  return [
    ...counting.map(
      ({ by, at, comment }) =>
        `  approved by ${printable(by.name)} ${at}${comment === null ? "" : `: ${printable(comment)}`}`,
    ),
    ...stale.map(
      ({ by, at }) =>
        `  what ${printable(by.name)} approved ${at} was something else: it has changed since, and that counts no more`,
    ),
    ...(needed === 0
      ? []
      : [
          `  ${needed} more of ${reviewers.named.map(printable).join(", ")} ${needed === 1 ? "has" : "have"} to approve: \`shiplock approve ${state.environment} ${ticket.deployment}\``,
        ]),
  ];
}

function attendedLine({ deployment, origin, waiting }: Ticket, { state, gone }: RequestsSeen): string {
  if (!gone.has(deployment)) return `its command waits at ${printable(origin.from)}`;
  const when = waiting.length === 0 ? "" : " once it waits for nothing any more";
  return `its command is gone: \`shiplock resume ${state.environment} ${deployment}\` carries it out${when}`;
}
