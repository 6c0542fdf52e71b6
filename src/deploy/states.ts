/** The states of a deployment and the only ways between them (DESIGN.md, "The flow"). */
export const transitions = {
  queued: ["waiting", "running", "blocked", "rejected", "cancelled", "superseded", "skipped"],
  waiting: ["running", "blocked", "rejected", "cancelled", "superseded", "skipped"],
  running: ["paused", "verifying", "rolled-back", "failed", "interrupted"],
  paused: ["running", "rolled-back", "failed", "interrupted"],
  verifying: ["succeeded", "rolled-back", "failed", "interrupted"],
  interrupted: ["running", "verifying", "rolled-back", "failed"],
  succeeded: [],
  blocked: [],
  rejected: [],
  cancelled: [],
  superseded: [],
  skipped: [],
  "rolled-back": [],
  failed: ["running", "rolled-back"],
} as const satisfies Record<string, readonly string[]>;

export type DeploymentState = keyof typeof transitions;

/** Whether a deployment may go from one state to another. `failed` is left only by a person's `resume` or `abort`. */
export function canTransition(from: DeploymentState, to: DeploymentState): boolean {
  return (transitions[from] as readonly DeploymentState[]).includes(to);
}

/** Whether nothing follows by itself. */
export function isTerminal(state: DeploymentState): boolean {
  return transitions[state].length === 0 || state === "failed";
}

/** The table for whoever keeps states as text: an unknown state leads nowhere. */
export const stateRules = {
  canTransition: (from: string, to: string): boolean => isState(from) && isState(to) && canTransition(from, to),
  isFinal: (state: string): boolean => isState(state) && isTerminal(state),
};

function isState(text: string): text is DeploymentState {
  return Object.hasOwn(transitions, text);
}
