import { ShiplockError } from "../../errors.ts";
import { emptyState } from "./changes.ts";
import type { EnvironmentRecord, EnvironmentState } from "./types.ts";

/** Who writes without the lease (requests, holds, approvals) may be many at the same moment, and one of them wins each time: also a commit has to outlast them. */
const mostTries = 100;

/**
 * Changes the state of an environment. It begins with what was read or written last, and reads again when somebody else was faster, or before it believes that
 * nothing is to be done.
 * @param change the new state; null when nothing is to be changed
 * @returns whether it was written
 * @throws ShiplockError `record/gone`, `record/contended`
 */
export async function changeState(
  record: EnvironmentRecord,
  environment: string,
  change: (state: EnvironmentState) => EnvironmentState | null,
): Promise<boolean> {
  let known = record.last();
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const fresh = known === null;
    known ??= await record.read();
    if (known === null)
      throw new ShiplockError({
        code: "record/gone",
        blame: "person",
        message: `the environment record of ${environment} is gone`,
        remedy: "look at the folder on the home host",
      });
    const next = change(known.state);
    if (next === null && fresh) return false;
    if (next !== null && (await record.swap(known.revision, next))) return true;
    known = null;
  }
  throw contended(environment);
}

function contended(environment: string): ShiplockError {
  return new ShiplockError({
    code: "record/contended",
    message: `the environment record of ${environment} changed again and again while it was written`,
    remedy: `run \`shiplock status ${environment}\`, and \`shiplock resume ${environment}\` if a deployment was not ended`,
  });
}

/**
 * Changes what needs no lease (requests, holds, approvals, reviews) in the state of an environment, also of one in which nothing has happened yet.
 * @param change the new state; null when nothing is to be changed
 * @returns the state as it is now, and whether it was written
 * @throws ShiplockError `record/contended`, and what `change` throws
 */
export async function changeRequests(
  record: Pick<EnvironmentRecord, "read" | "swap">,
  whose: { project: string; environment: string },
  change: (state: EnvironmentState) => EnvironmentState | null,
): Promise<{ state: EnvironmentState; written: boolean }> {
  for (let attempt = 1; attempt <= mostTries; attempt += 1) {
    const known = await record.read();
    const state = known?.state ?? emptyState(whose.project, whose.environment);
    const next = change(state);
    if (next === null) return { state, written: false };
    if (await record.swap(known?.revision ?? 0, next)) return { state: next, written: true };
  }
  throw contended(whose.environment);
}
