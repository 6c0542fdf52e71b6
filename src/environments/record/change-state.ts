import { ShiplockError } from "../../errors.ts";
import type { EnvironmentRecord, EnvironmentState } from "./types.ts";

/** A lost race is only possible with who writes without the lease (a hold), so a few tries are enough. */
const mostTries = 5;

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
  throw new ShiplockError({
    code: "record/contended",
    message: `the environment record of ${environment} changed again and again while it was written`,
    remedy: `run \`shiplock status ${environment}\`, and \`shiplock resume ${environment}\` if a deployment was not ended`,
  });
}
