import { messageOf, ShiplockError } from "../errors.ts";
import type { RunResult, StepFailure } from "./run.ts";
import type { DeploymentState } from "./states.ts";
import type { Plan } from "./types.ts";
import { maskTogether } from "../secrets/mask.ts";

/** How a run ended: the deployment's state, a sentence for people, and the error behind it if it did not succeed. */
export type End = { state: DeploymentState; outcome: string; error: ShiplockError | null };

export function describeResult(plan: Plan, result: RunResult, signal: AbortSignal, lost: AbortSignal): End {
  const old = plan.from === null ? "nothing is live yet" : `${plan.from} serves`;
  switch (result.kind) {
    case "completed":
      return { state: "succeeded", outcome: `${plan.to} is live${skippedWords(plan)}`, error: null };
    case "undone": {
      const error = causeOf(result.cause, signal);
      return { state: "rolled-back", outcome: `${error.message}; everything is as it was: ${old}`, error };
    }
    case "lost": {
      const error = lost.reason instanceof ShiplockError ? lost.reason : causeOf(result.cause, signal);
      return { state: "interrupted", outcome: error.message, error };
    }
    case "stuck":
      return describeStuck(plan, result, signal);
  }
}

function skippedWords({ skipped }: Plan): string {
  if (skipped.length === 0) return "";
  return `; ${skipped.join(", ")} ${skipped.length === 1 ? "was skipped and is" : "were skipped and are"} behind`;
}

function describeStuck(plan: Plan, result: Extract<RunResult, { kind: "stuck" }>, signal: AbortSignal): End {
  const cause = causeOf(result.cause, signal);
  const undo = result.undo.map(({ step, error }) => `going back at ${step.id}: ${messageOf(error)}`);
  const message = result.committed
    ? `${plan.to} is live, but the work after it did not end: ${cause.message}`
    : undo.length === 0
      ? `whether ${plan.to} was recorded as live is not certain: ${cause.message}`
      : `${cause.message}; and not everything could be brought back`;
  const error = new ShiplockError({
    code: "deploy/needs-person",
    blame: "person",
    message,
    remedy:
      result.committed || undo.length === 0
        ? `run \`shiplock resume ${plan.environment}\``
        : `mend what is said here, then run \`shiplock abort ${plan.environment}\` or \`shiplock resume ${plan.environment}\``,
    details: [...undo, ...cause.details],
    cause,
  });
  return { state: "failed", outcome: message, error };
}

/** An end as it may be recorded and told. The error's cause is left out: it holds the text as it was. */
export function maskedEnd({ state, outcome, error }: End, mask: (text: string) => string): End {
  return { state, outcome: mask(outcome), error: error === null ? null : maskedError(error, mask) };
}

function maskedError(error: ShiplockError, mask: (text: string) => string): ShiplockError {
  const { code, blame, message, remedy, where, details } = error;
  return new ShiplockError({
    code,
    blame,
    message: mask(message),
    ...(remedy === undefined ? {} : { remedy: mask(remedy) }),
    ...(where === undefined ? {} : { where }),
    details: maskTogether(details, mask),
  });
}

function causeOf(cause: StepFailure | "interrupted", signal: AbortSignal): ShiplockError {
  if (cause === "interrupted") return interruption(signal);
  if (cause.error instanceof ShiplockError) return cause.error;
  return new ShiplockError({
    code: "deploy/unexpected",
    blame: "bug",
    message: `${cause.step.id}: ${messageOf(cause.error)}`,
    cause: cause.error,
  });
}

/** Why a deployment was told to stop: by its user, by its own time limit, or because it was aborted from the start. */
function interruption(signal: AbortSignal): ShiplockError {
  if (signal.reason instanceof Error && signal.reason.name === "TimeoutError") {
    return new ShiplockError({
      code: "deploy/timeout",
      message: "the deployment took longer than it may",
      remedy: "raise the environment's `timeout`, or see in the steps above what takes so long",
    });
  }
  return signal.aborted
    ? new ShiplockError({ code: "deploy/interrupted", message: "the command was interrupted" })
    : new ShiplockError({ code: "deploy/aborted", message: "the deployment was aborted" });
}
