import { deploymentShape, deploymentStatusShape, hooked } from "../shapes/deployments.ts";
import { failingContexts } from "../state/contexts.ts";
import { addDeploymentStatus, ensureEnvironment } from "../state/deployments.ts";
import type { Deployment, DeploymentState } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { github, noticePushes } from "../state/pushes.ts";
import type { Account, Json } from "../types.ts";
import { type Answer, type Asked, invalid, newestFirst, notFound, Refusal, type Route } from "./types.ts";

const one = "/repos/{owner}/{repo}/deployments/{deployment_id}";

export const deploymentRoutes: readonly Route[] = [
  { name: "GET /repos/{owner}/{repo}/deployments", needs: ["deployments:read"], answer: list },
  { name: "POST /repos/{owner}/{repo}/deployments", needs: ["deployments:write"], answer: create },
  {
    name: `GET ${one}`,
    needs: ["deployments:read"],
    answer: (asked, world) => ({ status: 200, body: deploymentShape(world, found(asked, world)) }),
  },
  { name: `DELETE ${one}`, needs: ["deployments:write"], answer: remove },
  {
    name: `GET ${one}/statuses`,
    needs: ["deployments:read"],
    answer: (asked, world) => {
      const deployment = found(asked, world);
      return newestFirst(deployment.statuses, (status) => deploymentStatusShape(world, deployment, status));
    },
  },
  { name: `POST ${one}/statuses`, needs: ["deployments:write"], answer: createStatus },
  {
    name: `GET ${one}/statuses/{status_id}`,
    needs: ["deployments:read"],
    answer: (asked, world) => {
      const deployment = found(asked, world);
      const status = deployment.statuses.find(({ id }) => id === Number(asked.path["status_id"]));
      if (status === undefined) throw notFound();
      return { status: 200, body: deploymentStatusShape(world, deployment, status) };
    },
  },
];

function list({ query }: Asked, world: World): Answer {
  const asks = (name: string, value: string): boolean => {
    const wanted = query[name];
    return wanted === undefined || wanted === "none" || wanted === value;
  };
  const matching = world.deployments.filter(
    ({ sha, ref, task, environment }) =>
      asks("sha", sha) && asks("ref", ref) && asks("task", task) && asks("environment", environment),
  );
  return newestFirst(matching, (deployment) => deploymentShape(world, deployment));
}

type NewDeployment = {
  readonly ref: string;
  readonly task?: string;
  readonly auto_merge?: boolean;
  readonly required_contexts?: readonly string[];
  readonly payload?: Json;
  readonly environment?: string;
  readonly description?: string | null;
  readonly transient_environment?: boolean;
  readonly production_environment?: boolean;
};

async function create({ body, caller }: Asked, world: World): Promise<Answer> {
  const wanted = body as NewDeployment;
  const { ref, environment = "production" } = wanted;
  const sha = await world.git.resolve(ref);
  if (sha === null) throw new Refusal(422, `No ref found for: ${ref}`);
  if (wanted.auto_merge ?? true) {
    const message = await autoMerged(ref, sha, world, caller.account);
    if (message !== null) return { status: 202, body: { message } };
  }
  const failing = failingContexts(world, sha, wanted.required_contexts ?? null);
  if (failing.length > 0)
    throw new Refusal(409, `Conflict: Commit status checks failed for ${ref}.`, [
      { resource: "Deployment", field: "required_contexts", code: "invalid", contexts: failing },
    ]);
  ensureEnvironment(world, environment);
  const now = world.clock.now();
  const deployment: Deployment = {
    ...{ id: world.nextId(), sha, ref, task: wanted.task ?? "deploy", payload: wanted.payload ?? {} },
    ...{ originalEnvironment: environment, environment, description: wanted.description ?? null },
    transient: wanted.transient_environment ?? false,
    production: wanted.production_environment ?? environment === "production",
    ...{ creator: caller.account, app: caller.app, createdAt: now, updatedAt: now, statuses: [] },
  };
  world.deployments.push(deployment);
  const shape = deploymentShape(world, deployment);
  world.tell(
    "deployment",
    { action: "created", deployment: hooked(shape), workflow: null, workflow_run: null },
    caller.account,
  );
  return { status: 201, body: shape };
}

/** GitHub brings a branch up to date with the default branch before it deploys it, and then makes no deployment. */
async function autoMerged(ref: string, sha: string, world: World, by: Account): Promise<string | null> {
  const { git, repository, clock } = world;
  const base = repository.defaultBranch;
  const baseSha = await git.resolve(`refs/heads/${base}`);
  const isBranch = (await git.refs("refs/heads/")).some(({ name }) => name === `refs/heads/${ref}`);
  if (!isBranch || ref === base || baseSha === null) return null;
  const common = await git.mergeBase(sha, baseSha);
  if (common === null || common === baseSha) return null;
  const about = {
    ...{ message: `Merge ${base} into ${ref}`, author: github },
    at: clock.now(),
  };
  const merged = await git.merge(sha, baseSha, about);
  if (merged === null) throw new Refusal(409, `Conflict merging ${base} into ${ref}.`);
  await git.setRef(`refs/heads/${ref}`, merged);
  await noticePushes(world, by);
  return `Auto-merged ${base} into ${ref} on deployment.`;
}

type NewStatus = {
  readonly state: DeploymentState;
  readonly target_url?: string;
  readonly log_url?: string;
  readonly description?: string;
  readonly environment?: string;
  readonly environment_url?: string;
  readonly auto_inactive?: boolean;
};

function createStatus(asked: Asked, world: World): Answer {
  const deployment = found(asked, world);
  const wanted = asked.body as NewStatus;
  if ((wanted.description ?? "").length > 140)
    throw invalid("DeploymentStatus", "description", "custom", "description is too long (maximum is 140 characters)");
  const status = addDeploymentStatus(world, deployment, {
    ...{ state: wanted.state, description: wanted.description ?? "", environment: wanted.environment ?? null },
    ...{ environmentUrl: wanted.environment_url ?? "", logUrl: wanted.log_url ?? wanted.target_url ?? "" },
    ...{ autoInactive: wanted.auto_inactive ?? true, by: asked.caller },
  });
  return { status: 201, body: deploymentStatusShape(world, deployment, status) };
}

function remove(asked: Asked, world: World): Answer {
  const deployment = found(asked, world);
  const state = deployment.statuses.at(-1)?.state;
  if (world.deployments.length > 1 && (state === undefined || state === "success"))
    throw new Refusal(
      422,
      "We cannot delete an active deployment unless it is the only deployment in a given repository.",
    );
  world.deployments.splice(world.deployments.indexOf(deployment), 1);
  return { status: 204 };
}

function found({ path }: Asked, world: World): Deployment {
  const deployment = world.deployments.find(({ id }) => id === Number(path["deployment_id"]));
  if (deployment === undefined) throw notFound();
  return deployment;
}
