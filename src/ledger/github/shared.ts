import type { CheckRunEntry, DeploymentEntry, Ledger, ReleaseEntry, StateRules } from "../types.ts";
import { wayBetween } from "../deployments.ts";
import { knownStates } from "./states.ts";

/** Enters into a ledger what another machine recorded. What the ledger knows already stays as it is: it was told of it first hand. */
export async function enterRelease(ledger: Ledger, release: ReleaseEntry): Promise<void> {
  const known = (await ledger.releasesByCommit(release.project, release.commit)).some(({ id }) => id === release.id);
  if (!known) await ledger.recordRelease(release);
}

/** As `enterRelease`, of a run of checks. */
export async function enterCheckRun(ledger: Ledger, run: CheckRunEntry): Promise<void> {
  const known = await ledger.checkRuns(run.project, run.commit);
  if (!known.some(({ id }) => id === run.id)) await ledger.recordCheckRun(run);
}

/**
 * As `enterRelease`, of a deployment. One that is known is moved on where the other machine ended it and the transition table has a way there; whatever else is said of it is
 * older than what is known here.
 */
export async function enterDeployment(
  ledger: Ledger,
  told: DeploymentEntry,
  states: StateRules,
): Promise<DeploymentEntry> {
  const { startedAt, endedAt, outcome, ...opening } = told;
  const known = await ledger.findDeployment(told.id);
  const way = wayBetween(known?.state ?? "queued", told.state, knownStates, states);
  if (known !== null && (way === null || !states.isFinal(told.state))) return known;
  let entry = known ?? (await ledger.openDeployment({ ...opening, state: way === null ? told.state : "queued" }));
  for (const to of way ?? []) {
    const at = (to === "running" ? startedAt : endedAt) ?? startedAt ?? told.createdAt;
    const why = to === told.state && outcome !== null ? { outcome } : {};
    entry = await ledger.transition({ deployment: told.id, to, at, ...why });
  }
  return entry;
}
