import type { Reviewers } from "../../config/types-gates.ts";
import { ShiplockError } from "../../errors.ts";
import { asked, flawOf, mayReview } from "../gates/reviewers.ts";
import { type Identity, samePerson } from "../identity.ts";
import type { EnvironmentState } from "../record/types.ts";
import { withTicketChanged, withTicketEnded } from "./changes.ts";
import type { Approval, Ticket } from "./types.ts";

/** Who answers a request, when, and what they add. */
export type Answering = { readonly by: Identity; readonly now: Date; readonly comment: string | null };

/**
 * Approvals that count now: of what is asked for today, not too old, each person's once, of people who may give them.
 * @param reviewers of the environment
 */
export function countingApprovals(
  ticket: Pick<Ticket, "approvals" | "subject" | "requesters">,
  reviewers: Reviewers,
  now: Date,
): Approval[] {
  return ticket.approvals
    .filter((approval) => approval.answer === "approve" && flawOf(approval, reviewers, ticket, now) === null)
    .filter(({ by }, index, all) => all.findIndex((other) => samePerson(other.by, by)) === index);
}

/**
 * The request that somebody means.
 * @param deployment as they wrote it; null for the only one there is
 * @param which names the kind of request in messages: "waiting for an approval"
 * @throws ShiplockError `request/none`, `request/several`, `request/over`, `request/begun`, `request/unknown`
 */
export function requestMeant(
  state: EnvironmentState,
  deployment: string | null,
  which = "waiting",
  among: (ticket: Ticket) => boolean = () => true,
): Ticket {
  if (deployment !== null)
    return state.tickets.find((ticket) => ticket.deployment === deployment) ?? throwing(notWaiting(state, deployment));
  const [first, ...others] = state.tickets.filter(among);
  if (first === undefined) throw noneWaits(state.environment, which);
  if (others.length > 0) throw severalWait(state.environment, which, [first, ...others]);
  return first;
}

/**
 * The state with an approval of a request. With the last one that is needed, and nothing else that waits, the request wants its turn.
 * @throws ShiplockError `approve/not-asked`, `approve/no-reviewer`, `approve/own-request`, `approve/twice`
 */
export function withApproval(
  state: EnvironmentState,
  ticket: Ticket,
  { by, now, comment }: Answering,
  reviewers: Reviewers | undefined,
): EnvironmentState {
  const policy = demandReviewer(state.environment, by, reviewers, "approve");
  if (!policy.selfReview && asked(ticket, by)) throw ownRequest(ticket, policy);
  if (countingApprovals(ticket, policy, now).some((given) => samePerson(given.by, by)))
    throw approvedTwice(state.environment, ticket, by, stillNeeded(ticket, policy, now));
  const given: Approval = { by, at: now.toISOString(), answer: "approve", comment, subject: ticket.subject };
  return withTicketChanged(state, ticket.deployment, (known) => {
    const approved: Ticket = { ...known, approvals: [...known.approvals, given] };
    if (stillNeeded(approved, policy, now) > 0) return approved;
    const waiting = approved.waiting.filter(({ gate }) => gate !== "reviewers");
    return { ...approved, waiting, state: waiting.length === 0 ? "queued" : approved.state };
  });
}

/** How many more people have to approve. */
export function stillNeeded(
  ticket: Pick<Ticket, "approvals" | "subject" | "requesters">,
  reviewers: Reviewers,
  now: Date,
): number {
  return Math.max(0, reviewers.count - countingApprovals(ticket, reviewers, now).length);
}

/**
 * The state in which a reviewer has refused a request.
 * @throws ShiplockError `approve/not-asked`, `approve/no-reviewer`
 */
export function withRejection(
  state: EnvironmentState,
  { deployment }: Ticket,
  { by, now, comment }: Answering,
  reviewers: Reviewers | undefined,
): EnvironmentState {
  demandReviewer(state.environment, by, reviewers, "reject");
  return withTicketEnded(state, deployment, "rejected", `rejected by ${by.name}: ${comment ?? ""}`, now.toISOString());
}

/** The state in which somebody has called off a request; anybody may. */
export function withCancelled(state: EnvironmentState, { deployment }: Ticket, { by, now }: Answering) {
  return withTicketEnded(state, deployment, "cancelled", `cancelled by ${by.name}`, now.toISOString());
}

