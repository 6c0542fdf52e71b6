import { createHash } from "node:crypto";
import { asList, asObject, asText, type Json, type JsonObject } from "../../json.ts";
import { portConfig, portPaths } from "../../proxy/caddy/port-config.ts";
import { routerConfig, routerFiles, routerPaths, type RouterService } from "../../proxy/caddy/router-config.ts";
import type { Snapshot } from "../../release/types.ts";
import { label, type Layout, placedName, portPrefix, routerService, slotContainerName } from "./layout.ts";

/** What a router answers to: services with their routes and ports, and the names they have on each network. */
export type RouterFace = {
  services: readonly RouterService[];
  networks: Readonly<Record<string, readonly string[]>>;
};

/** A router as the compose file has it, and the configuration it runs with. Both are named by their content, its generation. */
export type RouterDesign = { generation: string; name: string; definition: JsonObject; config: string };

/** A published port, which has a container of its own (see `portConfig`); `service` is its name in the compose file. */
export type PortDesign = { key: string; hostPort: number; service: string; definition: JsonObject; config: string };

export type DesignOptions = {
  project: string;
  environment: string;
  layout: Layout;
  /** The connection's user, to whom the sockets belong. */
  owner: { uid: number; gid: number };
  proxyImage: string;
};

/** Replicas per slot for which a router has a socket from the start; beyond it, twice as many each time, so that scaling up seldom needs another router. */
const spareCapacity = 4;

/** The face of one release. */
export function faceOf(snapshot: Snapshot): RouterFace {
  const routed = snapshot.services.flatMap(({ name, port, routes, published, replicas }) =>
    port === null
      ? []
      : [{ name, port, routes, published: published.map((entry) => portKey(entry)), capacity: capacityFor(replicas) }],
  );
  const definitions = asObject(snapshot.model["services"]) ?? {};
  const networks: { [name: string]: string[] } = {};
  for (const { name } of routed) {
    for (const [network, value] of networksOf(definitions[name])) {
      const aliases = asList(asObject(value)?.["aliases"]).flatMap((alias) => asText(alias) ?? []);
      networks[network] = [...new Set([...(networks[network] ?? []), name, ...aliases])].sort();
    }
  }
  return { services: routed, networks };
}

/**
 * The face a router needs while both releases are there: the new one's, and of the old one what is gone. A route or port that moves from one service to another
 * stays with the old one until the commit point.
 */
export function bothFaces(before: RouterFace, after: RouterFace): RouterFace {
  const takenRoutes = new Set(before.services.flatMap((service) => service.routes.map(addressOf)));
  const takenPorts = new Set(before.services.flatMap((service) => service.published));
  const merged = after.services.map((service) => {
    const old = before.services.find((candidate) => candidate.name === service.name);
    const routes = service.routes.filter((route) => !takenRoutes.has(addressOf(route)));
    const published = service.published.filter((key) => !takenPorts.has(key));
    return {
      ...service,
      routes: [...(old?.routes ?? []), ...routes],
      published: [...(old?.published ?? []), ...published],
      capacity: Math.max(service.capacity, old?.capacity ?? 0),
    };
  });
  const gone = before.services.filter(({ name }) => !after.services.some((candidate) => candidate.name === name));
  const networks = [...new Set([...Object.keys(before.networks), ...Object.keys(after.networks)])].map(
    (network) =>
      [
        network,
        [...new Set([...(before.networks[network] ?? []), ...(after.networks[network] ?? [])])].sort(),
      ] as const,
  );
  return { services: [...merged, ...gone], networks: Object.fromEntries(networks) };
}

/** The router with this face. The same face always gives the same generation, whatever order its parts come in. */
export function designRouter(face: RouterFace, options: DesignOptions): RouterDesign {
  const services = inOrder(face.services);
  const make = (generation: string): Omit<RouterDesign, "generation"> => ({
    name: routerName(options.layout, generation),
    definition: routerDefinition(face, generation, options),
    config: JSON.stringify(
      routerConfig({
        services,
        generation,
        replicaName: (service, slot, replica) => slotContainerName(options.layout.id, service, slot, replica),
        slotAlias: (service, slot) => placedName(service, slot),
      }),
    ),
  });
  const generation = createHash("sha256")
    .update(JSON.stringify(make("")))
    .digest("hex")
    .slice(0, 8);
  return { generation, ...make(generation) };
}

