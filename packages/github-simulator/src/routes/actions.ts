import { accountShape, nodeId, repositoryApi, repositoryWeb, time } from "../shapes/base.ts";
import { runShape, workflowShape } from "../shapes/runs.ts";
import type { Environment, WorkflowRun } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { type Answer, type Asked, listed, notFound, Refusal, type Route } from "./types.ts";

const runs = "/repos/{owner}/{repo}/actions/runs";
const workflows = "/repos/{owner}/{repo}/actions/workflows";

export const actionRoutes: readonly Route[] = [
  {
    name: `GET ${workflows}`,
    needs: ["actions:read"],
    answer: (_asked, world) => listed(world.workflows, (workflow) => workflowShape(world, workflow), "workflows"),
  },
  { name: `POST ${workflows}/{workflow_id}/dispatches`, needs: ["actions:write"], answer: dispatchWorkflow },
  { name: "POST /repos/{owner}/{repo}/dispatches", needs: ["contents:write"], answer: dispatchRepository },
  { name: `GET ${runs}`, needs: ["actions:read"], answer: list },
  {
    name: `GET ${runs}/{run_id}`,
    needs: ["actions:read"],
    answer: async (asked, world) => ({ status: 200, body: await shown(world, found(asked, world)) }),
  },
  {
    name: `GET ${runs}/{run_id}/approvals`,
    needs: ["actions:read"],
    answer: (asked, world) =>
      listed(found(asked, world).approvals, ({ state, environments, by, comment }) => ({
        ...{ state, comment, user: accountShape(world, by) },
        environments: environments.flatMap((name) => {
          const environment = world.environments.get(name);
          return environment === undefined ? [] : [environmentBrief(world, environment)];
        }),
      })),
  },
];

async function list({ query }: Asked, world: World): Promise<Answer> {
  const asks = (name: string, ...values: unknown[]): boolean =>
    query[name] === undefined || values.includes(query[name]);
  const matching = world.runs.filter(
    (run) =>
      asks("actor", run.actor.login) &&
      asks("branch", run.branch) &&
      asks("event", run.event) &&
      asks("head_sha", run.sha) &&
      // GitHub takes a conclusion for a status too.
      asks("status", run.status, run.conclusion),
  );
  const shapes = await Promise.all(matching.toReversed().map(async (run) => await shown(world, run)));
  return listed(shapes, (shape) => shape, "workflow_runs");
}

async function dispatchWorkflow({ path, body }: Asked, world: World): Promise<Answer> {
  const wanted = body as { ref: string; inputs?: Readonly<Record<string, unknown>> };
  const id = path["workflow_id"] ?? "";
  const workflow = world.workflows.find((one) => String(one.id) === id || one.path.endsWith(`/${id}`));
  if (workflow === undefined) throw notFound();
  if ((await world.git.resolve(wanted.ref)) === null) throw new Refusal(422, `No ref found for: ${wanted.ref}`);
  world.dispatches.push({
    ...{ event: "workflow_dispatch", name: workflow.path, ref: wanted.ref, inputs: wanted.inputs ?? {} },
  });
  return { status: 204 };
}

function dispatchRepository({ body }: Asked, world: World): Answer {
  const { event_type: name, client_payload: inputs = {} } = body as {
    event_type: string;
    client_payload?: Readonly<Record<string, unknown>>;
  };
  if (Object.keys(inputs).length > 10)
    throw new Refusal(
      422,
      "Invalid request.\n\nNo more than 10 properties are allowed; " +
        String(Object.keys(inputs).length) +
        " were supplied.",
    );
  world.dispatches.push({ event: "repository_dispatch", name, ref: null, inputs });
  return { status: 204 };
}

function environmentBrief(world: World, { id, name, createdAt, updatedAt }: Environment): unknown {
  return {
    ...{ id, node_id: nodeId("Environment", id), name, created_at: time(createdAt), updated_at: time(updatedAt) },
    url: `${repositoryApi(world)}/environments/${encodeURIComponent(name)}`,
    html_url: `${repositoryWeb(world)}/deployments/activity_log?environments_filter=${encodeURIComponent(name)}`,
  };
}

function found({ path }: Asked, world: World): WorkflowRun {
  const run = world.runs.find(({ id }) => id === Number(path["run_id"]));
  if (run === undefined) throw notFound();
  return run;
}

async function shown(world: World, run: WorkflowRun): Promise<unknown> {
  const head = await world.git.read(run.sha);
  if (head === null) throw notFound();
  return runShape(world, run, head);
}
