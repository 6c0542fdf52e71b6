import { obstacles } from "../environments/gates/judge.ts";
import type { GateDecision } from "../environments/gates/types.ts";
import { goneOf, turnOf } from "../environments/queue/turn.ts";
import type { Ticket, Waiting } from "../environments/queue/types.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { type Look, lookAndJudge } from "./asking.ts";
import { askForLease, type HeldLease, holding, type LeaseAnswer, leaseHeld } from "./lease.ts";
import { behindAnother, ended, endedElsewhere, refuse } from "./not-begun.ts";
import type { DeploymentEvent, DeploymentOutcome, DeploymentPorts, DeploymentRequest } from "./request.ts";
import { enter, giveUp, leave, newWaiter, pause, questionOf, stayingSeen, tellOnce, type Waiter } from "./waiter.ts";

/** How often it is looked whether it is our turn, in milliseconds. */
const turnPollMs = 500;
/** How often the gates that wait are asked again, in milliseconds. */
const gatePollMs = 2_000;

/** What came of a turn: the deployment, or what kept it from beginning although it had the lease. */
export type TurnTaken =
  | { readonly kind: "begun"; readonly outcome: DeploymentOutcome }
  | { readonly kind: "kept-back"; readonly look: Look };

/** What is done when it is a request's turn. */
export type Acts = {
  /**
   * Acts under the lease.
   * @param mayBegin whether the request still stands in the queue as it has to, and comes first
   */
  begin: (
    lease: HeldLease,
    ports: DeploymentPorts,
    mayBegin: (state: EnvironmentState) => boolean,
  ) => Promise<TurnTaken>;
  /** Carries a whole other request through. */
  carryThrough: (other: DeploymentRequest) => Promise<DeploymentOutcome>;
};

/**
 * Brings a request to the point where it may act, and lets it: its gates pass, no other comes first, and the lease is held. One that waits for a gate holds no lease and
 * stands in nobody's way.
 * @throws ShiplockError `lease/held`, `request/behind` when another comes first and nobody wants to wait, and what `begin` throws
 */
export async function waitForTurn(
  request: DeploymentRequest,
  ports: DeploymentPorts,
  acts: Acts,
): Promise<DeploymentOutcome> {
  const waiter = newWaiter(request, ports);
  try {
    for (;;) {
      const outcome = await tryOnce(waiter, acts);
      if (outcome !== null) return outcome;
    }
  } catch (error) {
    await giveUp(waiter, error);
    throw error;
  } finally {
    await leave(waiter);
  }
}

/** Null when it is not the time yet; some time has passed then. */
async function tryOnce(waiter: Waiter, acts: Acts): Promise<DeploymentOutcome | null> {
  const { request, ports } = waiter;
  ports.signal.throwIfAborted();
  const look = await lookAndJudge(request, ports, "request");
  tellOnce(waiter, "requested", () => ports.tell(requestedEvent(look, request)));
  waiter.arrived ??= look.state.nextTicket;
  const turn = turnOf(look.state, questionOf(waiter));
  if (turn.kind === "ended") return endedElsewhere(waiter, look);
  waiter.entered ||= look.state.tickets.some(({ deployment }) => deployment === request.deployment);
  const { judgement } = look;
  tellOnce(waiter, `judged ${JSON.stringify(judgement.decisions)}`, () =>
    ports.tell({ kind: "judged", deployment: request.deployment, moment: "request", judgement }),
  );
  if (judgement.answer === "block") return refuse(waiter, look);
  if (judgement.answer === "wait") return waitForGates(waiter, look);
  if (turn.kind === "enter-first") {
    await enter(waiter, look, "queued", []);
    return null;
  }
  if (turn.kind === "behind") return letFirst(waiter, acts, look);

  const lease = await askForLease(request, ports);
  if (lease.kind === "held") return waitForLease(waiter, look, lease);
  const taken = await holding(lease, request, ports, (held) =>
    acts.begin(held, ports, (state) => turnOf(state, questionOf(waiter)).kind === "mine"),
  );
  return taken.kind === "begun" ? taken.outcome : keptBack(waiter, taken.look);
}

/** Under the lease the answer was another one than before: it counts, since nobody knows better. */
async function keptBack(waiter: Waiter, look: Look): Promise<DeploymentOutcome | null> {
  if (turnOf(look.state, questionOf(waiter)).kind === "ended") return endedElsewhere(waiter, look);
  if (look.judgement.answer === "block") return refuse(waiter, look);
  if (look.judgement.answer === "wait") return waitForGates(waiter, look);
  return pause(waiter, turnPollMs);
}

/** Lets the request begin that comes first: its command does that, and where that is gone, we do. */
async function letFirst(waiter: Waiter, acts: Acts, look: Look): Promise<null> {
  const seen = await waiter.ports.session.record.lastSeen();
  const turn = turnOf(look.state, questionOf(waiter), goneOf(look.state, seen));
  if (turn.kind === "take-up" && waiter.request.kind === "rollback") return passOver(waiter, turn.ticket);
  if (turn.kind === "take-up") return takeUp(waiter, acts, look, turn.ticket);
  return turn.kind === "behind" ? waitBehind(waiter, look, turn.ticket) : null;
}

