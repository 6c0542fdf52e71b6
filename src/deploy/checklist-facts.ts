import { type ChecklistFacts, wayBackOf } from "../environments/checklist.ts";
import { messageOf } from "../errors.ts";
import type { TargetSession } from "../targets/types.ts";
import type { Look } from "./asking.ts";
import { documentOf } from "./read-record.ts";
import type { DeploymentKind } from "./types.ts";

/**
 * What the checklist wants to know of the hosts, looked at beside the survey. Nothing depends on it: what cannot be seen is said to be unknown, and whatever keeps a
 * deployment from going on is told by who needs it.
 */
export async function lookForChecklist(
  kind: DeploymentKind,
  session: TargetSession,
  look: Look,
): Promise<Pick<ChecklistFacts, "seen" | "migratedBefore" | "wayBackLacks">> {
  const [seen, migratedBefore, wayBackLacks] = await Promise.all([
    whatRuns(session, look),
    migrated(session, look).catch(() => null),
    lacking(kind, session, look).catch(() => null),
  ]);
  return { seen, migratedBefore, wayBackLacks };
}

async function whatRuns(session: TargetSession, { state, previous }: Look): Promise<ChecklistFacts["seen"]> {
  const { live } = state;
  if (live === null) return null;
  try {
    const hosts = await session.observe(state, previous);
    return {
      drift: hosts.flatMap(({ host, drift }) => drift.map((sentence) => `${host}: ${sentence}`)),
      containers: hosts
        .flatMap(({ containers }) => containers)
        // Of one that was made live twice, the containers of the first time are kept beside it, stopped.
        .filter(({ release, place }) => release === live.release && place === live.place)
        .map(({ name, status, health }) => ({ name, status, health })),
    };
  } catch (error) {
    return { unknown: messageOf(error) };
  }
}

async function migrated(session: TargetSession, { document }: Look): Promise<boolean | null> {
  if (document.snapshot.migration === null) return null;
  const result = await session.record.readMigration(document.release.id);
  return result === null ? null : result.exitCode === 0;
}

/** Names of the images that hosts lack of the release that a rollback would go to; what runs now has them all. */
async function lacking(kind: DeploymentKind, session: TargetSession, look: Look): Promise<readonly string[] | null> {
  const { state, document } = look;
  const back = wayBackOf(state, kind, document.release.id);
  if (back === null || back.release === state.live?.release) return [];
  const there = await documentOf(session, back.document);
  return there === null ? null : (await session.missingImages(there)).map(({ name }) => name);
}
