import type { Change } from "../read/changes.ts";
import { type Look, lookOf, looksByAction } from "../read/health.ts";
import type { JobFacts, StepFacts } from "../read/project.ts";
import type { Ran } from "../read/scripts.ts";

/** A command of a job, or a step that is an action, in the order in which they run. */
export type Happening = { readonly step: StepFacts; readonly ran: Ran | null };

export function happeningsOf({ steps }: JobFacts): readonly Happening[] {
  return steps.flatMap((step): readonly Happening[] =>
    step.ran.length === 0 ? [{ step, ran: null }] : step.ran.map((ran) => ({ step, ran })),
  );
}

/** What happens after a change, in the same job. */
export function after(facts: JobFacts, change: Change): readonly Happening[] {
  const all = happeningsOf(facts);
  const at = all.findLastIndex(
    ({ step, ran }) => step.step === change.step && (change.ran === null || ran === change.ran),
  );
  return all.slice(at + 1);
}

/** How something looks whether the application works; null when it does not. */
export function lookAt({ step, ran }: Happening): Look | null {
  if (ran !== null) {
    const look = lookOf(ran);
    return look === null && looksByAction({ ...step.step, uses: null }) ? "unseen" : look;
  }
  return looksByAction(step.step) ? "patient" : null;
}
