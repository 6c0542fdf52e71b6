import type { GateName } from "../config/types-gates.ts";
import { reviewOf, withDueReview } from "../environments/emergency/reviews.ts";
import type { Judgement } from "../environments/gates/types.ts";
import type { DueReview, Hold, NewTicket, TicketOptions } from "../environments/queue/types.ts";
import { samePresent } from "../environments/queue/changes.ts";
import { changeState } from "../environments/record/change-state.ts";
import { withEnded, withOperation } from "../environments/record/changes.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import { type End, maskedEnd, describeResult } from "./outcome.ts";
import { type Look, lookAndJudge } from "./asking.ts";
import type { PreparedDeployment } from "./planning.ts";
import type { DeploymentOutcome, DeploymentPorts, DeploymentRequest } from "./request.ts";
import type { RunOptions, RunResult } from "./run.ts";
import type { DeploymentState } from "./states.ts";
import type { Plan } from "./types.ts";

/** Whoever writes without the lease (a request, a hold) may come between the plan and its beginning, many times in a row. */
const mostTries = 200;

/** Unless the request says otherwise. */
const reviewWithinMs = 24 * 3_600_000;

/**
 * Works on a deployment that was told as planned, and tells how it ended also where an error ends it: whoever keeps the history must not believe that it still
 * runs. `mayBeRecorded` says whether the environment record may hold it by now, so that only `resume` or `abort` can end it; what it does not hold has not begun, and
 * ends as the request that it was.
 */
export async function tellingEnd<T>(
  plan: Plan,
  ports: DeploymentPorts,
  mask: (text: string) => string,
  work: (mayBeRecorded: (recorded: boolean) => void) => Promise<T>,
): Promise<T> {
  let recorded = false;
  try {
    return await work((maybe) => {
      recorded = maybe;
    });
  } catch (error) {
    if (recorded)
      ports.tell({
        kind: "state",
        deployment: plan.deployment,
        state: "interrupted",
        outcome: mask(messageOf(error)),
      });
    throw error;
  }
}

/**
 * Writes plan and release, and then that the deployment is in progress: from there on it has to be ended, by whomever. Where somebody wrote a request, a hold or an
 * approval since the plan was made, the gates are asked once more, so that nothing slips between their answer and the beginning.
 * @returns null when it began; what was seen then when the gates have another answer by now, or it may not begin any more
 * @throws ShiplockError `record/changed` when what the plan was made of is not so any more; nothing was begun then
 */
export async function recordBeginning(
  prepared: PreparedDeployment,
  request: DeploymentRequest,
  {
    fence,
    mayBegin,
    mayBeRecorded,
  }: { fence: number; mayBegin: (state: EnvironmentState) => boolean; mayBeRecorded: (recorded: boolean) => void },
  ports: DeploymentPorts,
): Promise<Look | null> {
  const { plan, document, ticket } = prepared;
  const { record } = ports.session;
  const written = Promise.all([
    record.writeRelease(document.name, JSON.stringify(document)),
    record.writeOperation(plan),
  ]).then(() => mayBeRecorded(true));
  // It is heard through the swap, which may fail before it listens.
  written.catch(() => undefined);
  let { state, revision, judgement } = prepared;
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const { trigger, ref, commitTime } = ticket;
    const asked = { trigger, ref, commitTime, by: request.asker };
    const now = ports.clock.now();
    const options = usedOptions(ticket.options, judgement);
    const begun = withOperation(state, plan, document, fence, now.toISOString(), asked, options);
    const review = reviewOf(ticket, request.asker, judgement, now, request.reviewWithinMs ?? reviewWithinMs);
    const next = review === null ? begun : withDueReview(begun, review);
    if (await record.swap(revision, next, written)) {
      announce(request, { ...ticket, options }, { review, hold: state.hold }, ports);
      return null;
    }
    mayBeRecorded(false);
    const look = await lookAndJudge(request, ports, "acting");
    ports.tell({ kind: "judged", deployment: plan.deployment, moment: "acting", judgement: look.judgement });
    if (look.judgement.answer !== "pass" || !mayBegin(look.state) || look.document.name !== document.name) return look;
    if (!samePresent(prepared.state, look.state)) break;
    ({ state, revision, judgement } = look);
  }
  throw new ShiplockError({
    code: "record/changed",
    message: "the environment record changed while the deployment was being planned",
    remedy: "run the command again",
  });
}

/** A freeze is only overridden, and a hold only taken over, where there is one: who says so on any other day has done nothing that anybody has to hear of. */
function usedOptions(options: TicketOptions, { decisions }: Judgement): TicketOptions {
  const overridden = (name: GateName): boolean =>
    decisions.some((each) => each.gate === name && each.answer === "pass" && each.overridden === true);
  const { overrideFreeze, takeOver } = options;
  return {
    ...options,
    overrideFreeze: overridden("freeze") ? overrideFreeze : null,
    takeOver: overridden("hold") && takeOver,
  };
}

/** What passed over its gates is told as soon as it has begun. */
function announce(
  { project, environment, asker: by }: DeploymentRequest,
  { deployment, release, options }: NewTicket,
  { review, hold }: { review: DueReview | null; hold: Hold | null },
  ports: DeploymentPorts,
): void {
  if (review !== null) ports.tell({ kind: "emergency", review, environment, project });
  if (options.takeOver && hold !== null)
    ports.tell({ kind: "hold-taken-over", deployment, hold, environment, project });
  const { overrideFreeze: reason } = options;
  if (reason !== null) ports.tell({ kind: "freeze-overridden", deployment, release, by, reason, environment, project });
}

/** Says how a run ended, first to the environment record, where that is left to us, and then to whoever listens. */
export async function conclude(
  plan: Plan,
  result: RunResult,
  ports: DeploymentPorts,
  { signal, lost, mask }: Pick<RunOptions, "signal" | "lost" | "mask">,
): Promise<DeploymentOutcome> {
  const described = maskedEnd(describeResult(plan, result, signal, lost), mask);
  // `succeeded` is written by the plan's own last step, and what was lost may not be written by us.
  const written = result.kind === "undone" || result.kind === "stuck";
  const { state, outcome, error } = written ? await recordOrSay(plan, described, ports) : described;
  ports.tell({ kind: "state", deployment: plan.deployment, state, outcome });
  return {
    deployment: plan.deployment,
    state,
    release: plan.to,
    from: plan.from,
    outcome,
    error,
    environment: plan.environment,
    plan,
    judgement: null,
  };
}

/** An end that cannot be written (the disk is full, the host is gone) leaves the operation open in the record: then that is what has to be told. */
async function recordOrSay(plan: Plan, end: End, ports: DeploymentPorts): Promise<End> {
  try {
    await recordEnd(plan, end.state, end.outcome, ports);
    return end;
  } catch (cause) {
    const message = `${end.error?.message ?? end.outcome}; and that could not be recorded: ${messageOf(cause)}`;
    const error = new ShiplockError({
      code: "deploy/not-recorded",
      blame: "person",
      message,
      remedy: `mend what is said here, then run \`shiplock abort ${plan.environment}\` or \`shiplock resume ${plan.environment}\``,
      details: end.error?.details ?? [],
      cause,
    });
    return { state: "interrupted", outcome: message, error };
  }
}

async function recordEnd(plan: Plan, state: DeploymentState, outcome: string, ports: DeploymentPorts): Promise<void> {
  await changeState(ports.session.record, plan.environment, (known) =>
    withEnded(known, plan.deployment, state, outcome, ports.clock.now().toISOString()),
  );
}
