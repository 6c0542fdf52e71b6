import type { Commit } from "../git/types.ts";
import type { CheckRun, CheckSuite } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { appShape, nodeId, repositoryApi, repositoryWeb, type Shape, time } from "./base.ts";
import { simpleCommitShape } from "./commits.ts";
import { minimalPulls } from "./pulls.ts";
import { minimalRepository } from "./repository.ts";

export function checkRunShape(world: World, run: CheckRun): Shape {
  const own = `${repositoryApi(world)}/check-runs/${run.id}`;
  const html = `${repositoryWeb(world)}/runs/${run.id}`;
  return {
    ...{ id: run.id, head_sha: run.sha, node_id: nodeId("CheckRun", run.id), external_id: run.externalId, url: own },
    ...{ html_url: html, details_url: run.detailsUrl ?? html, status: run.status, conclusion: run.conclusion },
    ...{ started_at: time(run.startedAt), completed_at: run.completedAt === null ? null : time(run.completedAt) },
    output: {
      ...{ title: run.title, summary: run.summary, text: run.text, annotations_count: run.annotations.length },
      annotations_url: `${own}/annotations`,
    },
    ...{ name: run.name, check_suite: { id: run.suite.id }, app: appShape(world, run.app) },
    pull_requests: minimalPulls(world, run.sha),
  };
}

/** What a suite as a whole is: finished when all its runs are, and as bad as the worst of them. */
export function suiteState(world: World, suite: CheckSuite): { status: string; conclusion: string | null } {
  const runs = world.checkRuns.filter((run) => run.suite === suite);
  if (runs.some(({ status }) => status !== "completed") || runs.length === 0)
    return { status: runs.every(({ status }) => status === "queued") ? "queued" : "in_progress", conclusion: null };
  const worst = (["failure", "timed_out", "cancelled", "action_required", "stale", "success"] as const).find((one) =>
    runs.some(({ conclusion }) => conclusion === one),
  );
  return { status: "completed", conclusion: worst ?? "neutral" };
}

export function checkSuiteShape(world: World, suite: CheckSuite, head: Commit): Shape {
  const own = `${repositoryApi(world)}/check-suites/${suite.id}`;
  return {
    ...{ id: suite.id, node_id: nodeId("CheckSuite", suite.id), head_branch: suite.branch, head_sha: suite.sha },
    ...{ ...suiteState(world, suite), url: own, before: head.parents[0] ?? null, after: suite.sha },
    ...{ pull_requests: minimalPulls(world, suite.sha), app: appShape(world, suite.app) },
    ...{ created_at: time(suite.createdAt), updated_at: time(suite.createdAt) },
    latest_check_runs_count: world.checkRuns.filter((run) => run.suite === suite).length,
    ...{ check_runs_url: `${own}/check-runs`, head_commit: simpleCommitShape(head) },
    repository: minimalRepository(world),
  };
}

/** A check run as webhooks have it: with its suite. */
export function checkRunEvent(world: World, run: CheckRun): Shape {
  const { suite } = run;
  const own = `${repositoryApi(world)}/check-suites/${suite.id}`;
  return {
    ...checkRunShape(world, run),
    check_suite: {
      ...{ id: suite.id, node_id: nodeId("CheckSuite", suite.id), head_branch: suite.branch, head_sha: suite.sha },
      ...{ ...suiteState(world, suite), url: own, before: null, after: suite.sha },
      ...{ pull_requests: minimalPulls(world, suite.sha), app: appShape(world, suite.app) },
      ...{ created_at: time(suite.createdAt), updated_at: time(suite.createdAt) },
    },
  };
}

export function annotationShape(world: World, run: CheckRun, annotation: Shape): Shape {
  return {
    ...{ start_column: null, end_column: null, title: null, raw_details: null, ...annotation },
    blob_href: `${repositoryWeb(world)}/blob/${run.sha}/${String(annotation["path"])}`,
  };
}
