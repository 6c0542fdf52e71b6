import { emptyState } from "../environments/record/changes.ts";
import type { Release, ReleaseDocument, Snapshot } from "../release/types.ts";
import { makeDocument } from "../release/snapshot.ts";
import { maskOf } from "./deployment.ts";
import { underLease } from "./lease.ts";
import { assemblePlan } from "./plan.ts";
import { refuseUnfinished } from "./asking.ts";
import { documentOf } from "./read-record.ts";
import type { DeploymentPorts, DeploymentRequest } from "./request.ts";
import { strategyServices } from "./strategies/services.ts";
import type { Evidence, Plan, Step } from "./types.ts";

export type SetupRequest = Omit<DeploymentRequest, "choose" | "kind" | "bakeMs" | "judge" | "takeUp"> & {
  snapshot: Snapshot;
  images: readonly string[];
};

/** What was done on which host. */
export type SetupResult = { step: Step; evidence: Evidence }[];

/**
 * Sets up what an environment's hosts lack (networks, volumes, backing services, proxy) with the very steps a first deployment would run, and nothing else. Convergent: where everything is
 * there, nothing happens.
 * @throws ShiplockError `deploy/unfinished`: what is in progress has routers of its own, and is ended first
 */
export async function runSetup(request: SetupRequest, ports: DeploymentPorts): Promise<SetupResult> {
  return underLease(request, ports, async ({ fence, lost }) => {
    const { session } = ports;
    const state = (await session.record.read())?.state ?? emptyState(request.project, request.environment);
    refuseUnfinished(state);
    const document = withoutImages(request);
    const previous = await documentOf(session, state.live?.document ?? null);
    const secrets = await request.secrets(document);
    const mask = await maskOf(request, document, previous);
    const survey = await session.survey({ document, previous, state, strategy: request.strategy.kind, secrets });
    const plan = assemblePlan({
      ...{
        deployment: request.deployment,
        kind: "deploy",
        project: request.project,
        environment: request.environment,
        origin: request.origin,
      },
      ...{
        createdAt: ports.clock.now().toISOString(),
        homeHost: survey.home,
        hosts: survey.hosts,
        skipped: session.skipped,
        strategy: request.strategy,
        bakeMs: 0,
        notes: survey.notes,
      },
      release: { id: document.release.id, images: [], services: strategyServices(document.snapshot), migration: null },
      live: state.live === null ? null : { release: state.live.release, place: state.live.place },
      place: survey.place,
      warm: survey.warm,
    });
    const worker = await session.worker({ plan, fence, document, previous, secrets, mask, abort: false });
    const result: SetupResult = [];
    for (const step of setupSteps(plan)) {
      const evidence = await worker.perform(step, {
        signal: AbortSignal.any([ports.signal, lost]),
        log: (text) =>
          ports.tell({
            kind: "step",
            event: { kind: "step-log", step, at: ports.clock.now().toISOString(), text: mask(text) },
          }),
      });
      result.push({ step, evidence });
    }
    return result;
  });
}

function setupSteps(plan: Plan): Step[] {
  return plan.steps.filter(
    ({ action }) =>
      action.kind === "ship-files" || action.kind === "backing" || (action.kind === "proxy" && !action.final),
  );
}

/** There is no release yet: images are named, so that Compose can read the file, but none is pulled. */
function withoutImages(request: SetupRequest): ReleaseDocument {
  const digest = `sha256:${"0".repeat(64)}`;
  const inNoPlace = { from: "registry", builtOn: null } as const;
  const images = Object.fromEntries(
    request.images.map((name) => [
      name,
      {
        name,
        repository: "shiplock.local/none",
        tag: "none",
        digest,
        platforms: {},
        environment: null,
        inputs: null,
        ...inNoPlace,
      },
    ]),
  );
  const release: Release = {
    ...{ version: 1, id: "setup", project: request.project, commit: "", commitTime: "", subject: "", ref: null },
    ...{ dirty: false, createdAt: "", environment: null, images, origin: null, scan: null },
  };
  return makeDocument(release, request.snapshot);
}
