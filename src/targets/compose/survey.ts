import type { PlanHost } from "../../deploy/plan.ts";
import { type Assignment, type Place, type Slot, slots } from "../../deploy/types.ts";
import { ShiplockError } from "../../errors.ts";
import type { ContainerSummary } from "../../hosts/engine.ts";
import { asText, type JsonObject } from "../../json.ts";
import type { EdgeTls } from "../../proxy/caddy/edge-config.ts";
import type { Cargo } from "./carry.ts";
import type { LayerSource } from "../../release/registry/layers.ts";
import type { ReleaseImage } from "../../release/types.ts";
import { label } from "./layout.ts";
import { ownContainers } from "./own-containers.ts";
import { listeningPorts, refuseTakenPort } from "./ports.ts";
import { measureRoom } from "./room.ts";
import { judgeRoom, type RoomWishes } from "./room-rules.ts";
import type { ComposeHost } from "./run.ts";
import { strategyServices } from "../../deploy/strategies/services.ts";
import { backingServices } from "./steps/infrastructure.ts";
import { claimedNames, hostNames, routeTaken } from "./steps/edge.ts";
import { type ProxySurvey, proxyState, surveyProxy } from "./survey-proxy.ts";
import type { Survey, SurveyRequest } from "../types.ts";
import type { Translation } from "./translate.ts";

export type SurveyHost = Omit<ComposeHost, "translation"> & {
  translate(place: Place): Promise<Translation>;
  layers: LayerSource;
  /** What it lacks of images that are in no registry. */
  weigh(images: readonly ReleaseImage[]): Promise<readonly Cargo[]>;
};

export type SurveySettings = {
  proxy: { http: number; https: number; tls: EdgeTls };
  room: RoomWishes;
};

/** Looks at every host, chooses the place of the new release, and refuses what could not work, before anything is touched. */
export async function surveyHosts(
  hosts: readonly SurveyHost[],
  request: SurveyRequest,
  home: string,
  settings: SurveySettings,
): Promise<Survey> {
  const project = request.document.release.project;
  const environment = request.document.snapshot.environment;
  const containers = await Promise.all(hosts.map((host) => ownContainers(host, { project, environment }, "app")));
  refuseOtherPlace(request, containers.flat());
  const { place, warm } = await choosePlace(hosts, containers, request);
  const [looked, rooms] = await Promise.all([
    Promise.all(hosts.map((host, index) => surveyHost(host, containers[index] ?? [], place, request, settings))),
    Promise.all(hosts.map((host) => measureRoom(host, request, settings.room, host.layers))),
  ]);
  const shortages = looked.map(({ plan }, index) => {
    const facts = rooms[index]?.facts;
    return facts === undefined ? null : judgeRoom(facts, settings.room, plan.live !== null);
  });
  return {
    home,
    hosts: looked.map((entry, index) => ({ ...entry.plan, shortage: shortages[index] ?? null })),
    place,
    warm,
    notes: [...new Set([...looked, ...rooms].flatMap((entry) => entry.notes))],
  };
}

/** Between slots behind a router and containers with their own ports there is no way that leaves both answering, and no undoing. */
function refuseOtherPlace(
  { state, previous, document, strategy }: SurveyRequest,
  containers: readonly ContainerSummary[],
): void {
  const live = state?.live?.place;
  const { environment } = document.snapshot;
  const runs = containers.some((container) => container.status === "running");
  if (live === undefined || !runs || (live === "direct") === (strategy === "in-place")) return;
  const published = (previous?.snapshot.services ?? []).flatMap((service) => service.published);
  // Without ports of its own nothing is in the router's way.
  if (live === "direct" && published.length === 0) return;
  throw new ShiplockError({
    code: "strategy/other-place",
    blame: "usage",
    message:
      live === "direct"
        ? `${environment} runs in place, and its containers hold the ports ${published.map((port) => port.hostPort).join(", ")}, which a release behind a router would need at the same time`
        : `${environment} runs in slots behind a router, and \`in-place\` would leave that router with the services' names and ports`,
    remedy: `keep the strategy, or take ${environment} down by hand with \`docker compose down\` in its folder on each host and deploy anew, which is an outage`,
  });
}

/**
 * The slot of the new release: one whose kept containers are this very release with today's configuration, otherwise a free one. The live slot is never chosen.
 */
