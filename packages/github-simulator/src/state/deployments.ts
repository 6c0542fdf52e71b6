import { deploymentShape, deploymentStatusShape, hooked } from "../shapes/deployments.ts";
import type { Caller } from "../types.ts";
import type { Deployment, DeploymentState, DeploymentStatus, Environment } from "./types.ts";
import type { World } from "./world.ts";

/** The environment of that name; GitHub makes one when a deployment first names it. */
export function ensureEnvironment(world: World, name: string): Environment {
  const known = world.environments.get(name);
  if (known !== undefined) return known;
  const now = world.clock.now();
  const environment: Environment = {
    ...{ id: world.nextId(), name, createdAt: now, updatedAt: now, branchPolicies: [] },
    protection: { waitTimer: 0, reviewers: [], preventSelfReview: false, branches: null },
  };
  world.environments.set(name, environment);
  return environment;
}

/**
 * Adds a status. A success makes the earlier successful deployments of the environment inactive, where `autoInactive` allows it and
 * they are neither transient nor production.
 */
export function addDeploymentStatus(
  world: World,
  deployment: Deployment,
  wanted: {
    readonly state: DeploymentState;
    readonly description: string;
    /** Null: as before. */
    readonly environment: string | null;
    readonly environmentUrl: string;
    readonly logUrl: string;
    readonly autoInactive: boolean;
    readonly by: Caller;
  },
): DeploymentStatus {
  const { state, description, environmentUrl, logUrl, by } = wanted;
  const environment = wanted.environment ?? deployment.statuses.at(-1)?.environment ?? deployment.environment;
  ensureEnvironment(world, environment);
  deployment.environment = environment;
  const status = added(world, deployment, { state, description, environment, environmentUrl, logUrl }, by);
  if (state === "success" && wanted.autoInactive)
    for (const earlier of world.deployments.slice(0, world.deployments.indexOf(deployment))) {
      const last = earlier.statuses.at(-1);
      const touched = earlier.environment === environment && !earlier.transient && !earlier.production;
      if (!touched || last?.state !== "success") continue;
      const nothing = { description: "", environmentUrl: last.environmentUrl, logUrl: last.logUrl };
      added(world, earlier, { state: "inactive", environment, ...nothing }, by);
    }
  return status;
}

function added(
  world: World,
  deployment: Deployment,
  about: Pick<DeploymentStatus, "state" | "description" | "environment" | "environmentUrl" | "logUrl">,
  by: Caller,
): DeploymentStatus {
  const createdAt = world.clock.now();
  const status = { id: world.nextId(), ...about, creator: by.account, app: by.app, createdAt };
  deployment.statuses.push(status);
  deployment.updatedAt = createdAt;
  world.tell(
    "deployment_status",
    {
      action: "created",
      deployment: hooked(deploymentShape(world, deployment)),
      deployment_status: hooked(deploymentStatusShape(world, deployment, status)),
      ...{ check_run: null, workflow: null, workflow_run: null },
    },
    by.account,
  );
  return status;
}
