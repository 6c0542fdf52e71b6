import type { Slot } from "../../deploy/types.ts";
import { slots } from "../../deploy/types.ts";

/** Bodies that say they have fewer digits of length than this, so less than a megabyte, are read as a whole before they are passed on. */
const smallBody = "^[0-9]{1,6}$";

/**
 * A reverse proxy that reads small request bodies as a whole first. Without it an application that answers quickly loses requests on a busy machine: the server drops what
 * it takes for unread body while the transport still waits for its end, which cuts the answer (seen with 2.6.2: 3 of 12,849 POSTs; its own limit for buffers does
 * not help, since it goes on reading the original body).
 */
export function proxyHandler(handler: { readonly [key: string]: Json | undefined }): Json {
  return {
    handler: "subroute",
    routes: [
      {
        match: [{ header_regexp: { "Content-Length": { pattern: smallBody } } }],
        handle: [{ ...handler, handler: "reverse_proxy", buffer_requests: true }],
        terminal: true,
      },
      { handle: [{ ...handler, handler: "reverse_proxy" }] },
    ],
  };
}

/** Where routers look for things inside their containers: what they share, and under it a folder for each generation of them. */
export const routerPaths = {
  folder: "/shiplock",
  routers: "/shiplock/routers",
  front: "/front",
  sockets: "/sockets",
} as const;

/** The names of files in the folders of a generation. */
export const routerFiles = {
  config: "caddy.json",
  admin: "admin.sock",
  probe: "probe.sock",
  /** Its presence tells a router that another has taken over: callers shall come back with a new connection. */
  leaving: "leaving",
  front: "front.sock",
} as const;

/** The socket of a published port, beside the front socket. */
export function portSocket(key: string): string {
  return `port-${key}.sock`;
}

/** The request header that tells the probe server which replica to ask; `host:port` as the router dials it. */
export const probeHeader = "X-Shiplock-Replica";

export type RouterRoute = { host: string; path: string };

export type RouterService = {
  name: string;
  /** The port the service's containers listen on, and on which the router answers under the service's name. */
  port: number;
  routes: readonly RouterRoute[];
  /** Keys of the published ports that lead to the service. */
  published: readonly string[];
  /** How many replicas per slot have a socket; more need another router. */
  capacity: number;
};

export type RouterOptions = {
  services: readonly RouterService[];
  /** What tells this router from the ones before and after it; names its folders. */
  generation: string;
  /** The container name of a replica, without the port. */
  replicaName: (service: string, slot: Slot, replica: number) => string;
  /** The network alias that all replicas of a slot share. */
  slotAlias: (service: string, slot: Slot) => string;
};

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json | undefined };

/** The Unix socket, inside the router, that leads to one replica. */
export function replicaSocket(service: string, slot: Slot, replica: number): string {
  return `${routerPaths.sockets}/${service}-${slot}-${replica}.sock`;
}

/**
 * The configuration of an environment's router, as Caddy's JSON (tested with 2.6.2). It holds every slot at once and depends on names, ports and
 * routes alone, never on a release, so a deployment changes links in a folder and not this. It is never changed: other names or routes are another
 * router, which takes over from this one.
 */
export function routerConfig(options: RouterOptions): Json {
  const own = `${routerPaths.routers}/${options.generation}`;
  const front = `${routerPaths.front}/${options.generation}`;
  const servers: Record<string, Json> = {
    front: server([`unix/${front}/${routerFiles.front}`], [...routeHandlers(options.services), notFound]),
    probe: server([`unix/${own}/${routerFiles.probe}`], [{ handle: [probeHandler] }]),
  };
  for (const [port, sharing] of byPort(options.services)) {
    servers[`inside-${port}`] = server([`:${port}`], [closeWhenLeaving(own), ...insideHandlers(sharing)]);
  }
  for (const service of options.services) {
    for (const key of service.published)
      servers[`port-${key}`] = server(
        [`unix/${front}/${portSocket(key)}`],
        [{ handle: toService(service.name, false) }],
      );
    for (const slot of slots) {
      for (let replica = 1; replica <= service.capacity; replica += 1) {
        servers[`${service.name}-${slot}-${replica}`] = server(
          [`unix/${replicaSocket(service.name, slot, replica)}`],
          [{ handle: [replicaHandler(service, slot, replica, options)] }],
        );
      }
    }
  }
  return {
    admin: { listen: `unix/${own}/${routerFiles.admin}`, origins: ["localhost"], config: { persist: false } },
    logging: { logs: { default: { level: "WARN" } } },
    apps: { http: { grace_period: "30s", servers } },
  };
}

