import { ShiplockError } from "../../errors.ts";
import { type Identity, samePerson } from "../identity.ts";
import type { EnvironmentState } from "../record/types.ts";
import type { Hold } from "./types.ts";

/** What somebody wants to hold an environment with. */
export type NewHold = Pick<Hold, "by" | "until" | "reason">;

/** The hold that counts now: one whose time is over counts as none. */
export function activeHold({ hold }: Pick<EnvironmentState, "hold">, now: Date): Hold | null {
  if (hold === null || hold.until === null) return hold;
  return Date.parse(hold.until) > now.getTime() ? hold : null;
}

/**
 * The state with a hold, in the place of one's own or of one that is over. What is in flight goes on.
 * @param takeOver also in the place of somebody else's, whose name it then keeps
 * @throws ShiplockError `hold/held`
 */
export function withHold(state: EnvironmentState, hold: NewHold, takeOver: boolean, now: Date): EnvironmentState {
  const there = heldByOther(state, hold.by, now);
  if (there !== null && !takeOver) throw heldAlready(state.environment, there, "hold");
  return { ...state, hold: { ...hold, since: now.toISOString(), takenFrom: there?.by.name ?? null } };
}

/**
 * The state without a hold; null where nobody holds it.
 * @param takeOver also where it is somebody else's
 * @throws ShiplockError `hold/held`
 */
export function withoutHold(
  state: EnvironmentState,
  by: Identity,
  takeOver: boolean,
  now: Date,
): EnvironmentState | null {
  if (activeHold(state, now) === null) return null;
  const there = heldByOther(state, by, now);
  if (there !== null && !takeOver) throw heldAlready(state.environment, there, "unhold");
  return { ...state, hold: null };
}

/** A hold in words: by whom, since when, until when and why. */
export function holdText({ by, since, until, reason, takenFrom }: Hold): string {
  const end = until === null ? "until it is lifted" : `until ${until}`;
  const from = takenFrom === null ? "" : `, taken over from ${takenFrom}`;
  return `held by ${by.name} since ${since} ${end}${from}: ${reason}`;
}

function heldByOther(state: EnvironmentState, by: Identity, now: Date): Hold | null {
  const there = activeHold(state, now);
  return there === null || samePerson(there.by, by) ? null : there;
}

function heldAlready(environment: string, hold: Hold, command: string): ShiplockError {
  return new ShiplockError({
    code: "hold/held",
    blame: "gate",
    message: `${environment} is ${holdText(hold)}`,
    remedy: `talk to ${hold.by.name}, or pass \`--take-over\` to \`shiplock ${command}\`, which is recorded`,
  });
}