/** The holders of the ports that a release publishes. */
export function designPorts(snapshot: Snapshot, options: DesignOptions): PortDesign[] {
  const definitions = asObject(snapshot.model["services"]) ?? {};
  return snapshot.services
    .filter((service) => service.port !== null)
    .flatMap((service) =>
      service.published.map((entry) => {
        const key = portKey(entry);
        const definition = {
          ...caddyDefinition(`${portPaths.folder}/${key}.json`, options),
          tmpfs: ["/tmp:mode=1777"],
          volumes: [bind(options.layout.ports, portPaths.folder), bind(options.layout.front, routerPaths.front)],
          networks: Object.fromEntries(networksOf(definitions[service.name]).map(([network]) => [network, null])),
          ports: [publishing(entry)],
          labels: labelsOf("port", options),
        };
        const config = JSON.stringify(portConfig(key));
        return { key, hostPort: entry.hostPort, service: `${portPrefix}${key}`, definition, config };
      }),
    );
}

function publishing(entry: { hostIp: string; hostPort: number }): JsonObject {
  return {
    mode: "ingress",
    target: portPaths.http,
    published: String(entry.hostPort),
    protocol: "tcp",
    ...(entry.hostIp === "" ? {} : { host_ip: entry.hostIp }),
  };
}

function networksOf(definition: Json | undefined): [string, Json | undefined][] {
  return Object.entries(asObject(asObject(definition)?.["networks"]) ?? { default: null });
}

/** What a published port is called: its number, and the address where it is bound to one. */
export function portKey(entry: { hostIp: string; hostPort: number }): string {
  return entry.hostIp === ""
    ? String(entry.hostPort)
    : `${entry.hostPort}-${entry.hostIp.replaceAll(/[^0-9a-z]+/gi, "-")}`;
}

/** The host port that a holder has, by the name of its service. */
export function portOf(service: string): number {
  return Number.parseInt(service.slice(portPrefix.length), 10);
}

function routerDefinition(face: RouterFace, generation: string, options: DesignOptions): JsonObject {
  const { layout, owner } = options;
  const networks = Object.entries(face.networks)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([network, aliases]) => [network, { aliases }]);
  return {
    ...caddyDefinition(`${routerPaths.routers}/${generation}/${routerFiles.config}`, options),
    container_name: routerName(layout, generation),
    // By owner, not by mode: at a restart the engine puts the mode of the folder below back, which is root's and 0755.
    tmpfs: ["/tmp:mode=1777", `${routerPaths.sockets}:uid=${owner.uid},gid=${owner.gid},mode=0700`],
    volumes: [bind(layout.proxy, routerPaths.folder), bind(layout.front, routerPaths.front)],
    networks: Object.fromEntries(networks) as JsonObject,
    labels: { ...labelsOf("router", options), [label.generation]: generation },
  };
}

/** Folder of a generation's configuration and admin sockets on the host. */
export function routerFolder(layout: Layout, generation: string): string {
  return `${layout.proxy}/routers/${generation}`;
}

/** The container of a generation's router. */
export function routerName(layout: Layout, generation: string): string {
  return `${layout.id}-${routerService}-${generation}`;
}

function caddyDefinition(config: string, { owner, proxyImage }: DesignOptions): JsonObject {
  return {
    image: proxyImage,
    user: `${owner.uid}:${owner.gid}`,
    command: ["caddy", "run", "--config", config],
    environment: { XDG_CONFIG_HOME: "/tmp/config", XDG_DATA_HOME: "/tmp/data", HOME: "/tmp" },
    restart: "unless-stopped",
    read_only: true,
    cap_drop: ["ALL"],
    cap_add: ["NET_BIND_SERVICE"],
    stop_grace_period: "35s",
  };
}

function labelsOf(kind: "router" | "port", { project, environment }: DesignOptions): JsonObject {
  return { [label.project]: project, [label.environment]: environment, [label.kind]: kind };
}

function bind(source: string, target: string): JsonObject {
  return { type: "bind", source, target, bind: { create_host_path: false } };
}

function capacityFor(replicas: number): number {
  return replicas <= spareCapacity ? spareCapacity : 2 ** Math.ceil(Math.log2(replicas));
}

function addressOf(route: { host: string; path: string }): string {
  return `${route.host}${route.path}`;
}

function inOrder(services: readonly RouterService[]): RouterService[] {
  return services
    .map((service) => ({
      ...service,
      routes: [...service.routes].sort((left, right) => (addressOf(left) < addressOf(right) ? -1 : 1)),
      published: [...service.published].sort(),
    }))
    .sort((left, right) => (left.name < right.name ? -1 : 1));
}
