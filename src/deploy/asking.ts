import { withExpired } from "../environments/queue/changes.ts";
import type { NewTicket, RefName } from "../environments/queue/types.ts";
import type { Identity } from "../environments/identity.ts";
import { emptyState } from "../environments/record/changes.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Judgement } from "../environments/gates/types.ts";
import { subjectOf } from "../release/snapshot.ts";
import type { Release, ReleaseDocument } from "../release/types.ts";
import { documentOf } from "./read-record.ts";
import type { DeploymentPorts, DeploymentRequest, Question } from "./request.ts";

/** A request and what it was judged by. */
export type Look = {
  revision: number;
  state: EnvironmentState;
  previous: ReleaseDocument | null;
  document: ReleaseDocument;
  notes: readonly string[];
  ticket: NewTicket;
  judgement: Judgement;
};

/**
 * Reads the environment as it is now, chooses what shall be live, and asks the gates. Changes nothing.
 * @throws ShiplockError `deploy/unfinished` under the lease, and those of who chooses
 */
export async function lookAndJudge(
  request: DeploymentRequest,
  ports: DeploymentPorts,
  moment: Question["moment"],
): Promise<Look> {
  const { session, clock } = ports;
  const read = await session.record.read();
  const found = read?.state ?? emptyState(request.project, request.environment);
  if (moment === "acting") refuseUnfinished(found);
  const now = clock.now();
  const state = withExpired(found, now);
  const previous = await documentOf(session, state.live?.document ?? null);
  const { document, notes } = await request.choose(state, previous);
  const ticket = ticketOf(request, document, state, now);
  const judgement = await request.judge({ moment, state, ticket, document, previous });
  return { revision: read?.revision ?? 0, state, previous, document, notes, ticket, judgement };
}

/** The request as it stands in the queue, with what it is about today; a new one where it does not stand there yet. */
function ticketOf(
  request: DeploymentRequest,
  document: ReleaseDocument,
  state: EnvironmentState,
  now: Date,
): NewTicket {
  const { release } = document;
  const queued = state.tickets.find((ticket) => ticket.deployment === request.deployment);
  return {
    deployment: request.deployment,
    kind: request.kind,
    trigger: request.trigger,
    state: "queued",
    origin: request.origin,
    requesters: requestersOf(request),
    createdAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + request.expiresMs).toISOString(),
    options: request.options,
    waiting: [],
    approvals: [],
    ...queued,
    release: release.id,
    document: document.name,
    subject: subjectOf(document),
    commit: release.commit,
    commitTime: release.commitTime,
    ref: refNameOf(release),
  };
}

/** Who asked, and who has asked for the same before. */
export function requestersOf({ asker, alsoAsked = [] }: DeploymentRequest): readonly Identity[] {
  return [asker, ...alsoAsked];
}

/** @throws ShiplockError `deploy/unfinished` when a deployment was begun and never ended */
export function refuseUnfinished(state: EnvironmentState): void {
  const { operation } = state;
  if (operation === null) return;
  throw new ShiplockError({
    code: "deploy/unfinished",
    blame: "person",
    message: `deployment ${operation.deployment} of ${operation.release} to ${state.environment}, begun ${operation.startedAt}, was never ended`,
    remedy: operation.committed
      ? `run \`shiplock resume ${state.environment}\`, which finishes it`
      : `run \`shiplock resume ${state.environment}\` to finish it, or \`shiplock abort ${state.environment}\` to go back`,
  });
}

/** The branch or tag that a release was asked for by. */
export function refNameOf({ ref, refKind }: Pick<Release, "ref" | "refKind">): RefName | null {
  return ref === null ? null : { kind: refKind ?? "branch", name: ref };
}
