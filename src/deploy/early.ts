import type { Judgement } from "../environments/gates/types.ts";
import { withRefused } from "../environments/queue/changes.ts";
import type { NewTicket } from "../environments/queue/types.ts";
import { changeRequests } from "../environments/record/change-state.ts";
import type { Release } from "../release/types.ts";
import { refNameOf, requestersOf } from "./asking.ts";
import { refusalOf } from "./refusal.ts";
import type { DeploymentOutcome, DeploymentPorts, DeploymentRequest } from "./request.ts";

/** What stands for the release of a request that ended before anything was built. No release is named so. */
export const unbuilt = "unbuilt";

/** A request for a commit of which nothing is built yet. It never stands in the queue. */
export function earlyTicket(
  request: DeploymentRequest,
  asked: { hash: string; time: string } & Pick<Release, "ref" | "refKind">,
  now: Date,
): NewTicket {
  const { deployment, kind, trigger, origin, options, expiresMs } = request;
  return {
    ...{ deployment, kind, trigger, origin, options, state: "queued", requesters: requestersOf(request) },
    ...{ release: unbuilt, document: unbuilt, subject: unbuilt, waiting: [], approvals: [] },
    ...{ commit: asked.hash, commitTime: asked.time, ref: refNameOf(asked) },
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + expiresMs).toISOString(),
  };
}

/**
 * Ends a request that a gate blocks before anything of it was checked or built: recorded, like every other that ends without having begun.
 * @param subject of the commit
 */
export async function refuseEarly(
  request: DeploymentRequest,
  ports: DeploymentPorts,
  ticket: NewTicket,
  subject: string,
  judgement: Judgement,
): Promise<DeploymentOutcome> {
  const { project, environment } = request;
  const { deployment } = ticket;
  const { end, outcome, error } = refusalOf(ticket.trigger, judgement);
  const at = ports.clock.now().toISOString();
  const { state } = await changeRequests(ports.session.record, request, (known) =>
    withRefused(known, ticket, end, outcome, at),
  );
  const from = state.live?.release ?? null;
  ports.tell({ kind: "requested-early", ticket, subject, from, project, environment });
  ports.tell({ kind: "judged", deployment, moment: "request", judgement });
  ports.tell({ kind: "state", deployment, state: end, outcome });
  return { deployment, environment, state: end, release: unbuilt, from, outcome, error, plan: null, judgement };
}
