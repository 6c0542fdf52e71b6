import type { FakeCall } from "../../src/hosts/fake.ts";
import type { FakeContainer } from "../../src/hosts/fake-engine-state.ts";
import type { FakeNode } from "../../src/hosts/fake-files.ts";
import { asList, asObject, asText, type Json, type JsonObject } from "../../src/json.ts";
import { label } from "../../src/targets/compose/layout.ts";
import { edgeName } from "../../src/targets/compose/steps/edge.ts";
import type { FleetAnswer, FleetRequest } from "./socket-fleet.ts";
import { behaviourOf } from "./behaviour.ts";
import { bootMs, environment, folder, project, root } from "./shop.ts";
import type { World } from "./world.ts";

/** A request that a replica is answering goes on for so long after the traffic has left it, in milliseconds. */
const requestMs = 300;

/** What lies between the users and the containers: edge, routers and the requests on their way. */
export type Street = {
  answer(host: string, target: string, request: FleetRequest): FleetAnswer;
  observe(call: FakeCall): void;
  /** The containers that answer a service on a host, bucket by bucket in one list without repetitions; null for a bucket that leads nowhere. */
  answering(host: string, service: string): (FakeContainer | null)[];
  /** What a user gets who asks for an address: the status (0 for no answer), and the service that answers. */
  visit(host: string, hostName: string, path: string): { status: number; service: string | null };
  /** The paths that a router tells apart. */
  routes(host: string): string[];
  save(): { loaded: Map<string, string>; busyUntil: Map<string, number> };
  restore(saved: { loaded: Map<string, string>; busyUntil: Map<string, number> }): void;
};

/** Where the routers of the environment offer their sockets to the edge. */
const front = `${root}/edge/fronts/${project}-${environment}`;

