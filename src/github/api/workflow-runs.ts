import * as z from "zod";
import type { CommitStatuses } from "../../checks/statuses.ts";
import { readItems } from "./read-answer.ts";
import { stateOfRun } from "./run-state.ts";
import type { GitHubClient } from "./types.ts";
import { newestOfEach, worstOfEach } from "./worst-status.ts";

const workflowRun = z.object({
  id: z.number(),
  name: z.string().nullish(),
  workflow_id: z.number(),
  head_sha: z.string(),
  event: z.string(),
  status: z.string().nullish(),
  conclusion: z.string().nullish(),
  html_url: z.string(),
  created_at: z.string(),
  run_started_at: z.string().nullish(),
});

type WorkflowRun = z.infer<typeof workflowRun>;

/**
 * The newest run of each workflow for a commit, by the workflow's name. Runs of pull requests are left out: they bear the commit of the branch, and what ran there is that commit merged with
 * another. A run of which every job was skipped says neither yes nor no.
 */
export function workflowRunsOnGitHub(client: GitHubClient): CommitStatuses {
  return {
    of: async (commit, { signal }) => {
      const call = { route: "GET /repos/{owner}/{repo}/actions/runs", parameters: { head_sha: commit } };
      const runs = await readItems(client, call, { signal }, workflowRun, { under: "workflow_runs" });
      const own = runs.filter((run) => run.head_sha === commit && !run.event.startsWith("pull_request"));
      const newest = newestOfEach(own, (run) => `${run.workflow_id}`, isNewer);
      return worstOfEach(newest.map((run) => ({ name: run.name ?? "", state: stateOfRun(run), url: run.html_url })));
    },
  };
}

/** One that was started once more keeps its id, and has a new beginning. */
function isNewer(one: WorkflowRun, than: WorkflowRun): boolean {
  const [left, right] = [one, than].map((run) => Date.parse(run.run_started_at ?? run.created_at));
  return left === right ? one.id > than.id : (left ?? 0) > (right ?? 0);
}
