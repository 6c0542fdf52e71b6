import type { Notice, NoticeEvent, NoticeStep } from "../notify/types.ts";
import { levelOf } from "../notify/words.ts";
import type { ReleaseDocument } from "../release/types.ts";
import type { DeploymentEvent } from "./request.ts";
import type { StepEvent } from "./run.ts";
import type { DeploymentState } from "./states.ts";
import type { Plan } from "./types.ts";

/** What is kept of a deployment while it is told of. */
export type NoticeFold = {
  /** Public address of the environment. */
  readonly url: string | null;
  readonly planned: { readonly plan: Plan; readonly document: ReleaseDocument } | null;
  readonly tookOver: string | null;
  readonly steps: ReadonlyMap<string, StepSeen>;
  /** The last lines that each step wrote. */
  readonly logs: ReadonlyMap<string, readonly string[]>;
  /** Those of the step that failed first. */
  readonly lastLines: readonly string[];
};

type StepSeen = { readonly beganMs: number; readonly step: NoticeStep };

/** So many lines are told of what failed. */
const linesKept = 20;

/** @param url public address of the environment, if it has one */
export function startNotices(url: string | null): NoticeFold {
  return { url, planned: null, tookOver: null, steps: new Map(), logs: new Map(), lastLines: [] };
}

/**
 * What is told of an event of a deployment, and what is kept for the ones that follow.
 * @param at when it happened, ISO 8601
 */
export function foldNotices(
  fold: NoticeFold,
  event: DeploymentEvent,
  at: string,
): { fold: NoticeFold; notices: readonly Notice[] } {
  switch (event.kind) {
    case "lease-held":
      return { fold, notices: [] };
    case "lease-taken": {
      const { tookOver } = event;
      if (tookOver === null) return { fold, notices: [] };
      const words = `from ${tookOver.who} (${tookOver.from}), whose session was ended`;
      return { fold: { ...fold, tookOver: words }, notices: [] };
    }
    case "planned": {
      const { plan, document, purpose } = event;
      const next: NoticeFold = { ...fold, planned: { plan, document }, tookOver: null };
      return {
        fold: next,
        notices: [
          ...(fold.tookOver === null ? [] : [noticeOf(next, "taken-over", at, fold.tookOver)]),
          noticeOf(next, "started", at, startWords[purpose](plan)),
        ].flatMap((notice) => notice ?? []),
      };
    }
    case "step":
      return foldStep(fold, event.event);
    case "state": {
      const told = eventOfState[event.state];
      const notice = told === null ? null : noticeOf(fold, told, at, event.outcome);
      return { fold, notices: notice === null ? [] : [notice] };
    }
  }
}

const startWords: Readonly<Record<"run" | "resume" | "abort", (plan: Plan) => string>> = {
  run: ({ from, to }) => `${from ?? "nothing"} → ${to}`,
  resume: ({ to }) => `going on with ${to}, which was interrupted`,
  abort: ({ from, to }) => `taking ${to} back: ${from ?? "nothing"} was live before`,
};

/** Which states are told. Those before a plan have events of their own, from whoever decides on them. */
const eventOfState: Readonly<Record<DeploymentState, NoticeEvent | null>> = {
  queued: null,
  waiting: null,
  running: null,
  paused: null,
  verifying: null,
  interrupted: "interrupted",
  succeeded: "succeeded",
  blocked: "blocked",
  rejected: "rejected",
  cancelled: "cancelled",
  superseded: "superseded",
  skipped: "skipped",
  "rolled-back": "rolled-back",
  failed: "failed",
};

function foldStep(fold: NoticeFold, event: StepEvent): { fold: NoticeFold; notices: readonly Notice[] } {
  const { id } = event.step;
  switch (event.kind) {
    case "step-began":
      return { fold: { ...fold, steps: withStep(fold, event, "running") }, notices: [] };
    case "step-done":
      return {
        fold: { ...fold, steps: withStep(fold, event, event.evidence?.acted === false ? "unchanged" : "done") },
        notices: [],
      };
    case "step-log": {
      const lines = [...(fold.logs.get(id) ?? []), ...(event.text ?? "").split("\n")].slice(-linesKept);
      return { fold: { ...fold, logs: new Map(fold.logs).set(id, lines) }, notices: [] };
    }
    case "step-failed": {
      const lines = [...(fold.logs.get(id) ?? []), ...(event.text ?? "").split("\n")].slice(-linesKept);
      const next: NoticeFold = {
        ...fold,
        steps: withStep(fold, event, "failed"),
        lastLines: fold.lastLines.length > 0 ? fold.lastLines : lines,
      };
      const where = event.step.host === null ? "" : `${event.step.host}: `;
      const words = `${where}${event.step.title}: ${event.text ?? ""}`;
      const notice = noticeOf({ ...next, lastLines: lines }, "step-failed", event.at, words);
      return { fold: next, notices: notice === null ? [] : [notice] };
    }
    case "undo-done":
      return event.evidence?.acted === true
        ? { fold: { ...fold, steps: withStep(fold, event, "undone") }, notices: [] }
        : { fold, notices: [] };
    case "undo-began":
    case "undo-failed":
      return { fold, notices: [] };
  }
}

function withStep(fold: NoticeFold, event: StepEvent, state: NoticeStep["state"]): ReadonlyMap<string, StepSeen> {
  const { id, title, host } = event.step;
  const at = Date.parse(event.at);
  const seen = fold.steps.get(id);
  const beganMs = state === "running" ? at : (seen?.beganMs ?? at);
  // What is undone keeps the time that it took to do: that is what people compare.
  const ms = state === "running" ? null : state === "undone" ? (seen?.step.ms ?? null) : at - beganMs;
  return new Map(fold.steps).set(id, { beganMs, step: { title, host, ms, state } });
}

/** A notice with all that is known by now; null before there is a plan, since it would be about nothing. */
function noticeOf(fold: NoticeFold, event: NoticeEvent, at: string, outcome: string | null): Notice | null {
  if (fold.planned === null) return null;
  const { plan, document } = fold.planned;
  const { release } = document;
  return {
    event,
    level: levelOf(event),
    project: plan.project,
    environment: plan.environment,
    deployment: plan.deployment,
    kind: plan.kind,
    release: plan.to,
    commit: release.commit,
    subject: release.subject,
    ref: release.ref,
    who: plan.origin.who,
    why: plan.origin.reason,
    at,
    outcome,
    steps: [...fold.steps.values()].map(({ step }) => step),
    lastLines: levelOf(event) === "bad" ? fold.lastLines : [],
    links: { url: fold.url, log: null },
  };
}
