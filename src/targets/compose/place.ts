import { stringify } from "yaml";
import type { Place } from "../../deploy/types.ts";
import { slots } from "../../deploy/types.ts";
import { ShiplockError } from "../../errors.ts";
import { asList, asObject, asText, type JsonObject } from "../../json.ts";
import { type RouterService, routerConfig, routerPaths } from "../../proxy/caddy/router-config.ts";
import type { Snapshot, SnapshotService } from "../../release/types.ts";
import { label, type Layout, placedName, routerService, slotContainerName } from "./layout.ts";
import { imageVariable, resolveFileTokens } from "./tokens.ts";

export type PlaceRequest = {
  snapshot: Snapshot;
  release: string;
  project: string;
  place: Place;
  layout: Layout;
  owner: { uid: number; gid: number };
  proxyImage: string;
};

/** Replicas per slot for which the router has a socket from the start, so that scaling up needs no reload. */
const spareCapacity = 4;

/** The first port inside the router's container that is used for published ports. */
const firstPublishedPort = 20_000;

/**
 * The final compose file of a release in a place of a host: what `docker compose` by hand sees, and what containers are created from.
 * Released services carry the slot in their name, so two releases are two sets of services and nothing is ever scaled by count; the router
 * stands in the file with the names, aliases and ports the services had.
 */
export function placeModel(request: PlaceRequest): JsonObject {
  const { snapshot, place, layout } = request;
  const model = structuredClone(snapshot.model);
  const services = asObject(model["services"]) ?? {};
  const released = new Map(snapshot.services.map((service) => [service.name, service]));
  const placed: JsonObject = {};
  if (place !== "direct") refuseSlotNames(Object.keys(services), snapshot);
  for (const [name, value] of Object.entries(services)) {
    const definition = asObject(value) ?? {};
    const service = released.get(name);
    renameReferences(definition, (other) => (released.has(other) ? placedName(other, place) : other));
    if (service === undefined)
      placed[name] = withLabels(definition, { [label.kind]: "backing", ...commonLabels(request) });
    else placed[placedName(name, place)] = placeService(service, definition, request);
  }
  if (place !== "direct") placed[routerService] = routerDefinition(request, services);
  model["services"] = placed;
  return JSON.parse(resolveFileTokens(JSON.stringify(model), layout.folder)) as JsonObject;
}

/** The final compose file as text, with a word to whoever opens it. */
export function composeText(model: JsonObject, layout: Layout): string {
  const head = [
    `# Written by Shiplock: what runs in ${layout.id} on this host. The next deployment replaces it.`,
    "# `docker compose ps`, `logs` and `restart` work here, and `docker compose up -d` changes nothing.",
    "",
  ];
  return head.join("\n") + stringify(model, { lineWidth: 0 });
}

/** The router's services, as its configuration needs them. */
export function routerServices(snapshot: Snapshot): RouterService[] {
  let port = firstPublishedPort;
  return snapshot.services.flatMap((service) => {
    const published = service.published.map(() => port++);
    if (service.port === null) return [];
    return [
      {
        name: service.name,
        port: service.port,
        routes: service.routes,
        published,
        capacity: Math.max(spareCapacity, service.replicas),
      },
    ];
  });
}

/** The router's configuration as text. */
export function routerConfigText(services: readonly RouterService[], layout: Layout): string {
  return JSON.stringify(
    routerConfig({
      services: inOrder(services),
      replicaName: (service, slot, replica) => slotContainerName(layout.id, service, slot, replica),
      slotAlias: (service, slot) => placedName(service, slot),
    }),
  );
}

/**
 * The services the router has to know while both releases are there: the new ones, and the old ones that are gone. A route that moves from one service to another
 * stays with the old one until the commit point.
 */
export function bothReleases(before: readonly RouterService[], after: readonly RouterService[]): RouterService[] {
  const taken = new Set(before.flatMap((service) => service.routes.map((route) => `${route.host}${route.path}`)));
  const merged = after.map((service) => {
    const old = before.find((candidate) => candidate.name === service.name);
    const fresh = service.routes.filter((route) => !taken.has(`${route.host}${route.path}`));
    return {
      ...service,
      routes: [...(old?.routes ?? []), ...fresh],
      capacity: Math.max(service.capacity, old?.capacity ?? 0),
    };
  });
  const gone = before.filter((service) => !after.some((candidate) => candidate.name === service.name));
  return [...merged, ...gone];
}

