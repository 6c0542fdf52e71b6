import { emptyState } from "../environments/record/changes.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { ShiplockError } from "../errors.ts";
import type { ReleaseDocument } from "../release/types.ts";
import type { Survey } from "../targets/types.ts";
import { assemblePlan, type PlanFacts } from "./plan.ts";
import { documentOf } from "./read-record.ts";
import type { DeploymentPorts, DeploymentRequest } from "./request.ts";
import { strategyServices } from "./strategies/services.ts";
import type { Plan } from "./types.ts";

/** A plan, what it was made of, and the revision of the environment record it was made from. */
export type PreparedDeployment = {
  plan: Plan;
  document: ReleaseDocument;
  previous: ReleaseDocument | null;
  secrets: Readonly<Record<string, string>>;
  state: EnvironmentState;
  revision: number;
};

/** Makes the plan of a deployment from what is there now. Changes nothing; `plan` prints what `deploy` would run. */
export async function planDeployment(request: DeploymentRequest, ports: DeploymentPorts): Promise<PreparedDeployment> {
  const { session, clock } = ports;
  const read = await session.record.read();
  const state = read?.state ?? emptyState(request.project, request.environment);
  refuseUnfinished(state);
  const previous = await documentOf(session, state.live?.document ?? null);
  const { document, notes } = await request.choose(state, previous);
  const secrets = await request.secrets(document);
  const survey = await session.survey({
    document,
    previous,
    state: read?.state ?? null,
    strategy: request.strategy.kind,
    secrets,
  });
  const { skipped } = session;
  const plan = assemblePlan(
    planFacts(request, {
      state,
      document,
      survey,
      skipped,
      now: clock.now(),
      notes: [...notes, ...survey.notes, ...caughtUp(state, survey)],
    }),
  );
  return { plan, document, previous, secrets, state, revision: read?.revision ?? 0 };
}

function planFacts(
  request: DeploymentRequest,
  found: {
    state: EnvironmentState;
    document: ReleaseDocument;
    survey: Survey;
    skipped: readonly string[];
    notes: readonly string[];
    now: Date;
  },
): PlanFacts {
  const { state, document, survey, skipped, notes, now } = found;
  const { snapshot, release } = document;
  return {
    deployment: request.deployment,
    kind: request.kind,
    project: request.project,
    environment: request.environment,
    origin: request.origin,
    createdAt: now.toISOString(),
    homeHost: survey.home,
    hosts: survey.hosts,
    skipped,
    release: {
      id: release.id,
      images: Object.keys(release.images),
      services: strategyServices(snapshot),
      // Going back runs no migration: the schema of the newer release fits the older one, or the gate refuses.
      migration:
        request.kind === "rollback" || snapshot.migration === null
          ? null
          : {
              service: snapshot.migration.service,
              command: snapshot.migration.command,
              timeoutMs: snapshot.migration.timeoutMs,
            },
    },
    live: state.live === null ? null : { release: state.live.release, place: state.live.place },
    place: survey.place,
    warm: survey.warm,
    strategy: request.strategy,
    bakeMs: request.bakeMs,
    notes,
  };
}

function caughtUp(state: EnvironmentState, survey: Survey): string[] {
  return state.behind
    .filter((entry) => survey.hosts.some((host) => host.name === entry.host))
    .map((entry) => `${entry.host} was skipped since ${entry.since} and is brought up to date`);
}

/** @throws ShiplockError `deploy/unfinished` when a deployment was begun and never ended */
export function refuseUnfinished(state: EnvironmentState): void {
  const { operation } = state;
  if (operation === null) return;
  throw new ShiplockError({
    code: "deploy/unfinished",
    blame: "person",
    message: `deployment ${operation.deployment} of ${operation.release} to ${state.environment}, begun ${operation.startedAt}, was never ended`,
    remedy: operation.committed
      ? `run \`shiplock resume ${state.environment}\`, which finishes it`
      : `run \`shiplock resume ${state.environment}\` to finish it, or \`shiplock abort ${state.environment}\` to go back`,
  });
}
