import { saidOf } from "./states.ts";
import type { ToldRecord } from "./types.ts";

/** A release that was healthy in an environment, as GitHub's records have it. */
export type HealthyByRecords = {
  readonly release: string;
  readonly commit: string;
  readonly ref: string | null;
  /** The last deployment that made it live. */
  readonly deployment: string;
  readonly record: number;
};

/** What is live in an environment, and what a rollback may go back to, best first. */
export type Standing = { readonly live: HealthyByRecords | null; readonly candidates: readonly HealthyByRecords[] };

/**
 * Reads GitHub's records of one environment by the rules of the environment record: live is what reached success last; a rollback goes to the newest other release that had
 * reached success, that no rollback has left since, and whose images are known. The order of records, and what came of those that never reached success, says nothing.
 * The environment record is the authority; this is what GitHub alone can tell, to whom the environment cannot be asked.
 * @param records in any order
 */
export function standingOf(records: readonly ToldRecord[]): Standing {
  const successes = records
    .flatMap((record) => {
      const id = successOf(record);
      return id === null ? [] : [{ record, id }];
    })
    .sort((left, right) => left.id - right.id);
  /** Newest first; the first one is live. */
  let healthy: readonly HealthyByRecords[] = [];
  const withdrawn = new Set<string>();
  for (const { record } of successes) {
    const { document, number } = record;
    const { release, commit, ref, deployment, kind, fromRelease } = document;
    // The environment itself said what was live then; somebody may have deployed it from a machine that writes nothing to GitHub.
    const left = fromRelease ?? healthy[0]?.release ?? null;
    withdrawn.delete(release);
    if (kind === "rollback" && left !== null && left !== release) withdrawn.add(left);
    const now: HealthyByRecords = { release, commit, ref, deployment, record: number };
    healthy = [now, ...healthy.filter((each) => each.release !== release)];
  }
  const live = healthy[0] ?? null;
  const known = new Set(
    records.flatMap(({ document }) => (Object.keys(document.images).length === 0 ? [] : [document.release])),
  );
  return {
    live,
    candidates: healthy.filter(
      ({ release }) => release !== live?.release && !withdrawn.has(release) && known.has(release),
    ),
  };
}

/** The status by which a record's release became live for the first time; null if it never did. */
function successOf({ statuses }: ToldRecord): number | null {
  return statuses.findLast((status) => saidOf(status).state === "succeeded")?.id ?? null;
}