async function waitForGates(waiter: Waiter, look: Look): Promise<DeploymentOutcome | null> {
  const { request, ports } = waiter;
  const against = obstacles(look.judgement);
  await enter(waiter, look, "waiting", against.map(waitingOf));
  const outcome = against.map(({ gate, reason }) => `${gate}: ${reason}`).join("; ");
  tellOnce(waiter, "waiting", () =>
    ports.tell({ kind: "state", deployment: request.deployment, state: "waiting", outcome }),
  );
  if (!(request.waitForGates ?? request.wait)) return ended(request, look, "waiting", outcome, null);
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
  { owner, host, heartbeatAgeMs }: Extract<LeaseAnswer, { kind: "held" }>,
): Promise<null> {
  const { request, ports } = waiter;
  tellOnce(waiter, `held ${owner.deployment}`, () => ports.tell({ kind: "lease-held", owner, host, heartbeatAgeMs }));
  if (!request.wait) throw leaseHeld(request.environment, owner, heartbeatAgeMs);
  // Whoever holds the lease has not said yet whose environment this is, and a request would say so first. Nobody can be ahead here.
  if (look.revision > 0) await enter(waiter, look, "queued", []);
  return pause(waiter, turnPollMs);
}

/** Somebody's request whose command is gone: it comes first, so it is carried out here, and ours keeps its place behind it. */
async function takeUp(waiter: Waiter, acts: Acts, look: Look, ticket: Ticket): Promise<null> {
  const { request, ports } = waiter;
  await enter(waiter, look, "queued", []);
  let wantsRollback: string | undefined;
  try {
    const other = await request.takeUp(ticket);
    ports.tell({ kind: "taken-up", ticket });
    const outcome = await stayingSeen(ports, [ticket.deployment, request.deployment], () =>
      acts.carryThrough({ ...other, queued: true, wait: request.wait, waitForGates: false }),
    );
    tellUnwatched(outcome, request.deployment, ports);
    ({ wantsRollback } = outcome);
  } catch (error) {
    ports.signal.throwIfAborted();
    if (isGoBackFirst(error)) throw error;
    if (!request.wait && isAnothersTurn(error)) throw error;
    ports.tell({ kind: "passed-over", ticket, reason: messageOf(error) });
  }
  // Whatever became of it: what did not end is left to somebody who can carry it out.
  waiter.passedOver.add(ticket.deployment);
  await ports.session.record.left([ticket.deployment]);
  if (wantsRollback !== undefined) throw goBackFirst(request.environment, ticket, wantsRollback);
  return null;
}

/** Who goes back wants that now: what would go live first only to be left again is left to the next deployment. */
async function passOver({ passedOver, ports }: Waiter, ticket: Ticket): Promise<null> {
  passedOver.add(ticket.deployment);
  const reason = "its command is gone, and a rollback carries out nobody's request before it goes back";
  ports.tell({ kind: "passed-over", ticket, reason });
  return null;
}

/**
 * Says of somebody's request that was carried out before another one that nothing follows it. A watch would end with the beginning of the next, and a rollback would have to
 * wait for it.
 */
export function tellUnwatched(
  { deployment, release, state, plan, wantsRollback }: DeploymentOutcome,
  next: string,
  { tell }: Pick<DeploymentPorts, "tell">,
): void {
  if (state === "succeeded" && plan !== null && plan.kind !== "rollback")
    tell({ kind: "unwatched", deployment, release, next, wantsRollback: wantsRollback ?? null });
}

function isAnothersTurn(error: unknown): boolean {
  return error instanceof ShiplockError && (error.code === "lease/held" || error.code === "request/behind");
}

/** Covered up by the next release it would be what a rollback of that one goes back to. */
function goBackFirst(environment: string, { deployment, release }: Ticket, why: string): ShiplockError {
  return new ShiplockError({
    code: "request/go-back-first",
    blame: "person",
    message: `${deployment}, which came first and was carried out here, made ${release} live, and that has to be gone back from: ${why}`,
    remedy: `run \`shiplock rollback ${environment}\`, and this command again`,
  });
}

function isGoBackFirst(error: unknown): boolean {
  return error instanceof ShiplockError && error.code === "request/go-back-first";
}

function requestedEvent({ ticket, document, state }: Look, request: DeploymentRequest): DeploymentEvent {
  const { project, environment } = request;
  return { kind: "requested", ticket, document, from: state.live?.release ?? null, project, environment };
}

function waitingOf(decision: Exclude<GateDecision, { answer: "pass" }>): Waiting {
  const { gate, reason } = decision;
  return { gate, reason, until: decision.answer === "wait" ? (decision.until?.toISOString() ?? null) : null };
}
