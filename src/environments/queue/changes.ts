import type { DeploymentState } from "../../deploy/states.ts";
import { rememberedDeployments } from "../record/limits.ts";
import type { DeploymentEntry, EnvironmentState } from "../record/types.ts";
import type { NewTicket, Ticket } from "./types.ts";

/** How a request ends without having begun. */
export type TicketEnd = Extract<DeploymentState, "blocked" | "rejected" | "cancelled" | "superseded" | "skipped">;

/**
 * The state with another request at the end of the queue. Automatic ones that are overtaken end: of two, the one with the older commit, whichever of them came first;
 * with equal commits the one that came first. What somebody asked for by hand is never dropped.
 */
export function withTicket(state: EnvironmentState, ticket: NewTicket, at: string): EnvironmentState {
  const entered: Ticket = { ...ticket, number: state.nextTicket };
  const known: EnvironmentState = { ...state, nextTicket: state.nextTicket + 1 };
  if (entered.trigger !== "automatic") return { ...known, tickets: [...known.tickets, entered] };
  const others = known.tickets.filter((other) => other.trigger === "automatic");
  const newer = others.find((other) => Date.parse(other.commitTime) > Date.parse(entered.commitTime));
  const overtaken = newer === undefined ? others : others.filter((other) => other.deployment !== newer.deployment);
  const by = newer ?? entered;
  const entering: EnvironmentState = { ...known, tickets: [...known.tickets, entered] };
  const ended = newer === undefined ? overtaken : [entered];
  return ended.reduce(
    (next, each) => withTicketEnded(next, each.deployment, "superseded", `superseded by ${by.deployment}`, at),
    entering,
  );
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

/** The state in which requests have ended whose time is over. */
export function withExpired(state: EnvironmentState, now: Date): EnvironmentState {
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
  return { ...state, deployments: [entry, ...state.deployments].slice(0, rememberedDeployments) };
}

/** Whether a plan that was made of one state holds in another: nothing but requests, holds, approvals and reviews is different. */
export function samePresent(left: EnvironmentState, right: EnvironmentState): boolean {
  return JSON.stringify(presentOf(left)) === JSON.stringify(presentOf(right));
}

function presentOf({ live, healthy, withdrawn, automaticPaused, operation, behind }: EnvironmentState): unknown {
  return [live, healthy, withdrawn, automaticPaused, operation, behind];
}
