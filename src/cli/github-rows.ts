import { systemClock } from "../clock.ts";
import type { Config } from "../config/types.ts";
import { stateRules } from "../deploy/states.ts";
import { ShiplockError } from "../errors.ts";
import { createBoard, recordedEntry } from "../ledger/github/board.ts";
import { createGitHubRecords } from "../ledger/github/records.ts";
import { standingOf } from "../ledger/github/standing.ts";
import type { DeploymentEntry } from "../ledger/types.ts";
import type { CommandContext } from "./context.ts";
import { githubAccess } from "./github.ts";

/** So many records of an environment are looked at for what is live there and what a rollback would take. */
const lookedAt = 40;

/** A deployment as GitHub's record of it has it. */
export type GitHubRow = {
  readonly entry: DeploymentEntry;
  /** GitHub's number for it. */
  readonly record: number;
  /** What GitHub's records say of it: that its release is live, or that a rollback without a name would go back to it. */
  readonly standing: "live" | "rollback" | null;
};

/**
 * The deployments that GitHub has records of, newest first. The environments themselves are not asked.
 * @param names of the environments
 * @param limit how many of each at most
 * @throws ShiplockError `github/no-access`, and those of GitHub's API
 */
export async function githubRows(
  context: CommandContext,
  config: Config,
  names: readonly string[],
  limit: number,
): Promise<GitHubRow[]> {
  const access = await githubAccess(context, config);
  if (access.kind === "none")
    throw new ShiplockError({
      code: "github/no-access",
      blame: "usage",
      message: `GitHub cannot be asked for its records: ${access.why}`,
      remedy: access.remedy,
    });
  const records = createGitHubRecords({ client: access.client, project: config.project, signal: context.signal });
  const board = createBoard(records, systemClock.elapsed, context.github?.board);
  const rows: GitHubRow[] = [];
  for (const name of names) {
    const listed = await board.list(name);
    const told = await board.toldAll(listed.slice(0, Math.max(limit, lookedAt)));
    const { live, candidates } = standingOf(told);
    const marks = new Map<number, GitHubRow["standing"]>();
    if (candidates[0] !== undefined) marks.set(candidates[0].record, "rollback");
    if (live !== null) marks.set(live.record, "live");
    for (const record of told.slice(0, limit)) {
      const { number } = record;
      rows.push({ entry: recordedEntry(record, stateRules), record: number, standing: marks.get(number) ?? null });
    }
  }
  return rows;
}
