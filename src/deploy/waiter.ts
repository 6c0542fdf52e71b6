import {
  madeNoEarlier,
  withExpired,
  withTicket,
  withTicketChanged,
  withTicketEnded,
} from "../environments/queue/changes.ts";
import type { TurnQuestion } from "../environments/queue/turn.ts";
import type { NewTicket, Ticket, Waiting } from "../environments/queue/types.ts";
import { changeRequests } from "../environments/record/change-state.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { Look } from "./asking.ts";
import type { DeploymentEvent, DeploymentPorts, DeploymentRequest } from "./request.ts";
import type { DeploymentState } from "./states.ts";

/** How often a request that waits shows that its command is still there, in milliseconds. */
const seenEveryMs = 10_000;

/** A request on its way to its turn, and what the command that carries it out knows of it. */
export type Waiter = {
  readonly request: DeploymentRequest;
  readonly ports: DeploymentPorts;
  /** Whether the request stands in the queue, as far as we know. */
  entered: boolean;
  /** Whether it was us who put it there, so that it ends with us. */
  own: boolean;
  /** Number of the next request when this one came; null before it has looked. */
  arrived: number | null;
  readonly passedOver: Set<string>;
  /** When the command was last shown to be there; null when it never was. */
  seenAt: number | null;
  /** Name of the release document that was written with the request. */
  written: string | null;
  /** What was told already and is not told again. */
  readonly told: Set<string>;
  /** Whether it was told that the request has ended. */
  over: boolean;
};

export function newWaiter(request: DeploymentRequest, ports: DeploymentPorts): Waiter {
  const waiter: Waiter = {
    ...{ request, ports: { ...ports, tell } },
    ...{
      entered: request.queued === true,
      own: false,
      arrived: null,
      passedOver: new Set(),
      seenAt: null,
      written: null,
    },
    ...{ told: new Set(), over: false },
  };
  function tell(event: DeploymentEvent): void {
    if (event.kind === "state" && event.deployment === request.deployment && event.state !== "running")
      waiter.over = event.state !== "waiting";
    ports.tell(event);
  }
  return waiter;
}

/** What decides whose turn it is, beside the state. */
export function questionOf({ request, entered, arrived, passedOver }: Waiter): TurnQuestion {
  const { deployment, trigger } = request;
  return { deployment, trigger, entered, arrived: arrived ?? Number.POSITIVE_INFINITY, passedOver };
}

/** Puts the request into the queue, or brings it up to date there. */
export async function enter(
  waiter: Waiter,
  look: Look,
  state: Ticket["state"],
  waiting: readonly Waiting[],
): Promise<void> {
  const { request, ports } = waiter;
  const wanted: NewTicket = { ...look.ticket, state, waiting };
  const known = look.state.tickets.find(({ deployment }) => deployment === wanted.deployment);
  if (known !== undefined && says(known, wanted)) return;
  await showIt(waiter, look);
  const overtakes = await overtaking(request, look);
  await change(waiter, (newest) => {
    const now = ports.clock.now();
    const current = withExpired(newest, now);
    const there = current.tickets.find(({ deployment }) => deployment === wanted.deployment);
    if (there === undefined)
      return waiter.entered
        ? null
        : withTicket(current, wanted, now.toISOString(), (other) => overtakes(wanted, other));
    if (says(there, wanted)) return null;
    // Approvals may have come since we looked.
    return withTicketChanged(current, wanted.deployment, ({ approvals, requesters, number }) => ({
      ...wanted,
      approvals,
      requesters,
      number,
    }));
  });
  waiter.own ||= !waiter.entered;
  waiter.entered = true;
}

/** Whoever finds the request in the queue must find its release, and that its command is there. */
async function showIt(waiter: Waiter, { document, ticket }: Look): Promise<void> {
  const { record } = waiter.ports.session;
  await Promise.all([
    ...(waiter.written === document.name ? [] : [record.writeRelease(document.name, JSON.stringify(document))]),
    ...(waiter.entered ? [] : [record.seen([ticket.deployment])]),
  ]);
  waiter.written = document.name;
  waiter.seenAt ??= waiter.ports.clock.elapsed();
}

