import { emptyState, withCommitted, withEnded, withOperation } from "../../src/environments/record/changes.ts";
import { chooseRollback } from "../../src/environments/record/rollback-choice.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import type { DeploymentKind, Plan } from "../../src/deploy/types.ts";
import { environment, project, shop } from "../fakes/shop.ts";

export const at = "2026-11-20T10:00:00.000Z";

export function planOf(version: string, kind: DeploymentKind, deployment: string, state: EnvironmentState): Plan {
  return {
    ...{
      version: 1,
      deployment,
      kind,
      project,
      environment,
      from: state.live?.release ?? null,
      to: `r-${version}`,
      place: "b",
      fromPlace: "a",
    },
    ...{
      warm: false,
      strategy: "rolling",
      homeHost: "one",
      hosts: ["one"],
      steps: [],
      createdAt: at,
      notes: [],
      skipped: [],
    },
    origin: { who: "ada", from: "laptop", command: "shiplock", reason: null },
  };
}

/** The state after a version went live, as a deployment's own steps would write it. */
export function live(
  state: EnvironmentState,
  version: string,
  kind: DeploymentKind = "deploy",
  deployment = `d-${state.deployments.length + 1}`,
): EnvironmentState {
  const document = shop(version);
  const plan = planOf(version, kind, deployment, state);
  const { release } = document;
  const begun = withOperation(state, plan, document, 1, at);
  const committed = withCommitted(begun, plan, {
    ...{ release: release.id, document: document.name, commit: release.commit, ref: release.ref, deployment, at },
    tags: Object.fromEntries(Object.values(release.images).map((image) => [image.name, image.tag])),
    ...{ place: "b", by: "ada", replicas: { web: 2 }, strategy: "rolling" },
  });
  return withEnded(committed, deployment, "succeeded", `${release.id} is live`, at);
}

export function rollBack(state: EnvironmentState, to: string | null = null): EnvironmentState {
  return live(state, chooseRollback(state, to).release.replace("r-", ""), "rollback");
}

export function history(...versions: string[]): EnvironmentState {
  return versions.reduce((state, version) => live(state, version), emptyState(project, environment));
}
