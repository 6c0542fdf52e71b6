import { isDeepStrictEqual } from "node:util";
import { conflict, transitionRefused } from "./errors.ts";
import type { DeploymentEntry, NewDeployment, StateRules, Transition } from "./types.ts";

/** The state whose first entry is a deployment's start. */
const STARTED = "running";

/** The entry of a deployment that is opened; a pure function of what is told. */
export function openedDeployment(told: NewDeployment, states: StateRules): DeploymentEntry {
  return {
    id: told.id,
    project: told.project,
    environment: told.environment,
    kind: told.kind,
    release: told.release,
    fromRelease: told.fromRelease,
    state: told.state,
    who: told.who,
    why: told.why,
    origin: told.origin,
    commit: told.commit,
    ref: told.ref,
    createdAt: told.createdAt,
    startedAt: told.state === STARTED ? told.createdAt : null,
    endedAt: states.isFinal(told.state) ? told.createdAt : null,
    outcome: null,
  };
}

/** Returns `stored` if `told` is the same deployment, whatever state either is in. Errors: `ledger/conflict`. */
export function reopenedDeployment(stored: DeploymentEntry, told: DeploymentEntry): DeploymentEntry {
  if (isDeepStrictEqual(identityOf(stored), identityOf(told))) return stored;
  throw conflict(`deployment ${told.id}`);
}

function identityOf(entry: DeploymentEntry): unknown {
  return { ...entry, state: null, startedAt: null, endedAt: null, outcome: null };
}

/** What a transition makes of an entry; the same object when nothing changes. Errors: `ledger/transition-refused`. */
export function movedDeployment(stored: DeploymentEntry, change: Transition, states: StateRules): DeploymentEntry {
  const { to, at } = change;
  if (stored.state === to) return stored;
  if (!states.canTransition(stored.state, to)) throw transitionRefused(stored.id, stored.state, to);
  return {
    ...stored,
    state: to,
    startedAt: stored.startedAt ?? (to === STARTED ? at : null),
    endedAt: states.isFinal(to) ? at : null,
    outcome: change.outcome ?? null,
  };
}

/**
 * The shortest way from one state to another that the transition table allows, without its beginning; empty where both are the same.
 * @param known the states that it may lead through
 * @returns null where there is none
 */
export function wayBetween(
  from: string,
  to: string,
  known: readonly string[],
  states: Pick<StateRules, "canTransition">,
): string[] | null {
  const ways: string[][] = [[from]];
  const seen = new Set([from]);
  for (const way of ways) {
    const last = way.at(-1) ?? from;
    if (last === to) return way.slice(1);
    for (const next of known) {
      if (seen.has(next) || !states.canTransition(last, next)) continue;
      seen.add(next);
      ways.push([...way, next]);
    }
  }
  return null;
}
