import type { DeploymentState } from "../../deploy/states.ts";
import { remembered } from "../record/limits.ts";
import type { DeploymentEntry, EnvironmentState } from "../record/types.ts";
import { activeHold } from "./holds.ts";
import { samePerson } from "../identity.ts";
import type { NewTicket, Ticket } from "./types.ts";

/** How a request ends without having begun. */
export type TicketEnd = Extract<DeploymentState, "blocked" | "rejected" | "cancelled" | "superseded" | "skipped">;

/**
 * The state with another request at the end of the queue. Of two automatic ones the one with the older commit ends; with the same commit, the one that came first. What somebody
 * asked for by hand is never dropped. Where both are about the same subject, what was said of the one counts for the other: who asked for either may be no reviewer of it.
 * @param overtakes whether the new one's commit is not the older of the two; by the time of the commits, unless git knows better
 */
export function withTicket(
  state: EnvironmentState,
  ticket: NewTicket,
  at: string,
  overtakes: (other: Ticket) => boolean = (other) => madeNoEarlier(ticket, other),
): EnvironmentState {
  const entered: Ticket = { ...ticket, number: state.nextTicket };
  const known: EnvironmentState = { ...state, nextTicket: state.nextTicket + 1 };
  if (entered.trigger !== "automatic") return { ...known, tickets: [...known.tickets, entered] };
  const others = known.tickets.filter((other) => other.trigger === "automatic");
  const newer = others.find((other) => !overtakes(other));
  if (newer !== undefined) {
    const entering: EnvironmentState = { ...known, tickets: [...known.tickets, entered] };
    return withSuperseded(entering, entered, newer, at);
  }
  const heir = others.reduce<Ticket>(inheriting, entered);
  const entering: EnvironmentState = { ...known, tickets: [...known.tickets, heir] };
  return others.reduce((next, other) => withSuperseded(next, other, entered, at), entering);
}

function withSuperseded(state: EnvironmentState, ticket: Ticket, by: Ticket, at: string): EnvironmentState {
  return withTicketEnded(state, ticket.deployment, "superseded", `superseded by ${by.deployment}`, at);
}

/** Whether a request's commit was made at the same time as another's, or later. */
export function madeNoEarlier(ticket: NewTicket, other: Ticket): boolean {
  return Date.parse(ticket.commitTime) >= Date.parse(other.commitTime);
}

/** The request with the approvals and the requesters of another about the same subject, which it replaces. */
function inheriting(heir: Ticket, other: Ticket): Ticket {
  if (heir.subject !== other.subject) return heir;
  const before = other.requesters.filter((each) => !heir.requesters.some((known) => samePerson(known, each)));
  return {
    ...heir,
    requesters: [...heir.requesters, ...before],
    approvals: [...other.approvals, ...heir.approvals],
  };
}

/** The state with a request changed; the same where it is not in the queue any more. */
export function withTicketChanged(
  state: EnvironmentState,
  deployment: string,
  change: (ticket: Ticket) => Ticket,
): EnvironmentState {
  return {
    ...state,
    tickets: state.tickets.map((ticket) => (ticket.deployment === deployment ? change(ticket) : ticket)),
  };
}

/** The state in which a request has ended without having begun, with one sentence why; the same where it is not in the queue any more. */
export function withTicketEnded(
  state: EnvironmentState,
  deployment: string,
  end: TicketEnd,
  outcome: string,
  at: string,
): EnvironmentState {
  const ticket = state.tickets.find((each) => each.deployment === deployment);
  if (ticket === undefined) return state;
  return withEntry(withoutTicket(state, deployment), endedEntry(ticket, state, end, outcome, at));
}

/** The state in which a request that never stood in the queue has ended at once. */
export function withRefused(
  state: EnvironmentState,
  ticket: NewTicket,
  end: TicketEnd,
  outcome: string,
  at: string,
): EnvironmentState {
  const queued = state.tickets.some((each) => each.deployment === ticket.deployment);
  if (queued) return withTicketEnded(state, ticket.deployment, end, outcome, at);
  return withEntry(state, endedEntry({ ...ticket, number: 0 }, state, end, outcome, at));
}

/** The state without a request, because it begins. */
export function withoutTicket(state: EnvironmentState, deployment: string): EnvironmentState {
  return { ...state, tickets: state.tickets.filter((ticket) => ticket.deployment !== deployment) };
}

/** The state in which requests have ended whose time is over, and the hold whose time is over is gone. */
export function withExpired(known: EnvironmentState, now: Date): EnvironmentState {
  const hold = activeHold(known, now);
  const state = hold === known.hold ? known : { ...known, hold };
  return state.tickets
    .filter((ticket) => Date.parse(ticket.expiresAt) <= now.getTime())
    .reduce(
      (next, ticket) =>
        withTicketEnded(
          next,
          ticket.deployment,
          "cancelled",
          `it could not begin until ${ticket.expiresAt}${ticket.waiting.length === 0 ? "" : `: ${ticket.waiting.map(({ reason }) => reason).join("; ")}`}`,
          now.toISOString(),
        ),
      state,
    );
}

function endedEntry(
  ticket: Ticket,
  state: EnvironmentState,
  end: TicketEnd,
  outcome: string,
  at: string,
): DeploymentEntry {
  return {
    deployment: ticket.deployment,
    kind: ticket.kind,
    release: ticket.release,
    from: state.live?.release ?? null,
    commit: ticket.commit,
    ref: ticket.ref?.name ?? null,
    state: end,
    origin: ticket.origin,
    startedAt: ticket.createdAt,
    endedAt: at,
    outcome,
  };
}

function withEntry(state: EnvironmentState, entry: DeploymentEntry): EnvironmentState {
  return { ...state, deployments: remembered([entry, ...state.deployments], state.operation) };
}

/** Whether a plan that was made of one state holds in another: nothing but requests, holds, approvals and reviews is different. */
export function samePresent(left: EnvironmentState, right: EnvironmentState): boolean {
  return JSON.stringify(presentOf(left)) === JSON.stringify(presentOf(right));
}

function presentOf({ live, healthy, withdrawn, automaticPaused, operation, behind }: EnvironmentState): unknown {
  return [live, healthy, withdrawn, automaticPaused, operation, behind];
}
