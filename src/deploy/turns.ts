import { obstacles } from "../environments/gates/judge.ts";
import type { GateDecision } from "../environments/gates/types.ts";
import {
  withExpired,
  withRefused,
  withTicket,
  withTicketChanged,
  withTicketEnded,
} from "../environments/queue/changes.ts";
import { turnOf } from "../environments/queue/turn.ts";
import type { NewTicket, Ticket, Waiting } from "../environments/queue/types.ts";
import { changeRequests } from "../environments/record/change-state.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { type Look, lookAndJudge } from "./asking.ts";
import { askForLease, type HeldLease, holding, leaseHeld } from "./lease.ts";
import type { DeploymentEvent, DeploymentOutcome, DeploymentPorts, DeploymentRequest } from "./request.ts";
import type { DeploymentState } from "./states.ts";

/** How often it is looked whether it is our turn. */
const turnPollMs = 500;
/** How often the gates that wait are asked again. */
const gatePollMs = 2_000;
/** How often a request that waits shows that its command is still there. */
const seenEveryMs = 10_000;
/** Who was not seen for so long is gone. */
const goneAfterMs = 60_000;

/** What is done when it is a request's turn. */
export type Acts = {
  /** Acts under the lease; null when the gates have another answer there, and nothing was begun. */
  begin: (lease: HeldLease) => Promise<DeploymentOutcome | null>;
  /** Carries a whole other request through. */
  carryThrough: (other: DeploymentRequest) => Promise<DeploymentOutcome>;
};

type Waiter = {
  request: DeploymentRequest;
  ports: DeploymentPorts;
  acts: Acts;
  /** Whether the request stands in the queue, as far as we know. */
  entered: boolean;
  /** Whether it was us who put it there, so that it ends with us. */
  own: boolean;
  passedOver: Set<string>;
  seenAt: number | null;
  /** What was told already and is not told again. */
  told: Set<string>;
  /** Whether it was told that the request has ended. */
  over: boolean;
};

/**
 * Brings a request to the point where it may act, and lets it: its gates pass, no other comes first, and the lease is held. One that waits for a gate holds no lease and
 * stands in nobody's way.
 * @throws ShiplockError `lease/held` when another holds the lease and nobody wants to wait, and what `begin` throws
 */
export async function waitForTurn(
  request: DeploymentRequest,
  ports: DeploymentPorts,
  acts: Acts,
): Promise<DeploymentOutcome> {
  const waiter: Waiter = {
    ...{ request, acts, ports: { ...ports, tell } },
    ...{ entered: false, own: false, passedOver: new Set(), seenAt: null, told: new Set(), over: false },
  };
  function tell(event: DeploymentEvent): void {
    if (event.kind === "state" && event.deployment === request.deployment && event.state !== "running")
      waiter.over = event.state !== "waiting";
    ports.tell(event);
  }
  try {
    for (;;) {
      const outcome = await tryOnce(waiter);
      if (outcome !== null) return outcome;
    }
  } catch (error) {
    // Somebody else's request stays in the queue for whoever can carry it out.
    if (waiter.own || !waiter.entered) await giveUp(waiter, error);
    throw error;
  }
}

/** Null when it is not the time yet; some time has passed then. */
async function tryOnce(waiter: Waiter): Promise<DeploymentOutcome | null> {
  const { request, ports, acts } = waiter;
  ports.signal.throwIfAborted();
  const look = await lookAndJudge(request, ports, "request");
  tellOnce(waiter, "requested", () => ports.tell(requestedEvent(look, request)));
  const { judgement } = look;
  tellOnce(waiter, `judged ${JSON.stringify(judgement.decisions)}`, () =>
    ports.tell({ kind: "judged", deployment: request.deployment, moment: "request", judgement }),
  );
  const queued = look.state.tickets.some(({ deployment }) => deployment === request.deployment);
  if (waiter.entered && !queued) return endedElsewhere(look, request, ports);
  waiter.entered ||= queued;
  const { answer } = look.judgement;
  if (answer === "block") return refuse(waiter, look);
  if (answer === "wait") return waitForGates(waiter, look);

  const turn = await turnNow(waiter, look.state);
  if (turn.kind === "take-up") return takeUp(waiter, turn.ticket);
  if (turn.kind === "behind") return waitBehind(waiter, look, turn.ticket);

  const lease = await askForLease(request, ports);
  if (lease.kind === "held") return waitForLease(waiter, look, lease);
  const outcome = await holding(lease, request, ports, acts.begin);
  if (outcome === null) await ports.clock.wait(turnPollMs, ports.signal);
  return outcome;
}