/** Callers by name keep connections: a router that leaves tells them, answer by answer, to open another one. */
function closeWhenLeaving(folder: string): Json {
  return {
    match: [{ file: { root: folder, try_files: [`/${routerFiles.leaving}`] } }],
    handle: [{ handler: "headers", response: { set: { Connection: ["close"] } } }],
  };
}

function server(listen: readonly string[], routes: readonly Json[]): Json {
  return { listen, automatic_https: { disable: true }, routes };
}

/** The most specific route first, so that `/api` wins over `/`. */
function routeHandlers(services: readonly RouterService[]): Json[] {
  return services
    .flatMap((service) => service.routes.map((route) => ({ service: service.name, ...route })))
    .sort((left, right) => right.path.length - left.path.length || (left.host < right.host ? -1 : 1))
    .map(({ service, host, path }) => ({
      match: [{ host: [host], ...(path === "/" ? {} : { path: [path, `${path}/*`] }) }],
      handle: toService(service, false),
      terminal: true,
    }));
}

function byPort(services: readonly RouterService[]): Map<number, RouterService[]> {
  const ports = new Map<number, RouterService[]>();
  for (const service of services) ports.set(service.port, [...(ports.get(service.port) ?? []), service]);
  return ports;
}

/** Services that share a port are told apart by the name the caller used; one that is alone on its port answers whatever name it is called by. */
function insideHandlers(sharing: readonly RouterService[]): Json[] {
  const [only, ...others] = sharing;
  if (only !== undefined && others.length === 0) return [{ handle: toService(only.name, true) }];
  return [
    ...sharing.map((service) => ({
      match: [{ host: [service.name] }],
      handle: toService(service.name, true),
      terminal: true,
    })),
    notFound,
  ];
}

/**
 * Hands a request to whoever the live assignment names. A fresh connection per request, because what the path leads to may change between two.
 * @param outermost whether this is where the request enters; then the caller's own address is what is passed on
 */
function toService(service: string, outermost: boolean): Json[] {
  const forwarded = {
    "X-Shiplock-For": ["{http.request.remote.host}"],
    "X-Shiplock-Proto": ["http"],
    "X-Shiplock-Host": ["{http.request.hostport}"],
  };
  return [
    {
      handler: "map",
      source: "{http.request.uuid}",
      destinations: ["{bucket}"],
      mappings: [{ input_regexp: "^(..)", outputs: ["$1"] }],
    },
    proxyHandler({
      transport: { protocol: "http", keep_alive: { enabled: false } },
      upstreams: [{ dial: `unix/${routerPaths.folder}/live/${service}/{bucket}` }],
      load_balancing: { try_duration: "2s", try_interval: "50ms" },
      headers: { ...(outermost ? { request: { set: forwarded } } : {}), response: { delete: ["Server"] } },
    }),
  ];
}

/**
 * One replica. Connections to it are kept, but shorter than any common server's own keep-alive timeout, so that the idle race cannot lose a request. While it
 * cannot be dialled (it crashed, it restarts) the slot's other replicas answer.
 */
function replicaHandler(service: RouterService, slot: Slot, replica: number, options: RouterOptions): Json {
  const own = `${options.replicaName(service.name, slot, replica)}:${service.port}`;
  return proxyHandler({
    transport: { protocol: "http", keep_alive: { enabled: true, idle_timeout: "1s" }, dial_timeout: "5s" },
    upstreams: [{ dial: own }, { dial: `${options.slotAlias(service.name, slot)}:${service.port}` }],
    load_balancing: { selection_policy: { policy: "first" }, try_duration: "15s", try_interval: "100ms" },
    health_checks: { passive: { fail_duration: "1s", max_fails: 1 } },
    headers: { request: { set: restored, delete: ["X-Shiplock-For", "X-Shiplock-Proto", "X-Shiplock-Host"] } },
  });
}

/** Caddy drops forwarded headers on Unix sockets, where it knows no caller; so they travel under our names and are put back at the end. */
const restored = {
  "X-Forwarded-For": ["{http.request.header.X-Shiplock-For}"],
  "X-Forwarded-Proto": ["{http.request.header.X-Shiplock-Proto}"],
  "X-Forwarded-Host": ["{http.request.header.X-Shiplock-Host}"],
};

const probeHandler: Json = {
  handler: "reverse_proxy",
  transport: { protocol: "http", keep_alive: { enabled: false }, dial_timeout: "2s" },
  upstreams: [{ dial: `{http.request.header.${probeHeader}}` }],
  headers: { request: { delete: [probeHeader] } },
};

const notFound: Json = {
  handle: [{ handler: "static_response", status_code: 404, body: "shiplock: no service has this address\n" }],
};