/** Which of two automatic requests has the newer commit: as git knows it here, otherwise by the time of the commits. */
async function overtaking(
  { trigger, relation }: DeploymentRequest,
  { state, ticket: { commit } }: Look,
): Promise<(wanted: NewTicket, other: Ticket) => boolean> {
  const others = trigger === "automatic" ? state.tickets.filter((ticket) => ticket.trigger === "automatic") : [];
  const relations = new Map(
    await Promise.all(
      others.map(
        async (other) => [other.commit, (await relation?.({ commit, other: other.commit })) ?? "unknown"] as const,
      ),
    ),
  );
  return (wanted, other) => {
    if (wanted.commit === other.commit) return true;
    const known = relations.get(other.commit);
    if (known === "newer" || known === "older") return known === "newer";
    return madeNoEarlier(wanted, other);
  };
}

function says(ticket: Ticket, { state, waiting, subject, document }: NewTicket): boolean {
  return (
    ticket.state === state &&
    ticket.subject === subject &&
    ticket.document === document &&
    JSON.stringify(ticket.waiting) === JSON.stringify(waiting)
  );
}

/** Lets time pass. Null, since nothing has come of it yet. */
export async function pause(waiter: Waiter, milliseconds: number): Promise<null> {
  const { request, ports } = waiter;
  await ports.clock.wait(milliseconds, ports.signal);
  const now = ports.clock.elapsed();
  if (waiter.seenAt !== null && now - waiter.seenAt >= seenEveryMs) {
    await ports.session.record.seen([request.deployment]);
    waiter.seenAt = now;
  }
  return null;
}

/** Does work that takes its time, while it stays to be seen that somebody works on these requests. */
export async function stayingSeen<T>(
  { session, clock }: DeploymentPorts,
  deployments: readonly string[],
  work: () => Promise<T>,
): Promise<T> {
  const { record } = session;
  const done = new AbortController();
  await record.seen(deployments);
  async function beat(): Promise<void> {
    for (;;) {
      await clock.wait(seenEveryMs, done.signal);
      await record.seen(deployments);
    }
  }
  // A beat that fails fails the work, too, which says so.
  const beating = beat().catch(() => undefined);
  try {
    return await work();
  } finally {
    done.abort();
    await beating;
  }
}

/** The command leaves the queue: what it leaves there may be taken up at once. */
export async function leave({ request, ports, seenAt }: Waiter): Promise<void> {
  // It is seen to be gone without this too, only later.
  if (seenAt !== null) await ports.session.record.left([request.deployment]).catch(() => undefined);
}

/** A request ends with the command that made it; what has begun by then is out of the queue and stays as it is. */
export async function giveUp(waiter: Waiter, error: unknown): Promise<void> {
  const { request, ports } = waiter;
  // Somebody else's request stays in the queue for whoever can carry it out.
  if (waiter.entered && !waiter.own) return;
  const interrupted = ports.signal.aborted;
  const refused = error instanceof ShiplockError && error.blame === "gate";
  const end: DeploymentState = refused && !interrupted ? "blocked" : "cancelled";
  const outcome = interrupted ? `cancelled by ${request.origin.who}` : `${messageOf(error)}; nothing was begun`;
  if (waiter.entered) {
    const at = ports.clock.now().toISOString();
    // What is told is the error that we ended with. Without this the request is seen to be without its command soon, and taken up by others.
    await change(waiter, (state) =>
      state.tickets.some(({ deployment }) => deployment === request.deployment)
        ? withTicketEnded(state, request.deployment, end, outcome, at)
        : null,
    ).catch(() => undefined);
  }
  if (waiter.told.has("requested") && !waiter.over)
    ports.tell({ kind: "state", deployment: request.deployment, state: end, outcome });
}

export function tellOnce({ told }: Waiter, what: string, tell: () => void): void {
  if (told.has(what)) return;
  told.add(what);
  tell();
}

export function change(
  { request, ports }: Waiter,
  how: (state: EnvironmentState) => EnvironmentState | null,
): Promise<{ state: EnvironmentState }> {
  return changeRequests(ports.session.record, request, how);
}
