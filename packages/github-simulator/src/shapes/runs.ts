import type { Commit } from "../git/types.ts";
import type { Workflow, WorkflowRun } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { accountShape, nodeId, repositoryApi, repositoryWeb, type Shape, time } from "./base.ts";
import { simpleCommitShape } from "./commits.ts";
import { minimalPulls } from "./pulls.ts";
import { minimalRepository } from "./repository.ts";

export function workflowShape(world: World, { id, name, path, createdAt }: Workflow): Shape {
  const file = path.split("/").at(-1) ?? "";
  return {
    ...{ id, node_id: nodeId("Workflow", id), name, path, state: "active" },
    ...{ created_at: time(createdAt), updated_at: time(createdAt), url: workflowApi(world, id) },
    html_url: `${repositoryWeb(world)}/blob/${world.repository.defaultBranch}/${path}`,
    badge_url: `${repositoryWeb(world)}/actions/workflows/${file}/badge.svg`,
  };
}

export function runShape(world: World, run: WorkflowRun, head: Commit): Shape {
  const own = `${repositoryApi(world)}/actions/runs/${run.id}`;
  const suite = run.id + 1;
  const actor = accountShape(world, run.actor);
  return {
    ...{ id: run.id, name: run.workflow.name, node_id: nodeId("WorkflowRun", run.id), check_suite_id: suite },
    ...{ check_suite_node_id: nodeId("CheckSuite", suite), head_branch: run.branch, head_sha: run.sha },
    ...{ path: run.workflow.path, run_number: run.number, run_attempt: run.attempt, event: run.event },
    ...{ status: run.status, conclusion: run.conclusion, workflow_id: run.workflow.id, display_title: run.title },
    ...{
      url: own,
      html_url: runWeb(world, run.id),
      pull_requests: minimalPulls(world, run.sha),
      referenced_workflows: [],
    },
    ...{ created_at: time(run.createdAt), updated_at: time(run.updatedAt), run_started_at: time(run.createdAt) },
    ...{ actor, triggering_actor: actor, jobs_url: `${own}/jobs`, logs_url: `${own}/logs` },
    check_suite_url: `${repositoryApi(world)}/check-suites/${suite}`,
    ...{ artifacts_url: `${own}/artifacts`, cancel_url: `${own}/cancel`, rerun_url: `${own}/rerun` },
    previous_attempt_url: run.attempt > 1 ? `${own}/attempts/${run.attempt - 1}` : null,
    ...{ workflow_url: workflowApi(world, run.workflow.id), head_commit: simpleCommitShape(head) },
    ...{ repository: minimalRepository(world), head_repository: minimalRepository(world) },
  };
}

export function runWeb(world: World, id: number): string {
  return `${repositoryWeb(world)}/actions/runs/${id}`;
}

function workflowApi(world: World, id: number): string {
  return `${repositoryApi(world)}/actions/workflows/${id}`;
}
