import { withExpired, withRefused } from "../environments/queue/changes.ts";
import type { Ticket } from "../environments/queue/types.ts";
import { type Blame, ShiplockError } from "../errors.ts";
import type { Look } from "./asking.ts";
import { refusalOf } from "./refusal.ts";
import type { DeploymentOutcome, DeploymentRequest } from "./request.ts";
import { type DeploymentState, isTerminal } from "./states.ts";
import { change, type Waiter } from "./waiter.ts";

/** Ends a request that a gate blocks, for good. */
export async function refuse(waiter: Waiter, look: Look): Promise<DeploymentOutcome> {
  const { request, ports } = waiter;
  const { end, outcome, error } = refusalOf(request.trigger, look.judgement);
  await change(waiter, (state) => withRefused(state, look.ticket, end, outcome, ports.clock.now().toISOString()));
  waiter.entered = false;
  ports.tell({ kind: "state", deployment: request.deployment, state: end, outcome });
  return ended(request, look, end, outcome, error);
}

/** Another ended the request while it waited: it was rejected, cancelled, or overtaken; or somebody who took this command for gone carries it out. */
export async function endedElsewhere(waiter: Waiter, look: Look): Promise<DeploymentOutcome> {
  const { request, ports } = waiter;
  const { deployment } = request;
  // One whose time is over has ended for everybody who looks; here it is written down.
  await change(waiter, (state) =>
    state.tickets.some((ticket) => ticket.deployment === deployment) ? withExpired(state, ports.clock.now()) : null,
  );
  const entry = look.state.deployments.find((each) => each.deployment === deployment);
  const state = entry?.state ?? "cancelled";
  if (entry !== undefined && !isTerminal(state))
    return ended(request, look, state, "another command carries it out", takenUpElsewhere(request, look));
  const outcome = entry?.outcome ?? "the request is gone from the environment record";
  ports.tell({ kind: "state", deployment, state, outcome });
  const fine = state === "superseded" || state === "skipped" || state === "succeeded";
  return ended(request, look, state, outcome, fine ? null : requestEnded(state, outcome));
}

/** What came of a request that was not begun by this command. */
export function ended(
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

/** Who has to act when a request has ended in one of these states; the gates otherwise. */
const blames: Partial<Record<DeploymentState, Blame>> = { "rolled-back": "failed", failed: "person" };

function requestEnded(state: DeploymentState, outcome: string): ShiplockError {
  return new ShiplockError({
    code: `request/${state}`,
    blame: blames[state] ?? "gate",
    message: outcome,
    remedy: "ask for it again once what is said here is settled",
  });
}

function takenUpElsewhere({ deployment, environment }: DeploymentRequest, { state }: Look): ShiplockError {
  const since = state.operation?.deployment === deployment ? ` since ${state.operation.startedAt}` : "";
  return new ShiplockError({
    code: "request/taken-up",
    blame: "gate",
    message: `this command was not heard of for a while, so another one carries ${deployment} out${since}`,
    remedy: `\`shiplock status ${environment}\` says how far it is`,
  });
}

export function behindAnother(environment: string, { deployment, origin, createdAt }: Ticket): ShiplockError {
  return new ShiplockError({
    code: "request/behind",
    blame: "gate",
    message: `${deployment} of ${origin.who}, asked for ${createdAt}, comes first in ${environment}`,
    remedy: "wait until it has ended, or leave out --no-wait",
  });
}