/** The same services and routes always give the same text, whatever order they came in: a router is reloaded only for a real change. */
function inOrder(services: readonly RouterService[]): RouterService[] {
  const byAddress = (left: { host: string; path: string }, right: { host: string; path: string }): number =>
    `${left.host}${left.path}` < `${right.host}${right.path}` ? -1 : 1;
  return services
    .map((service) => ({ ...service, routes: [...service.routes].sort(byAddress) }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}

function placeService(service: SnapshotService, definition: JsonObject, request: PlaceRequest): JsonObject {
  const { place } = request;
  const placed: JsonObject = { ...definition, image: `\${${imageVariable(service.name)}:?}` };
  placed["deploy"] = { ...asObject(definition["deploy"]), replicas: service.replicas };
  delete placed["scale"];
  placed["stop_grace_period"] = `${service.stopGraceMs}ms`;
  // The old container is set aside or stands beside the new one: both need a name of their own.
  delete placed["container_name"];
  if (place !== "direct") {
    refuseUnplaceable(service.name, definition);
    delete placed["ports"];
    placed["networks"] = withoutAliases(asObject(definition["networks"]) ?? { default: null });
    // With `always`, a kept container of the old release would start with the engine.
    if (placed["restart"] === "always") placed["restart"] = "unless-stopped";
  }
  return withLabels(placed, {
    ...commonLabels(request),
    [label.kind]: "app",
    [label.service]: service.name,
    [label.release]: request.release,
    [label.place]: place,
  });
}

function routerDefinition(request: PlaceRequest, services: JsonObject): JsonObject {
  const { snapshot, layout, owner } = request;
  const networks: { [name: string]: { aliases: string[] } } = {};
  const routed = snapshot.services.filter((service) => service.port !== null);
  for (const service of routed) {
    const own = asObject(asObject(services[service.name])?.["networks"]) ?? { default: null };
    for (const [network, value] of Object.entries(own)) {
      const aliases = asList(asObject(value)?.["aliases"]).flatMap((alias) => asText(alias) ?? []);
      const known = networks[network]?.aliases ?? [];
      networks[network] = { aliases: [...new Set([...known, service.name, ...aliases])].sort() };
    }
  }
  const definition: JsonObject = {
    image: request.proxyImage,
    user: `${owner.uid}:${owner.gid}`,
    command: ["caddy", "run", "--config", `${routerPaths.folder}/caddy.json`],
    environment: { XDG_CONFIG_HOME: "/tmp/config", XDG_DATA_HOME: "/tmp/data", HOME: "/tmp" },
    restart: "unless-stopped",
    read_only: true,
    cap_drop: ["ALL"],
    cap_add: ["NET_BIND_SERVICE"],
    // By owner, not by mode: at a restart the engine puts the mode of the folder below back, which is root's and 0755.
    tmpfs: ["/tmp:mode=1777", `${routerPaths.sockets}:uid=${owner.uid},gid=${owner.gid},mode=0700`],
    volumes: [bind(layout.proxy, routerPaths.folder), bind(layout.front, "/front")],
    networks,
    stop_grace_period: "35s",
  };
  const ports = publishedPorts(snapshot);
  if (ports.length > 0) definition["ports"] = ports;
  return withLabels(definition, { ...commonLabels(request), [label.kind]: "router" });
}

function publishedPorts(snapshot: Snapshot): JsonObject[] {
  let port = firstPublishedPort;
  return snapshot.services.flatMap((service) =>
    service.published.map((entry) => ({
      mode: "ingress",
      target: port++,
      published: String(entry.hostPort),
      protocol: "tcp",
      ...(entry.hostIp === "" ? {} : { host_ip: entry.hostIp }),
    })),
  );
}

function bind(source: string, target: string): JsonObject {
  return { type: "bind", source, target, bind: { create_host_path: false } };
}

function commonLabels(request: PlaceRequest): Record<string, string> {
  return { [label.project]: request.project, [label.environment]: request.snapshot.environment };
}

function withLabels(definition: JsonObject, labels: Readonly<Record<string, string>>): JsonObject {
  return { ...definition, labels: { ...asObject(definition["labels"]), ...labels } };
}

function withoutAliases(networks: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(networks).map(([name, value]) => {
      const { aliases: _aliases, ...rest } = asObject(value) ?? {};
      return [name, Object.keys(rest).length === 0 ? null : rest];
    }),
  );
}

/** Compose files name other services in a handful of places. */
function renameReferences(definition: JsonObject, rename: (service: string) => string): void {
  const dependsOn = asObject(definition["depends_on"]);
  if (dependsOn !== undefined) {
    definition["depends_on"] = Object.fromEntries(
      Object.entries(dependsOn).map(([name, value]) => [rename(name), value]),
    );
  }
  for (const key of ["network_mode", "ipc", "pid"]) {
    const value = asText(definition[key]);
    if (value?.startsWith("service:") === true) definition[key] = `service:${rename(value.slice("service:".length))}`;
  }
  const volumesFrom = asList(definition["volumes_from"]);
  if (volumesFrom.length > 0) {
    definition["volumes_from"] = volumesFrom.map((entry) => {
      const [name = "", ...rest] = String(entry).split(":");
      return [rename(name), ...rest].join(":");
    });
  }
}

/** Whatever slot is chosen now: a name that is free today would be taken at the next deployment. */
function refuseSlotNames(names: readonly string[], snapshot: Snapshot): void {
  const reserved = snapshot.services.flatMap((service) => slots.map((slot) => placedName(service.name, slot)));
  const taken = names.find((name) => name === routerService || reserved.includes(name));
  if (taken === undefined) return;
  throw new ShiplockError({
    code: "compose/slot-name",
    blame: "usage",
    message: `the compose file has a service "${taken}", a name that Shiplock gives to ${taken === routerService ? "the router" : "a released service in a slot"}`,
    remedy: "give that service another name",
  });
}

function refuseUnplaceable(name: string, definition: JsonObject): void {
  const mode = asText(definition["network_mode"]);
  if (mode !== "host" && mode !== "none") return;
  throw new ShiplockError({
    code: "compose/network-mode",
    blame: "usage",
    message: `the released service "${name}" has network_mode: ${mode}, so two releases of it cannot stand beside each other`,
    remedy: "remove network_mode, or choose `strategy: in-place` for this environment",
  });
}

/** All places, for whoever has to look everywhere. */
export const everyPlace: readonly Place[] = [...slots, "direct"];
