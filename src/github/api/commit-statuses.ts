import * as z from "zod";
import type { CommitStatus, CommitStatuses } from "../../checks/statuses.ts";
import { readItems } from "./read-answer.ts";
import { stateOfRun } from "./run-state.ts";
import type { GitHubClient } from "./types.ts";
import { newestOfEach, worstOfEach } from "./worst-status.ts";

/** As with GitHub's own protected branches. */
const harmless = ["neutral", "skipped"];

const status = z.object({ context: z.string(), state: z.string(), target_url: z.string().nullish() });

const checkRun = z.object({
  id: z.number(),
  name: z.string(),
  status: z.string(),
  conclusion: z.string().nullish(),
  html_url: z.string().nullish(),
  check_suite: z.object({ id: z.number() }).nullish(),
});

/** GitHub says so of a commit that it does not know: nothing was reported for it. */
const unknownCommit = 422;

/**
 * What a CI has reported for a commit on GitHub: statuses, and runs of checks.
 *
 * As with GitHub's protected branches a run that was skipped, or is neutral, is a success. Within one suite the newest run of a name counts, which is how a job that was started once more replaces
 * itself. Where several suites, or a status and a run, share a name, all of them have to say success, since nobody can tell which of them was meant.
 */
export function commitStatusesOnGitHub(client: GitHubClient): CommitStatuses {
  return { of: reported };

  async function reported(commit: string, { signal }: { signal: AbortSignal }): Promise<readonly CommitStatus[]> {
    const options = { signal, expect: [unknownCommit] };
    const parameters = { ref: commit };
    const combined = { route: "GET /repos/{owner}/{repo}/commits/{ref}/status", parameters };
    const checks = { route: "GET /repos/{owner}/{repo}/commits/{ref}/check-runs", parameters };
    const [statuses, runs] = await Promise.all([
      readItems(client, combined, options, status, { under: "statuses" }),
      readItems(client, checks, options, checkRun, { under: "check_runs" }),
    ]);
    const newest = newestOfEach(
      runs,
      ({ name, check_suite: suite }) => JSON.stringify([suite?.id ?? null, name]),
      (one, than) => one.id > than.id,
    );
    return worstOfEach([
      ...statuses.map(({ context, state, target_url: url }) => ({
        name: context,
        state: stateOfStatus(state),
        url: url ?? null,
      })),
      ...newest.map((run) => ({ name: run.name, state: stateOfRun(run, harmless), url: run.html_url ?? null })),
    ]);
  }
}

function stateOfStatus(state: string): CommitStatus["state"] {
  switch (state) {
    case "success":
    case "pending":
      return state;
    case "failure":
    case "error":
      return "failure";
    default:
      return "unknown";
  }
}