export function createStreet(of: () => World): Street {
  /** The configuration each router runs with, which need not be the one on the disk. */
  const loaded = new Map<string, string>();
  const busyUntil = new Map<string, number>();

  function disk(host: string) {
    return of().fake.machine(host).disk;
  }

  function textOf(host: string, path: string): string | null {
    const node = disk(host).get(path);
    return node?.kind === "file" ? new TextDecoder().decode(node.data) : null;
  }

  function linkOf(host: string, path: string): string | null {
    const node = disk(host).get(path);
    return node?.kind === "symlink" ? node.target : null;
  }

  /** The router that has the traffic. */
  function routerOf(host: string): FakeContainer | undefined {
    const current = linkOf(host, `${front}/current`);
    return current === null ? undefined : routerOfGeneration(host, current);
  }

  function routerOfGeneration(host: string, generation: string): FakeContainer | undefined {
    return of()
      .containers(host)
      .find((container) => container.labels[label.generation] === generation);
  }

  /** The servers that the router with the traffic runs. */
  function servers(host: string): JsonObject {
    const generation = linkOf(host, `${front}/current`) ?? "";
    return (
      asObject(asObject(asObject(parsed(loaded.get(`${host} ${generation}`))["apps"])?.["http"])?.["servers"]) ?? {}
    );
  }

  function byName(host: string, name: string): FakeContainer | undefined {
    return of()
      .containers(host)
      .find((container) => container.name === name);
  }

  /** Every socket of the live table of a service; as the router resolves it, link by link. */
  function socketsOf(host: string, service: string): (string | null)[] {
    const set = linkOf(host, `${folder}/proxy/live`);
    const table = set === null ? null : linkOf(host, `${folder}/proxy/${set}/${service}`);
    if (table === null) return [null];
    const path = `${folder}/proxy/${table.replace("../../", "")}`;
    const complete = disk(host).get(`${path}/complete`);
    const known = complete === undefined ? undefined : tables.get(complete);
    if (known !== undefined) return known;
    const targets = new Set<string | null>();
    for (let bucket = 0; bucket < 256; bucket += 1)
      targets.add(linkOf(host, `${path}/${bucket.toString(16).padStart(2, "0")}`));
    if (complete !== undefined) tables.set(complete, [...targets]);
    return [...targets];
  }

  function answering(host: string, service: string): (FakeContainer | null)[] {
    const router = routerOf(host);
    if (router === undefined || !router.state.running) return [null];
    const known = servers(host);
    return socketsOf(host, service).map((socket) => {
      const key = socket?.replace("/sockets/", "").replace(".sock", "") ?? "";
      const server = asObject(known[key]);
      const dial = server === undefined ? null : dialOf(server);
      return dial === null ? null : (byName(host, dial.split(":")[0] ?? "") ?? null);
    });
  }

  function inTraffic(host: string): Set<string> {
    const set = linkOf(host, `${folder}/proxy/live`);
    const services = Object.keys(
      parsed(set === null ? undefined : (textOf(host, `${folder}/proxy/${set}/assignment.json`) ?? undefined)),
    );
    return new Set(
      services.flatMap((service) =>
        answering(host, service).flatMap((container) => (container === null ? [] : [container.name])),
      ),
    );
  }

  function isBusy(host: string, container: string, traffic: ReadonlySet<string>): boolean {
    return traffic.has(container) || (busyUntil.get(`${host} ${container}`) ?? 0) > of().clock.milliseconds;
  }

  function visit(host: string, hostName: string, path: string): { status: number; service: string | null } {
    const edge = byName(host, edgeName);
    if (edge?.state.running !== true) return { status: 0, service: null };
    if (linkOf(host, `${root}/edge/routes/${hostName}`) === null) return { status: 404, service: null };
    if (routerOf(host)?.state.running !== true) return { status: 502, service: null };
    const services = asList(asObject(servers(host)["front"])?.["routes"]).map((route) =>
      serviceOf(asObject(route) ?? {}, hostName, path),
    );
    const service = services.find((name) => name !== null) ?? null;
    if (service === null) return { status: 404, service };
    const isUp = answering(host, service).every((container) => of().answers(container ?? undefined));
    return { status: isUp ? 200 : 502, service };
  }

  function admin(host: string, generation: string, request: FleetRequest): FleetAnswer {
    const router = routerOfGeneration(host, generation);
    if (router?.state.running !== true) return null;
    if (request.path !== "/reverse_proxy/upstreams") return { status: 200, body: "{}" };
    if (router !== routerOf(host)) return { status: 200, body: JSON.stringify(ofLeaving(host, router)) };
    const traffic = inTraffic(host);
    const busy = of()
      .containers(host)
      .filter((container) => isBusy(host, container.name, traffic));
    return {
      status: 200,
      body: JSON.stringify(busy.map((container) => ({ address: `${container.name}:3000`, num_requests: 1 }))),
    };
  }

  function ofLeaving(host: string, router: FakeContainer): { address: string; num_requests: number }[] {
    const busy = (busyUntil.get(`${host} ${router.name}`) ?? 0) > of().clock.milliseconds;
    return [{ address: "unix/somewhere", num_requests: busy ? 1 : 0 }];
  }

  function replicaAnswer(container: FakeContainer | undefined, path: string): FleetAnswer {
    const world = of();
    const silent: FleetAnswer = { status: 502, headers: { server: "Caddy" } };
    if (container === undefined || !container.state.running) return silent;
    const behaviour = behaviourOf(world, container);
    if (behaviour.exitsAtOnce === true || world.clock.milliseconds < container.startedAt + bootMs) return silent;
    if (path !== "/smoke") return { status: world.answers(container) ? 200 : 500 };
    return {
      status: 200,
      body: behaviour.smokeFails === true ? "something else" : (container.labels[label.release] ?? ""),
    };
  }

  function answer(host: string, target: string, request: FleetRequest): FleetAnswer {
    const generation = /proxy\/routers\/([^/]+)\/admin\.sock$/.exec(target)?.[1];
    if (generation !== undefined) return admin(host, generation, request);
    const port = /proxy\/ports\/([^/]+)\.sock$/.exec(target)?.[1];
    if (port !== undefined)
      return byName(host, `${project}-${environment}-shiplock-port-${port}-1`)?.state.running === true
        ? { status: 200 }
        : null;
    if (target === `${root}/edge/run/admin.sock`)
      return byName(host, edgeName)?.state.running === true ? { status: 200 } : null;
    const probed = /proxy\/routers\/([^/]+)\/probe\.sock$/.exec(target)?.[1];
    if (probed !== undefined) {
      const router = routerOfGeneration(host, probed);
      if (router?.state.running !== true) return null;
      return replicaAnswer(byName(host, request.headers["x-shiplock-replica"]?.split(":")[0] ?? ""), request.path);
    }
    if (target === "127.0.0.1:80") {
      const { status } = visit(host, request.headers["host"] ?? "", request.path);
      return status === 0 ? null : { status, body: status === 404 ? "shiplock: no service has this address\n" : "" };
    }
    const address = target.split(":")[0] ?? "";
    const container = of()
      .containers(host)
      .find((each) => [...each.networks.values()].some((endpoint) => endpoint.ipAddress === address));
    return container?.state.running === true ? replicaAnswer(container, request.path) : null;
  }

  /** Requests are on their way all the time: whoever has traffic is busy, and goes on being so for a while after it has left. */
  function observe(call: FakeCall): void {
    const world = of();
    const { host, name, args, phase } = call;
    if (name === "files.symlinkAtomic" && args[1] === `${folder}/proxy/live` && phase === "before") {
      for (const container of inTraffic(host))
        busyUntil.set(`${host} ${container}`, world.clock.milliseconds + requestMs);
    }
    if (name === "files.symlinkAtomic" && args[1] === `${front}/current` && phase === "before") {
      const router = routerOf(host);
      if (router !== undefined) busyUntil.set(`${host} ${router.name}`, world.clock.milliseconds + requestMs);
    }
    if (name === "engine.startContainer" && phase === "after") {
      const started = world.containers(host).find((each) => each.id === args[0] || each.name === args[0]);
      const generation = started?.labels[label.generation];
      if (generation !== undefined)
        loaded.set(
          `${host} ${generation}`,
          once(textOf(host, `${folder}/proxy/routers/${generation}/caddy.json`) ?? ""),
        );
    }
    if ((name === "engine.stopContainer" || name === "engine.removeContainer") && phase === "before") {
      const container = world.containers(host).find((each) => each.id === args[0] || each.name === args[0]);
      if (container?.labels[label.kind] === "router" && container.state.running) {
        const busy = (busyUntil.get(`${host} ${container.name}`) ?? 0) > world.clock.milliseconds;
        if (busy || container === routerOf(host))
          world.losses.push(`${container.name} on ${host} was stopped while requests went through it`);
        return;
      }
      if (container === undefined || !world.answers(container)) return;
      if (isBusy(host, container.name, inTraffic(host)))
        world.losses.push(`${container.name} on ${host} was stopped while it answered (call ${call.index}, ${name})`);
    }
  }

  function routes(host: string): string[] {
    return asList(asObject(servers(host)["front"])?.["routes"]).flatMap((route) => {
      const match = asObject(asList(asObject(route)?.["match"])[0]);
      return match === undefined ? [] : [String(asList(match["path"])[0] ?? "/")];
    });
  }

  return {
    answer,
    routes,
    observe,
    answering,
    visit,
    save: () => ({ loaded: new Map(loaded), busyUntil: new Map(busyUntil) }),
    restore: (saved) => {
      for (const [host, text] of saved.loaded) loaded.set(host, text);
      for (const [key, until] of saved.busyUntil) busyUntil.set(key, until);
    },
  };
}

