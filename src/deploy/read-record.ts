import { ShiplockError } from "../errors.ts";
import type { ReleaseDocument } from "../release/types.ts";
import type { TargetSession } from "../targets/types.ts";
import type { Plan } from "./types.ts";

/** The release document of this name in the environment record; null if it is not there or none is named. */
export async function documentOf(session: TargetSession, name: string | null): Promise<ReleaseDocument | null> {
  if (name === null) return null;
  const text = await session.record.readRelease(name);
  return text === null ? null : (JSON.parse(text) as ReleaseDocument);
}

/** A deployment that the record says was begun and never ended. */
export type Unfinished = {
  plan: Plan;
  document: ReleaseDocument;
  previous: ReleaseDocument | null;
  committed: boolean;
};

/**
 * The unfinished deployment of an environment, with its plan and releases as they were written before its first effect; null if there is none.
 * @throws ShiplockError `record/incomplete`
 */
export async function readUnfinished(session: TargetSession): Promise<Unfinished | null> {
  const read = await session.record.read();
  const operation = read?.state.operation ?? null;
  if (read === null || operation === null) return null;
  const plan = await session.record.readPlan(operation.deployment);
  const document = await documentOf(session, operation.document);
  const previous = await documentOf(session, operation.previousDocument);
  // Without the release that serves, going back would take it for "nothing was live".
  const lost = operation.previousDocument !== null && previous === null;
  if (plan === null || document === null || lost) throw recordIncomplete(operation.deployment);
  return { plan, document, committed: operation.committed, previous };
}

function recordIncomplete(deployment: string): ShiplockError {
  return new ShiplockError({
    code: "record/incomplete",
    blame: "person",
    message: `the environment record names deployment ${deployment}, but its plan or release is not there`,
    remedy: "look at the folder on the home host",
  });
}
