import { systemClock } from "../clock.ts";
import type { AuditHead } from "../environments/audit/types.ts";
import type { Ledger } from "../ledger/types.ts";
import { allEvents, nextSequence } from "./ledger-events.ts";

/** So many of the newest deployments are asked what end of the log they left. */
const deploymentsAsked = 200;
const kind = "audit-head";

/** An end of an environment's audit log as this machine saw it, and at which deployment. */
export type RememberedHead = AuditHead & { readonly deployment: string };

/**
 * Keeps with a deployment where the environment's audit log ended then, so that this machine's history finds a log that was written anew. One that the history does not
 * know is left out.
 */
export async function rememberHead(ledger: Ledger, deployment: string, head: AuditHead): Promise<void> {
  if ((await ledger.findDeployment(deployment)) === null) return;
  const { sequence, hash } = head;
  const at = systemClock.now().getTime();
  const next = await nextSequence(ledger, deployment);
  await ledger.appendEvents(deployment, [{ sequence: next, at, kind, payload: { sequence, hash } }]);
}

/** The ends of an environment's audit log that this machine remembers, those of the newest deployments first. */
export async function rememberedHeads(ledger: Ledger, project: string, environment: string): Promise<RememberedHead[]> {
  const deployments = await ledger.history({ project, environment, limit: deploymentsAsked });
  const heads = await Promise.all(
    deployments.map(async ({ id }) =>
      (await allEvents(ledger, id))
        .filter((event) => event.kind === kind)
        .map(({ payload }): RememberedHead => ({ ...(payload as AuditHead), deployment: id })),
    ),
  );
  return heads.flat();
}
