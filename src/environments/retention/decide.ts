import type { EnvironmentState } from "../record/types.ts";
import { decideRegistry } from "./registry.ts";
import type { HostHoldings, HostRemoval, ProtectedImage, Retention, RetentionFacts, StoredDocument } from "./types.ts";

/**
 * The releases whose images, files and containers stay in an environment, each with its reason: the live one, the newest `keep` other healthy ones that no rollback has left,
 * the one in progress, those that are asked for and have not begun, and those that a host was left with.
 */
export function keptReleases(state: EnvironmentState, keep: number): Map<string, string> {
  const withdrawn = new Set(state.withdrawn.map((entry) => entry.release));
  const kept = new Map<string, string>();
  const add = (release: string | null | undefined, why: string): void => {
    if (release !== null && release !== undefined && !kept.has(release)) kept.set(release, why);
  };
  add(state.live?.release, "live");
  add(state.operation?.release, "in progress");
  for (const { release, deployment } of state.tickets) add(release, `${deployment} asks for it`);
  const candidates = state.healthy.filter(({ release }) => !withdrawn.has(release)).slice(0, keep + 1);
  for (const { release } of candidates) add(release, "a rollback may go there");
  for (const { host, release } of state.behind) add(release, `${host} was left with it`);
  return kept;
}

/** The tags of ours that go from a host: of releases that do not stay, on images that no container has. */
export function unneededImages(
  images: readonly ProtectedImage[],
  inUse: ReadonlySet<string>,
  kept: { has(release: string): boolean },
): ProtectedImage[] {
  return images.filter(({ release, imageId }) => !kept.has(release) && !inUse.has(imageId));
}

/**
 * What a prune of an environment takes away: what Shiplock made for releases that nothing in the environment can go back to, and nothing else. What has been taken away
 * already is not named again, so a prune of what a prune has left does nothing.
 */
export function decideRetention(facts: RetentionFacts): Retention {
  const { state, documents, hosts, registry } = facts;
  const kept = withRunning(keptReleases(state, facts.keep), facts);
  const forgotten = state.healthy.map(({ release }) => release).filter((release) => !kept.has(release));
  const staying = documents.filter((document) => documentStays(document, state, kept));
  const decided =
    registry === null || "leftAlone" in registry ? null : decideRegistry(documents, staying, kept, registry);
  // Without its document nobody knows what a release mounts and which digests it has.
  const unknown = [...kept.keys()].find((release) => !documents.some((document) => document.release === release));
  const known = unknown === undefined;
  const goes = documents.filter((document) => !staying.includes(document)).map(({ name }) => name);
  // Of what the registry could not be asked for, the documents tell the next run.
  const finished = registry === null || (decided !== null && known);
  return {
    kept: [...kept].map(([release, why]) => ({ release, why })),
    forgotten,
    registry: known ? (decided?.removals ?? []) : [],
    hosts: hosts.map((host) =>
      decideHost(host, state, kept, known ? new Set(staying.flatMap(({ files }) => files)) : null),
    ),
    operations: facts.operations.filter(
      (id) => id !== state.operation?.deployment && !state.deployments.some(({ deployment }) => deployment === id),
    ),
    documents: finished ? goes : [],
    stays: [
      ...(registry !== null && "leftAlone" in registry ? [registry.leftAlone] : []),
      ...(known
        ? (decided?.stays ?? [])
        : [`files and what is in the registry, because the record does not have the document of ${unknown}`]),
      ...hosts.flatMap((host) => inUseSentences(host, kept)),
    ],
  };
}

/** Releases that stay because of what is on the hosts. What is in progress may name any container there, so then all of them do. */
function withRunning(kept: Map<string, string>, { state, hosts }: RetentionFacts): Map<string, string> {
  const warm = warmRelease(state);
  for (const { host, containers } of hosts)
    for (const { release, running } of containers) {
      if (kept.has(release) || release === "") continue;
      if (running) kept.set(release, `it runs on ${host}`);
      else if (state.operation !== null)
        kept.set(release, `its containers are on ${host}, and a deployment was never ended`);
      else if (warm === "unknown" || warm === release) kept.set(release, "warm: going back starts its containers");
    }
  return kept;
}

/** The release that the live one replaced: its containers stand by. The record forgets deployments in time; then any may be it. */
function warmRelease(state: EnvironmentState): string | null {
  const { live } = state;
  if (live === null) return "unknown";
  const entry = state.deployments.find(({ deployment }) => deployment === live.deployment);
  return entry === undefined ? "unknown" : entry.from;
}

/** Of a release that stays the document that the record names; any where it names none. */
function documentStays(document: StoredDocument, state: EnvironmentState, kept: ReadonlyMap<string, string>): boolean {
  const { operation, live } = state;
  if ([operation?.document, operation?.previousDocument, live?.document].includes(document.name)) return true;
  if (state.tickets.some((ticket) => ticket.document === document.name)) return true;
  if (!kept.has(document.release)) return false;
  const entry = state.healthy.find(({ release }) => release === document.release);
  return entry === undefined || entry.document === document.name;
}

function decideHost(
  { host, containers, images, inUse, files }: HostHoldings,
  state: EnvironmentState,
  kept: ReadonlyMap<string, string>,
  mounted: ReadonlySet<string> | null,
): HostRemoval {
  const gone =
    state.operation === null ? containers.filter(({ running, release }) => !running && !kept.has(release)) : [];
  const left = containers.filter((container) => !gone.includes(container)).map(({ imageId }) => imageId);
  return {
    host,
    containers: gone.map(({ id, name, release }) => ({ id, name, release })),
    images: unneededImages(images, new Set([...inUse, ...left]), kept),
    files: mounted === null ? [] : files.filter((hash) => !mounted.has(hash)),
  };
}

function inUseSentences({ host, images, inUse }: HostHoldings, kept: ReadonlyMap<string, string>): string[] {
  return images
    .filter(({ release, imageId }) => !kept.has(release) && inUse.includes(imageId))
    .map(({ tag }) => `${tag} on ${host}, because a container has it`);
}
