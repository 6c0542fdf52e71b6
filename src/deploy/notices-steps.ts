import type { NoticeStep } from "../notify/types.ts";
import type { StepEvent } from "./run.ts";

/** What the steps of a deployment have told of themselves. */
export type StepsSeen = {
  readonly steps: ReadonlyMap<string, { readonly beganMs: number; readonly step: NoticeStep }>;
  /** The last lines that each step wrote. */
  readonly logs: ReadonlyMap<string, readonly string[]>;
  /** Those of the step that failed first. */
  readonly lastLines: readonly string[];
};

/** What is told of a step that failed. */
export type TellingStep = { readonly at: string; readonly outcome: string; readonly lastLines: readonly string[] };

export const noSteps: StepsSeen = { steps: new Map(), logs: new Map(), lastLines: [] };

/** So many lines are told of what failed. */
const linesKept = 20;

/** The steps after one more event. */
export function seenSteps(seen: StepsSeen, event: StepEvent): StepsSeen {
  switch (event.kind) {
    case "step-began":
      return withStep(seen, event, "running");
    case "step-done":
      return withStep(seen, event, event.evidence?.acted === false ? "unchanged" : "done");
    case "step-log":
      return { ...seen, logs: new Map(seen.logs).set(event.step.id, linesAfter(seen, event)) };
    case "step-failed": {
      const lines = linesAfter(seen, event);
      const next = withStep(seen, event, "failed");
      return { ...next, lastLines: seen.lastLines.length > 0 ? seen.lastLines : lines };
    }
    case "undo-done":
      return event.evidence?.acted === true ? withStep(seen, event, "undone") : seen;
    case "undo-began":
    case "undo-failed":
      return seen;
  }
}

/** What is told of an event of a step; null where nothing is. */
export function tellingStep(seen: StepsSeen, event: StepEvent): TellingStep | null {
  if (event.kind !== "step-failed") return null;
  const { host, title } = event.step;
  const outcome = `${host === null ? "" : `${host}: `}${title}: ${event.text ?? ""}`;
  return { at: event.at, outcome, lastLines: linesAfter(seen, event) };
}

function linesAfter({ logs }: StepsSeen, event: StepEvent): readonly string[] {
  return [...(logs.get(event.step.id) ?? []), ...(event.text ?? "").split("\n")].slice(-linesKept);
}

function withStep(seen: StepsSeen, event: StepEvent, state: NoticeStep["state"]): StepsSeen {
  const { id, title, host } = event.step;
  const at = Date.parse(event.at);
  const before = seen.steps.get(id);
  const beganMs = state === "running" ? at : (before?.beganMs ?? at);
  const step: NoticeStep = { title, host, state, ms: durationOf(state, at - beganMs, before?.step) };
  return { ...seen, steps: new Map(seen.steps).set(id, { beganMs, step }) };
}

/** What is undone keeps the time that it took to do: that is what people compare. */
function durationOf(state: NoticeStep["state"], sinceMs: number, before: NoticeStep | undefined): number | null {
  if (state === "running") return null;
  return state === "undone" ? (before?.ms ?? null) : sinceMs;
}