async function choosePlace(
  hosts: readonly SurveyHost[],
  containers: readonly ContainerSummary[][],
  request: SurveyRequest,
): Promise<{ place: Place; warm: boolean }> {
  if (request.strategy === "in-place") return { place: "direct", warm: false };
  const live = request.state?.live?.place ?? null;
  for (const slot of slots) {
    if (slot !== live && (await isKept(slot, hosts, containers, request))) return { place: slot, warm: true };
  }
  const others = slots.filter((slot) => slot !== live);
  const placesOf = (list: readonly ContainerSummary[]) =>
    new Set(list.map((container) => container.labels[label.place]));
  const all = containers.flat();
  const used = placesOf(all);
  // On a host that was skipped, more than the live slot may still answer: what runs is taken last.
  const running = placesOf(all.filter((container) => container.status === "running"));
  const place = others.find((slot) => !used.has(slot)) ?? others.find((slot) => !running.has(slot)) ?? others[0];
  return { place: place ?? "a", warm: false };
}

async function isKept(
  slot: Slot,
  hosts: readonly SurveyHost[],
  containers: readonly ContainerSummary[][],
  request: SurveyRequest,
): Promise<boolean> {
  const there = containers.map((list) => list.filter((container) => container.labels[label.place] === slot));
  if (
    there.some(
      (list) =>
        list.length === 0 || list.some((container) => container.labels[label.release] !== request.document.release.id),
    )
  )
    return false;
  const wanted = request.document.snapshot.services.reduce((sum, service) => sum + service.replicas, 0);
  if (there.some((list) => list.length !== wanted)) return false;
  const fits = await Promise.all(
    hosts.map(async (host, index) => {
      const translation = await host.translate(slot);
      const hashes = new Map(translation.containers.map((spec) => [spec.name, spec.configHash]));
      return (there[index] ?? []).every(
        (container) => hashes.get(container.name) === container.labels["com.docker.compose.config-hash"],
      );
    }),
  );
  return fits.every(Boolean);
}

async function surveyHost(
  host: SurveyHost,
  containers: readonly ContainerSummary[],
  place: Place,
  request: SurveyRequest,
  settings: SurveySettings,
): Promise<{ plan: Omit<PlanHost, "shortage">; notes: string[] }> {
  const { snapshot } = request.document;
  const seen = await look(host, place, request);
  await refuseMissingMounts(host, request);
  refuseForeignNames(host, seen.owned, request);
  for (const name of hostNames(snapshot.services)) {
    const owner = seen.claimed.get(name);
    if (seen.proxy !== null && owner !== undefined && owner !== host.layout.id)
      throw routeTaken(name, owner, host.name);
  }
  await refuseForeignPorts(host, containers, seen, request, settings);
  const { translation, backing, assignment } = seen;
  const missingBacking = snapshot.backing.filter(
    (service) => !backing.has(service) && translation.containers.some((spec) => spec.service === service),
  );
  const proxy = proxyState(seen.proxy, seen.claimed, host.layout.id, hostNames(snapshot.services));
  return {
    plan: { name: host.name, assignment, missingBacking, ...proxy, live: liveOn(containers, request) },
    notes: changedBacking(host.name, seen),
  };
}

type Seen = {
  translation: Translation;
  backing: ReadonlyMap<string, { id: string; configHash: string }>;
  assignment: Assignment;
  claimed: ReadonlyMap<string, string>;
  /** Null in place. */
  proxy: ProxySurvey | null;
  /** Ports on which something listens. */
  taken: ReadonlySet<number>;
  /** Volumes and networks that are there under the names the release wants, with their owners. */
  owned: readonly { kind: "volume" | "network"; name: string; owner: string | undefined }[];
};

/** Everything at once: the translation runs on this machine while the host is asked. */
async function look(host: SurveyHost, place: Place, request: SurveyRequest): Promise<Seen> {
  const { release, snapshot } = request.document;
  const proxied = place !== "direct";
  const translating = host.translate(place);
  const [translation, backing, assignment, claimed, proxy, taken, owned] = await Promise.all([
    translating,
    backingServices(host, release.project, snapshot.environment),
    proxied ? host.traffic.current() : {},
    claimedNames(host.host, host.layout),
    proxied ? surveyProxy(host, request, translating) : null,
    listeningPorts(host),
    translating.then((made) => ownersOf(host, made)),
  ]);
  return { translation, backing, assignment, claimed, proxy, taken, owned };
}