/** What follows from what never changes is found out once for all worlds: thousands of them are made, and each looks at it after every call. */
const texts = new Map<string, string>();
const parsedTexts = new Map<string, JsonObject>();
const dials = new WeakMap<JsonObject, string | null>();
/** The sockets of a complete table, by the file that says that it is complete. */
const tables = new WeakMap<FakeNode, (string | null)[]>();

/** The same string for the same text: two are compared letter by letter, one with itself is not. */
function once(text: string): string {
  const known = texts.get(text) ?? text;
  texts.set(known, known);
  return known;
}

function parsed(text: string | undefined): JsonObject {
  if (text === undefined || text === "") return {};
  const known = parsedTexts.get(text) ?? (JSON.parse(text) as JsonObject);
  parsedTexts.set(text, known);
  return known;
}

/** The first address that a server of a configuration dials. */
function dialOf(server: JsonObject): string | null {
  const known = dials.get(server);
  if (known !== undefined) return known;
  const dial = firstDial(server);
  dials.set(server, dial);
  return dial;
}

/** The first address that something in a configuration dials, however deep it lies. */
function firstDial(value: Json | undefined): string | null {
  const own = asText(asObject(value)?.["dial"]);
  if (own !== undefined) return own;
  const children = Array.isArray(value) ? value : Object.values(asObject(value) ?? {});
  for (const child of children) {
    const found = firstDial(child);
    if (found !== null) return found;
  }
  return null;
}

function serviceOf(route: JsonObject, hostName: string, path: string): string | null {
  const match = asObject(asList(route["match"])[0]);
  const paths = asList(match?.["path"]).map((entry: Json) => String(entry).replace("/*", ""));
  if (!asList(match?.["host"]).includes(hostName)) return null;
  if (paths.length > 0 && !paths.some((prefix) => path === prefix || path.startsWith(`${prefix}/`))) return null;
  return firstDial(route["handle"])?.split("/live/")[1]?.split("/")[0] ?? null;
}
