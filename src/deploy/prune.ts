import { isLocalRepository } from "../config/local-repository.ts";
import { changeState } from "../environments/record/change-state.ts";
import { withForgotten } from "../environments/record/changes.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import { decideRetention } from "../environments/retention/decide.ts";
import type { Retention, RetentionFacts, StoredDocument } from "../environments/retention/types.ts";
import { sweepRegistry } from "../release/registry/holdings.ts";
import type { Registry } from "../release/registry/types.ts";
import type { ReleaseDocument } from "../release/types.ts";
import type { TargetSession } from "../targets/types.ts";
import { underLease } from "./lease.ts";
import { documentOf } from "./read-record.ts";
import type { DeploymentPorts, DeploymentRequest } from "./request.ts";

export type PruneRequest = Pick<DeploymentRequest, "deployment" | "origin" | "leaseTtlMs" | "wait" | "environment"> & {
  /** Successful releases that stay ready for a rollback. */
  keep: number;
  /** What the registry has of the repositories of these documents; see `RetentionFacts.registry`. */
  readRegistry: (documents: readonly StoredDocument[]) => Promise<RetentionFacts["registry"]>;
};

/**
 * What a prune would take away now; `null` where nothing was ever deployed. Changes nothing and needs no lease.
 * @throws ShiplockError of hosts and registry
 */
export async function planPrune(
  request: Pick<PruneRequest, "keep" | "readRegistry">,
  session: TargetSession,
): Promise<Retention | null> {
  const read = await session.record.read();
  if (read === null) return null;
  const names = await session.record.listReleases();
  const [documents, operations, hosts] = await Promise.all([
    Promise.all(names.map(async (name) => ({ name, document: await documentOf(session, name) }))),
    session.record.listOperations(),
    session.holdings(),
  ]);
  const stored = documents.flatMap(({ name, document }) => (document === null ? [] : [storedDocument(name, document)]));
  // Who has nothing in a registry is not asked what other environments need of it: their hosts may be out of reach.
  const inRegistry = stored.some(({ images }) => images.some(({ repository }) => !isLocalRepository(repository)));
  const registry = inRegistry ? await request.readRegistry(stored) : null;
  return decideRetention({ state: read.state, keep: request.keep, documents: stored, operations, hosts, registry });
}

/**
 * Takes away what `planPrune` names, under the lease. First the record says what can be gone back to no more, last go the release documents: a run that is cut off leaves
 * nothing that is half there and named, and the next one finishes it.
 * @throws ShiplockError `lease/held`, and those of hosts and registry
 */
export async function runPrune(
  request: PruneRequest,
  ports: DeploymentPorts,
  registry: Pick<Registry, "listTags" | "head" | "manifest" | "deleteManifest">,
): Promise<Retention | null> {
  return underLease(request, ports, async ({ lost }) => {
    const { session } = ports;
    const { record } = session;
    const retention = await planPrune(request, session);
    if (retention === null) return null;
    ports.signal.throwIfAborted();
    // From here on it ends by itself, soon: what is begun is done, unless the right to do it is gone.
    if (retention.forgotten.length > 0)
      await changeState(record, request.environment, (state) => withForgotten(state, retention.forgotten));
    const { removed, stayed } = await sweepRegistry(registry, retention.registry, lost);
    await session.sweep(retention.hosts, lost);
    for (const operation of retention.operations) await record.removeOperation(operation);
    lost.throwIfAborted();
    for (const document of retention.documents) await record.removeRelease(document);
    return { ...retention, registry: removed, stays: [...retention.stays, ...stayed] };
  });
}

/** Digests of everything that an environment's record names as gone live, in progress or asked for; `null` when a document of it is not there. */
export async function digestsOf(session: TargetSession, state: EnvironmentState): Promise<Set<string> | null> {
  const names = new Set([
    ...state.healthy.map(({ document }) => document),
    ...state.tickets.map(({ document }) => document),
    ...[state.live?.document, state.operation?.document, state.operation?.previousDocument].filter(
      (name) => name !== undefined && name !== null,
    ),
  ]);
  const documents = await Promise.all([...names].map((name) => documentOf(session, name)));
  if (documents.includes(null)) return null;
  const images = documents.flatMap((document) => (document === null ? [] : storedDocument("", document).images));
  return new Set(images.flatMap(({ digest, platforms }) => [digest, ...platforms]));
}

function storedDocument(name: string, { release, snapshot }: ReleaseDocument): StoredDocument {
  return {
    name,
    release: release.id,
    images: Object.values(release.images).map(({ repository, digest, tag, platforms }) => ({
      repository,
      digest,
      platforms: Object.values(platforms).map(({ manifest }) => manifest),
      tags: [tag, ...Object.keys(platforms).map((platform) => `${tag}-${platform.replaceAll("/", "-")}`)],
    })),
    files: snapshot.files.map(({ hash }) => hash),
  };
}
