import type { DeploymentState } from "../../deploy/states.ts";
import type { Plan } from "../../deploy/types.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import { emptyChain } from "../audit/chain.ts";
import type { Asked, TicketOptions } from "../queue/types.ts";
import { withoutTicket } from "../queue/changes.ts";
import { remembered } from "./limits.ts";
import type { BehindHost, DeploymentEntry, EnvironmentState, HealthyRelease, LiveRelease } from "./types.ts";

/** An environment in which nothing has happened yet. */
export function emptyState(project: string, environment: string): EnvironmentState {
  return {
    version: 1,
    project,
    environment,
    live: null,
    healthy: [],
    withdrawn: [],
    automaticPaused: null,
    operation: null,
    behind: [],
    tickets: [],
    nextTicket: 1,
    hold: null,
    reviews: [],
    deployments: [],
    audit: emptyChain(project, environment),
  };
}

/** The state as a record has it, with what a record of an earlier Shiplock does not have. */
export function completeState(
  read: Partial<EnvironmentState> & Pick<EnvironmentState, "project" | "environment">,
): EnvironmentState {
  return { ...emptyState(read.project, read.environment), ...read };
}

/** The state once a plan's deployment has begun, which takes its request out of the queue. Whatever operation stood there must have been ended before. */
export function withOperation(
  state: EnvironmentState,
  plan: Plan,
  document: ReleaseDocument,
  fence: number,
  at: string,
  asked: Asked | null = null,
  options?: TicketOptions,
): EnvironmentState {
  const entry: DeploymentEntry = {
    deployment: plan.deployment,
    kind: plan.kind,
    release: plan.to,
    from: plan.from,
    commit: document.release.commit,
    ref: document.release.ref,
    ...(document.release.origin === null ? {} : { siblingOf: document.release.origin }),
    state: "running",
    origin: plan.origin,
    startedAt: at,
    endedAt: null,
    outcome: null,
  };
  return {
    ...withoutTicket(state, plan.deployment),
    operation: {
      deployment: plan.deployment,
      release: plan.to,
      document: document.name,
      previousDocument: state.live?.document ?? null,
      fence,
      committed: false,
      asked,
      ...(options === undefined ? {} : { options }),
      startedAt: at,
    },
    deployments: remembered([entry, ...state.deployments], null),
  };
}

/**
 * The state at the commit point: the new release is live. A rollback withdraws what it leaves and pauses automatic deployments; a deployment of
 * a withdrawn release on purpose lifts that mark.
 */
export function withCommitted(state: EnvironmentState, plan: Plan, live: LiveRelease): EnvironmentState {
  const { place, by, replicas, strategy, asked = state.operation?.asked ?? null, ...healthy } = live;
  const left =
    plan.kind === "rollback" && state.live !== null && state.live.release !== live.release ? state.live.release : null;
  const withdrawn = state.withdrawn.filter((entry) => entry.release !== live.release);
  return {
    ...state,
    live: { ...live, asked },
    healthy: rememberHealthy(state.healthy, healthy),
    withdrawn:
      left === null
        ? withdrawn
        : [{ release: left, at: live.at, by: live.by, deployment: plan.deployment }, ...withdrawn],
    automaticPaused:
      left === null
        ? liftedBy(state, plan)
        : { since: live.at, by: live.by, reason: `rolled back from ${left} to ${live.release}` },
    operation: state.operation === null ? null : { ...state.operation, committed: true },
    behind: behindAfter(state, plan, live.at),
  };
}

/** The state once a deployment has ended; `state` is one of the final ones. */
export function withEnded(
  state: EnvironmentState,
  deployment: string,
  final: DeploymentState,
  outcome: string,
  at: string,
): EnvironmentState {
  return {
    ...state,
    operation: final === "failed" ? state.operation : null,
    deployments: state.deployments.map((entry) =>
      entry.deployment === deployment ? { ...entry, state: final, outcome, endedAt: at } : entry,
    ),
  };
}

/** The state without releases whose images are about to go: nothing goes back to them any more. Null when none of them is named. */
export function withForgotten(state: EnvironmentState, releases: readonly string[]): EnvironmentState | null {
  const stays = ({ release }: { release: string }): boolean => !releases.includes(release);
  const healthy = state.healthy.filter(stays);
  if (healthy.length === state.healthy.length) return null;
  return { ...state, healthy, withdrawn: state.withdrawn.filter(stays) };
}

/** Hosts that a plan skipped are behind, those for longer that were so before; all others of the environment were just observed to be up to date. */
function behindAfter(state: EnvironmentState, plan: Plan, since: string): BehindHost[] {
  return plan.skipped.map(
    (host) =>
      state.behind.find((entry) => entry.host === host) ?? { host, since, release: state.live?.release ?? null },
  );
}

function rememberHealthy(known: readonly HealthyRelease[], release: HealthyRelease): HealthyRelease[] {
  return [release, ...known.filter((entry) => entry.release !== release.release)];
}

/** A deliberate deployment of something new ends the pause that a rollback began; a rollback to the live release leaves it. */
function liftedBy(state: EnvironmentState, plan: Plan): EnvironmentState["automaticPaused"] {
  return plan.kind === "rollback" ? state.automaticPaused : null;
}