async function refuseForeignPorts(
  host: SurveyHost,
  containers: readonly ContainerSummary[],
  { proxy, taken }: Seen,
  request: SurveyRequest,
  settings: SurveySettings,
): Promise<void> {
  if (proxy === null)
    return refuseTakenPort(host, "the compose file", await unheldPorts(host, containers, request), taken);
  const front = [settings.proxy.http, ...(settings.proxy.tls === "off" ? [] : [settings.proxy.https])];
  await refuseTakenPort(host, "the edge", proxy.edgeRuns ? [] : front, taken);
  const published = request.document.snapshot.services.flatMap((service) =>
    service.published.map((port) => port.hostPort),
  );
  // What is missing must be free before anything is touched.
  const missing = published.filter((port) => !proxy.heldPorts.has(port));
  await refuseTakenPort(host, "the compose file", missing, taken);
}

/** What of the live release is on a host. */
function liveOn(containers: readonly ContainerSummary[], { state, previous }: SurveyRequest): PlanHost["live"] {
  const place = state?.live?.place;
  if (place === undefined || previous === null) return null;
  const isThere = containers.some((container) => container.labels[label.place] === place);
  return isThere ? { place, services: strategyServices(previous.snapshot) } : null;
}

function changedBacking(host: string, { translation, backing }: Seen): string[] {
  return [...backing].flatMap(([service, there]) => {
    const spec = translation.containers.find((candidate) => candidate.service === service);
    return spec !== undefined && spec.configHash !== there.configHash
      ? [
          `the backing service ${service} on ${host} was created from another definition; it is not touched, and \`docker compose up -d\` by hand would recreate it`,
        ]
      : [];
  });
}

async function refuseMissingMounts(host: SurveyHost, request: SurveyRequest): Promise<void> {
  const missing = await Promise.all(
    request.document.snapshot.hostPaths.map(async (path) =>
      (await host.host.files.stat(path)) === null ? path : null,
    ),
  );
  const names = missing.filter((path) => path !== null);
  if (names.length === 0) return;
  throw new ShiplockError({
    code: "compose/host-path-missing",
    blame: "usage",
    message: `${host.name} does not have ${names.join(", ")}, which the compose file mounts`,
    remedy: "create it on the host, or mount a path inside the repository, which Shiplock brings along",
  });
}

async function ownersOf(host: SurveyHost, { volumes, networks }: Translation): Promise<Seen["owned"]> {
  const { engine } = host.host;
  const nameOf = (body: JsonObject): string => asText(body["Name"]) ?? "";
  const found = await Promise.all([
    ...volumes.map(async (body) => ({ kind: "volume" as const, found: await engine.inspectVolume(nameOf(body)) })),
    ...networks.map(async (body) => ({ kind: "network" as const, found: await engine.inspectNetwork(nameOf(body)) })),
  ]);
  return found.flatMap(({ kind, found: there }) =>
    there === null ? [] : [{ kind, name: there.name, owner: there.labels["com.docker.compose.project"] }],
  );
}

/** Volumes and networks with an explicit name may meet those of another environment. */
function refuseForeignNames(host: SurveyHost, owned: Seen["owned"], request: SurveyRequest): void {
  const foreign = owned.find(({ owner }) => owner !== undefined && owner !== host.layout.id);
  if (foreign === undefined) return;
  throw new ShiplockError({
    code: "compose/name-collision",
    blame: "usage",
    message: `the ${foreign.kind} "${foreign.name}" on ${host.name} belongs to ${foreign.owner ?? "nobody"}, and ${request.document.snapshot.environment} would share it`,
    remedy: `leave out \`name:\` of the ${foreign.kind} in the compose file, or put a variable of the environment into it`,
  });
}

/** The ports that an in-place release publishes and its own containers do not hold: those are set aside before the new ones start. */
async function unheldPorts(
  host: SurveyHost,
  containers: readonly ContainerSummary[],
  request: SurveyRequest,
): Promise<number[]> {
  const own = await Promise.all(containers.map((container) => host.host.engine.inspectContainer(container.id)));
  const held = new Set(own.flatMap((container) => container?.ports.map((port) => port.hostPort) ?? []));
  const published = request.document.snapshot.services.flatMap((service) => service.published);
  return published.map((port) => port.hostPort).filter((port) => !held.has(port));
}