async function turnNow(
  { request, ports, passedOver }: Waiter,
  state: EnvironmentState,
): Promise<ReturnType<typeof turnOf>> {
  const turn = turnOf(state, request.deployment, new Set(), passedOver);
  if (turn.kind === "mine") return turn;
  const seen = await ports.session.record.lastSeen();
  const gone = state.tickets
    .map(({ deployment }) => deployment)
    .filter((deployment) => (seen.get(deployment) ?? Number.POSITIVE_INFINITY) > goneAfterMs);
  return turnOf(state, request.deployment, new Set(gone), passedOver);
}

async function waitForGates(waiter: Waiter, look: Look): Promise<DeploymentOutcome | null> {
  const { request, ports } = waiter;
  const against = obstacles(look.judgement);
  await enter(waiter, look, "waiting", against.map(waitingOf));
  const outcome = against.map(({ gate, reason }) => `${gate}: ${reason}`).join("; ");
  tellOnce(waiter, "waiting", () =>
    ports.tell({ kind: "state", deployment: request.deployment, state: "waiting", outcome }),
  );
  if (!request.wait) return ended(request, look, "waiting", outcome, null);
  return pause(waiter, gatePollMs);
}

async function waitBehind(waiter: Waiter, look: Look, ticket: Ticket): Promise<null> {
  const { request, ports } = waiter;
  if (!request.wait) throw behindAnother(request.environment, ticket);
  await enter(waiter, look, "queued", []);
  tellOnce(waiter, `behind ${ticket.deployment}`, () =>
    ports.tell({ kind: "behind", deployment: request.deployment, ticket }),
  );
  return pause(waiter, turnPollMs);
}

async function waitForLease(
  waiter: Waiter,
  look: Look,
  { owner, host, heartbeatAgeMs }: { owner: Parameters<typeof leaseHeld>[1]; host: string; heartbeatAgeMs: number },
): Promise<null> {
  const { request, ports } = waiter;
  tellOnce(waiter, `held ${owner.deployment}`, () => ports.tell({ kind: "lease-held", owner, host, heartbeatAgeMs }));
  if (!request.wait) throw leaseHeld(request.environment, owner, heartbeatAgeMs);
  await enter(waiter, look, "queued", []);
  return pause(waiter, turnPollMs);
}

/** Somebody's request whose command is gone: it comes first, so it is carried out here. */
async function takeUp(waiter: Waiter, ticket: Ticket): Promise<null> {
  const { request, ports, acts } = waiter;
  try {
    const other = await request.takeUp(ticket);
    ports.tell({ kind: "taken-up", ticket });
    await acts.carryThrough({ ...other, wait: false });
  } catch (error) {
    ports.signal.throwIfAborted();
    ports.tell({ kind: "passed-over", ticket, reason: messageOf(error) });
  }
  // Whatever became of it: what did not end is left to somebody who can carry it out.
  waiter.passedOver.add(ticket.deployment);
  return null;
}

async function refuse(waiter: Waiter, look: Look): Promise<DeploymentOutcome> {
  const { request, ports } = waiter;
  const against = obstacles(look.judgement).flatMap((decision) => (decision.answer === "block" ? [decision] : []));
  const skipped = request.trigger === "automatic" && against.every(({ skips }) => skips === true);
  const end = skipped ? "skipped" : "blocked";
  const outcome = against.map(({ reason }) => reason).join("; ");
  await change(waiter, (state) => withRefused(state, look.ticket, end, outcome, ports.clock.now().toISOString()));
  waiter.entered = false;
  ports.tell({ kind: "state", deployment: request.deployment, state: end, outcome });
  return ended(request, look, end, outcome, skipped ? null : blockedBy(against));
}

/** Another ended the request while it waited: it was rejected, cancelled, or overtaken. */
function endedElsewhere(look: Look, request: DeploymentRequest, ports: DeploymentPorts): DeploymentOutcome {
  const entry = look.state.deployments.find(({ deployment }) => deployment === request.deployment);
  const state = entry?.state ?? "cancelled";
  const outcome = entry?.outcome ?? "the request is gone from the environment record";
  ports.tell({ kind: "state", deployment: request.deployment, state, outcome });
  const fine = state === "superseded" || state === "skipped";
  return ended(request, look, state, outcome, fine ? null : requestEnded(state, outcome));
}