function demandReviewer(
  environment: string,
  by: Identity,
  reviewers: Reviewers | undefined,
  command: string,
): Reviewers {
  if (reviewers === undefined)
    throw new ShiplockError({
      code: "approve/not-asked",
      blame: "usage",
      message: `nobody has to approve a deployment of ${environment}: its configuration names no reviewers`,
      remedy:
        command === "reject"
          ? `end a request with \`shiplock cancel ${environment}\``
          : `\`shiplock status ${environment}\` says what a request waits for`,
    });
  if (mayReview(reviewers, by)) return reviewers;
  throw new ShiplockError({
    code: "approve/no-reviewer",
    blame: "gate",
    message: `${by.name} is no reviewer of ${environment}`,
    remedy: `ask one of: ${namedWith(reviewers)}`,
    details: [`known here as: ${[by.name, ...by.aliases].join(", ")}`],
  });
}

/** As the configuration names them, and who that is. */
function namedWith({ named, people }: Reviewers): string {
  const written = named.join(", ");
  const all = people.join(", ");
  return written === all ? all : `${written} (${all})`;
}

function ownRequest({ deployment, requesters }: Ticket, reviewers: Reviewers): ShiplockError {
  return new ShiplockError({
    code: "approve/own-request",
    blame: "gate",
    message: `${deployment} was asked for by ${requesters.map(({ name }) => name).join(" and ")}, and who asks does not approve`,
    remedy: `ask somebody else of: ${namedWith(reviewers)}`,
  });
}

function approvedTwice(
  environment: string,
  { deployment, waiting }: Ticket,
  { name }: Identity,
  needed: number,
): ShiplockError {
  const goesOn =
    waiting.length === 0
      ? `it has all its approvals: its command goes on, or \`shiplock resume ${environment} ${deployment}\` carries it out`
      : `it has all its approvals; \`shiplock status ${environment}\` says what else it waits for`;
  return new ShiplockError({
    code: "approve/twice",
    blame: "usage",
    message: `${name} has approved ${deployment} already, and counts once`,
    remedy: needed > 0 ? "somebody else has to approve it, too" : goesOn,
  });
}

function noneWaits(environment: string, which: string): ShiplockError {
  return new ShiplockError({
    code: "request/none",
    blame: "usage",
    message: `no request is ${which} in ${environment}`,
    remedy: `\`shiplock status ${environment}\` says what is asked for, \`shiplock history ${environment}\` what became of it`,
  });
}

function severalWait(environment: string, which: string, tickets: readonly Ticket[]): ShiplockError {
  return new ShiplockError({
    code: "request/several",
    blame: "usage",
    message: `${tickets.length} requests are ${which} in ${environment}`,
    remedy: "name the one that is meant",
    details: tickets.map(
      ({ deployment, release, origin, createdAt }) =>
        `${deployment}: ${release}, asked for by ${origin.who} ${createdAt}`,
    ),
  });
}

function notWaiting({ environment, deployments, tickets }: EnvironmentState, deployment: string): ShiplockError {
  const entry = deployments.find((each) => each.deployment === deployment);
  if (entry === undefined)
    return new ShiplockError({
      code: "request/unknown",
      blame: "usage",
      message: `${environment} has no request ${JSON.stringify(deployment)}`,
      remedy:
        tickets.length === 0
          ? "nothing is asked for there"
          : `name one of: ${tickets.map((each) => each.deployment).join(", ")}`,
    });
  if (entry.endedAt === null)
    return new ShiplockError({
      code: "request/begun",
      blame: "gate",
      message: `${deployment} began ${entry.startedAt}: it waits for nothing any more`,
      remedy: `interrupt its command with Ctrl-C; where that is gone, run \`shiplock abort ${environment}\``,
    });
  return new ShiplockError({
    code: "request/over",
    blame: "usage",
    message: `${deployment} ended ${entry.endedAt} as ${entry.state}: ${entry.outcome ?? "nobody said why"}`,
    remedy: `deploy once more if it is still wanted`,
  });
}

function throwing(error: ShiplockError): never {
  throw error;
}
