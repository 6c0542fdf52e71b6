import { nodeId } from "../shapes/base.ts";
import { environmentShape } from "../shapes/deployments.ts";
import { ensureEnvironment } from "../state/deployments.ts";
import type { Environment } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { type Answer, type Asked, listed, notFound, Refusal, type Route } from "./types.ts";

const one = "/repos/{owner}/{repo}/environments/{environment_name}";

export const environmentRoutes: readonly Route[] = [
  {
    name: "GET /repos/{owner}/{repo}/environments",
    needs: ["actions:read"],
    answer: (_asked, world) =>
      listed([...world.environments.values()], (environment) => environmentShape(world, environment), "environments"),
  },
  {
    name: `GET ${one}`,
    needs: ["actions:read"],
    answer: (asked, world) => ({ status: 200, body: environmentShape(world, found(asked, world)) }),
  },
  { name: `PUT ${one}`, needs: ["administration:write"], answer: put },
  {
    name: `DELETE ${one}`,
    needs: ["administration:write"],
    answer: (asked, world) => {
      world.environments.delete(found(asked, world).name);
      return { status: 204 };
    },
  },
  {
    name: `GET ${one}/deployment-branch-policies`,
    needs: ["actions:read"],
    answer: (asked, world) => listed(found(asked, world).branchPolicies, policyShape, "branch_policies"),
  },
  {
    name: `POST ${one}/deployment-branch-policies`,
    needs: ["administration:write"],
    answer: (asked, world) => {
      const environment = found(asked, world);
      const { name, type = "branch" } = asked.body as { name: string; type?: "branch" | "tag" };
      if (!Array.isArray(environment.protection.branches)) throw notFound();
      const policy = { id: world.nextId(), name, type };
      environment.branchPolicies.push(policy);
      return { status: 200, body: policyShape(policy) };
    },
  },
];

type Wanted = {
  readonly wait_timer?: number;
  readonly prevent_self_review?: boolean;
  readonly reviewers?: readonly { readonly type?: string; readonly id?: number }[] | null;
  readonly deployment_branch_policy?: {
    readonly protected_branches: boolean;
    readonly custom_branch_policies: boolean;
  } | null;
};

/** Says the whole protection anew: what is not named is off. */
function put({ path, body }: Asked, world: World): Answer {
  const wanted = body as Wanted;
  const branches = wanted.deployment_branch_policy ?? null;
  if (branches !== null && branches.protected_branches === branches.custom_branch_policies)
    throw new Refusal(422, "protected_branches and custom_branch_policies cannot have the same value");
  const accounts = [...world.accounts.values()].map(({ account }) => account);
  const reviewers = (wanted.reviewers ?? []).map(({ id }) => {
    const account = accounts.find((candidate) => candidate.id === id);
    if (account === undefined) throw new Refusal(422, "Failed to create the environment protection rule.");
    return account;
  });
  if (reviewers.length > 6 || (wanted.wait_timer ?? 0) > 43_200 || (wanted.wait_timer ?? 0) < 0)
    throw new Refusal(422, "Failed to create the environment protection rule.");
  const environment = ensureEnvironment(world, path["environment_name"] ?? "");
  environment.updatedAt = world.clock.now();
  environment.protection = {
    waitTimer: wanted.wait_timer ?? 0,
    reviewers,
    preventSelfReview: wanted.prevent_self_review ?? false,
    branches: branches === null ? null : branches.protected_branches ? "protected" : [],
  };
  return { status: 200, body: environmentShape(world, environment) };
}

function found({ path }: Asked, world: World): Environment {
  const environment = world.environments.get(path["environment_name"] ?? "");
  if (environment === undefined) throw notFound();
  return environment;
}

function policyShape(policy: Environment["branchPolicies"][number]): unknown {
  return { id: policy.id, node_id: nodeId("GateBranchPolicy", policy.id), name: policy.name, type: policy.type };
}