function ended(
  { deployment, environment }: DeploymentRequest,
  { document, state, judgement }: Look,
  reached: DeploymentState,
  outcome: string,
  error: ShiplockError | null,
): DeploymentOutcome {
  const from = state.live?.release ?? null;
  return {
    deployment,
    environment,
    state: reached,
    release: document.release.id,
    from,
    outcome,
    error,
    plan: null,
    judgement,
  };
}

/** Puts the request into the queue, or brings it up to date there. */
async function enter(waiter: Waiter, look: Look, state: Ticket["state"], waiting: readonly Waiting[]): Promise<void> {
  const { ports } = waiter;
  const wanted: NewTicket = { ...look.ticket, state, waiting };
  if (!waiter.entered) {
    const { document } = look;
    await Promise.all([
      ports.session.record.writeRelease(document.name, JSON.stringify(document)),
      ports.session.record.seen([wanted.deployment]),
    ]);
    waiter.seenAt = ports.clock.elapsed();
    waiter.own = true;
  }
  await change(waiter, (known) => {
    const now = ports.clock.now();
    const current = withExpired(known, now);
    const there = current.tickets.find(({ deployment }) => deployment === wanted.deployment);
    if (there === undefined) return waiter.entered ? null : withTicket(current, wanted, now.toISOString());
    if (there.state === state && sameWaiting(there.waiting, waiting) && there.subject === wanted.subject) return null;
    // Approvals may have come since we looked.
    return withTicketChanged(current, wanted.deployment, ({ approvals, requesters, number }) => ({
      ...wanted,
      approvals,
      requesters,
      number,
    }));
  });
  waiter.entered = true;
}

function sameWaiting(left: readonly Waiting[], right: readonly Waiting[]): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

async function pause(waiter: Waiter, milliseconds: number): Promise<null> {
  const { request, ports } = waiter;
  await ports.clock.wait(milliseconds, ports.signal);
  const now = ports.clock.elapsed();
  if (waiter.own && now - (waiter.seenAt ?? 0) >= seenEveryMs) {
    await ports.session.record.seen([request.deployment]);
    waiter.seenAt = now;
  }
  return null;
}

/** A request ends with the command that made it; what has begun by then is out of the queue and stays as it is. */
async function giveUp(waiter: Waiter, error: unknown): Promise<void> {
  const { request, ports } = waiter;
  const interrupted = ports.signal.aborted;
  const refused = error instanceof ShiplockError && error.blame === "gate";
  const end = refused && !interrupted ? "blocked" : "cancelled";
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

function requestedEvent({ ticket, document, state }: Look, request: DeploymentRequest): DeploymentEvent {
  const { project, environment } = request;
  return { kind: "requested", ticket, document, from: state.live?.release ?? null, project, environment };
}

function tellOnce({ told }: Waiter, what: string, tell: () => void): void {
  if (told.has(what)) return;
  told.add(what);
  tell();
}

function waitingOf(decision: Exclude<GateDecision, { answer: "pass" }>): Waiting {
  const { gate, reason } = decision;
  return { gate, reason, until: decision.answer === "wait" ? (decision.until?.toISOString() ?? null) : null };
}

function blockedBy(against: readonly Extract<GateDecision, { answer: "block" }>[]): ShiplockError {
  const [first, ...others] = against;
  return new ShiplockError({
    code: `gate/${first?.gate ?? "unknown"}`,
    blame: "gate",
    message: first?.reason ?? "a gate blocks",
    ...(first === undefined ? {} : { remedy: first.remedy }),
    details: others.map(({ gate, reason, remedy }) => `${gate}: ${reason}; ${remedy}`),
  });
}

function requestEnded(state: DeploymentState, outcome: string): ShiplockError {
  return new ShiplockError({
    code: `request/${state}`,
    blame: "gate",
    message: outcome,
    remedy: "ask for it again once what is said here is settled",
  });
}

function behindAnother(environment: string, { deployment, origin, createdAt }: Ticket): ShiplockError {
  return new ShiplockError({
    code: "request/behind",
    blame: "gate",
    message: `${deployment} of ${origin.who}, asked for ${createdAt}, comes first in ${environment}`,
    remedy: "wait until it has ended, or leave out --no-wait",
  });
}

function change(
  { request, ports }: Waiter,
  how: (state: EnvironmentState) => EnvironmentState | null,
): Promise<{ state: EnvironmentState }> {
  return changeRequests(ports.session.record, request, how);
}
