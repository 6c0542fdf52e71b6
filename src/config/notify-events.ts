import type { NotifyEvent } from "./types-notify.ts";

/** Every event, by name; whether it is a failure; whether it is told unless something else is asked for. */
const table = {
  requested: { failure: false, usual: false },
  waiting: { failure: false, usual: true },
  approved: { failure: false, usual: true },
  rejected: { failure: true, usual: true },
  cancelled: { failure: false, usual: false },
  superseded: { failure: false, usual: false },
  skipped: { failure: false, usual: false },
  blocked: { failure: true, usual: true },
  started: { failure: false, usual: true },
  // What became of it follows within moments, with the same lines.
  "step-failed": { failure: false, usual: false },
  succeeded: { failure: false, usual: true },
  "rolled-back": { failure: true, usual: true },
  failed: { failure: true, usual: true },
  interrupted: { failure: true, usual: true },
  emergency: { failure: false, usual: true },
  "freeze-overridden": { failure: false, usual: true },
  "hold-placed": { failure: false, usual: true },
  "hold-lifted": { failure: false, usual: true },
  "taken-over": { failure: false, usual: true },
  "watch-failed": { failure: true, usual: true },
  "review-due": { failure: false, usual: true },
  "check-failed": { failure: true, usual: true },
  "build-failed": { failure: true, usual: true },
  "scan-blocked": { failure: true, usual: true },
} as const satisfies Record<NotifyEvent, { failure: boolean; usual: boolean }>;

/** Ends that nobody need hear of. */
const quietEnds: readonly NotifyEvent[] = ["cancelled", "superseded", "skipped"];

export const notifyEvents = Object.keys(table) as readonly NotifyEvent[];

export const eventGroups = ["failures", "all"] as const;

/** What may stand in `events`. */
export const eventWords = [...notifyEvents, ...eventGroups] as readonly (NotifyEvent | (typeof eventGroups)[number])[];

/**
 * The events that are meant by what stands in `events`, in the order of the table.
 * @param written undefined where nothing was said: the usual ones
 * @param keepsState whether what is told stays there until the next is told, so that every end has to be told
 */
export function eventsMeant(written: readonly string[] | undefined, keepsState = false): readonly NotifyEvent[] {
  if (written === undefined)
    return notifyEvents.filter((event) => table[event].usual || (keepsState && quietEnds.includes(event)));
  const all = written.includes("all");
  const failures = written.includes("failures");
  return notifyEvents.filter((event) => all || (failures && table[event].failure) || written.includes(event));
}
