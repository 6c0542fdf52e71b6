import type { Deployment, DeploymentStatus, Environment } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { accountShape, appShape, nodeId, repositoryApi, repositoryWeb, type Shape, time } from "./base.ts";

export function deploymentShape(world: World, deployment: Deployment): Shape {
  const { id, sha, ref, task, payload, environment, description } = deployment;
  const api = repositoryApi(world);
  return {
    ...{ url: `${api}/deployments/${id}`, id, node_id: nodeId("Deployment", id), sha, ref, task, payload },
    ...{ original_environment: deployment.originalEnvironment, environment, description },
    creator: accountShape(world, deployment.creator),
    ...{ created_at: time(deployment.createdAt), updated_at: time(deployment.updatedAt) },
    ...{ statuses_url: `${api}/deployments/${id}/statuses`, repository_url: api },
    ...{ transient_environment: deployment.transient, production_environment: deployment.production },
    performed_via_github_app: deployment.app === null ? null : appShape(world, deployment.app),
  };
}

export function deploymentStatusShape(world: World, deployment: Deployment, status: DeploymentStatus): Shape {
  const api = repositoryApi(world);
  const own = `${api}/deployments/${deployment.id}`;
  return {
    ...{ url: `${own}/statuses/${status.id}`, id: status.id, node_id: nodeId("DeploymentStatus", status.id) },
    ...{ state: status.state, creator: accountShape(world, status.creator), description: status.description },
    ...{ environment: status.environment, target_url: status.logUrl, log_url: status.logUrl },
    ...{ environment_url: status.environmentUrl, deployment_url: own, repository_url: api },
    ...{ created_at: time(status.createdAt), updated_at: time(status.createdAt) },
    performed_via_github_app: status.app === null ? null : appShape(world, status.app),
  };
}

/** As webhooks have deployments and their statuses: without empty addresses but `target_url`, and with less about the app. */
export function hooked(shape: Shape): Shape {
  const { performed_via_github_app: app, ...rest } = shape;
  const given = Object.entries(rest).filter(
    ([name, value]) => !(value === "" && name.endsWith("_url") && name !== "target_url"),
  );
  const { client_id: _clientId, ...known } = (app ?? {}) as Shape;
  return { ...Object.fromEntries(given), performed_via_github_app: app === null ? null : known };
}

export function environmentShape(world: World, environment: Environment): Shape {
  const { id, name, protection } = environment;
  const rule = (type: string): Shape => ({ id: id * 10 + type.length, node_id: nodeId("Gate", `${id}${type}`), type });
  const { waitTimer, reviewers, preventSelfReview, branches } = protection;
  return {
    ...{ id, node_id: nodeId("Environment", id), name },
    url: `${repositoryApi(world)}/environments/${encodeURIComponent(name)}`,
    html_url: `${repositoryWeb(world)}/deployments/activity_log?environments_filter=${encodeURIComponent(name)}`,
    ...{ created_at: time(environment.createdAt), updated_at: time(environment.updatedAt) },
    protection_rules: [
      ...(waitTimer === 0 ? [] : [{ ...rule("wait_timer"), wait_timer: waitTimer }]),
      ...(reviewers.length === 0
        ? []
        : [
            {
              ...rule("required_reviewers"),
              prevent_self_review: preventSelfReview,
              reviewers: reviewers.map((reviewer) => ({ type: "User", reviewer: accountShape(world, reviewer) })),
            },
          ]),
      ...(branches === null ? [] : [rule("branch_policy")]),
    ],
    deployment_branch_policy:
      branches === null
        ? null
        : { protected_branches: branches === "protected", custom_branch_policies: branches !== "protected" },
  };
}
