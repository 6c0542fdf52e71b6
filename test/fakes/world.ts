import { createFakeWorld, type FakeCall, type FakeHost, fakeImage, type FakeWorld } from "../../src/hosts/fake.ts";
import type { FakeContainer } from "../../src/hosts/fake-engine-state.ts";
import type { FakeNode } from "../../src/hosts/fake-files.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { label } from "../../src/targets/compose/layout.ts";
import { type Behaviour, behaviourOf } from "./behaviour.ts";
import { fakeCompose } from "./compose-program.ts";
import { type JumpingClock, jumpingClock } from "./jumping-clock.ts";
import { bootMs } from "./shop.ts";
import type { SocketFleet } from "./socket-fleet.ts";
import { createStreet, type Street } from "./street.ts";

export type Call = FakeCall & { world: World };

/** Two hosts with engines, disks and leases, the proxies on them, and the time. Outlives every deployer that works on it. */
export type World = {
  readonly clock: JumpingClock;
  readonly hosts: readonly string[];
  readonly fake: FakeWorld;
  readonly street: Street;
  readonly compose: ReturnType<typeof fakeCompose>;
  /** By release id. */
  readonly behaviours: Map<string, Behaviour>;
  /** How often the migration of a release was started, by release id. */
  readonly migrations: Map<string, number>;
  /** Requests that were lost, each a sentence; empty in a good world. */
  readonly losses: string[];
  /** Sees every call, before and after. What it throws is what the caller gets. */
  onCall: ((call: FakeCall) => void | Promise<void>) | undefined;
  containers(host: string): FakeContainer[];
  /** Whether a container would answer a request now. */
  answers(container: FakeContainer | undefined): boolean;
};

export type WorldSnapshot = {
  milliseconds: number;
  machines: ReadonlyMap<
    string,
    {
      disk: ReadonlyMap<string, FakeNode>;
      containers: FakeContainer[];
      images: unknown[];
      networks: unknown[];
      volumes: unknown[];
      lastNumber: number;
    }
  >;
  street: ReturnType<Street["save"]>;
  migrations: ReadonlyMap<string, number>;
};

/** Calls that change nothing; what is the same before and after them needs to be cut only once. */
const looking =
  /^(engine\.(list|inspect|ping|info|logs|wait)|files\.(read|readlink|list|stat|lstat|freeBytes)$|forward|inspectLease|lease\.beat)/;

export function changes(call: FakeCall): boolean {
  return !looking.test(call.name);
}

export function createWorld(
  fleet: SocketFleet,
  documents: readonly ReleaseDocument[],
  hosts: readonly string[] = ["one", "two"],
): World {
  const clock = jumpingClock();
  const fake = createFakeWorld({
    now: () => clock.milliseconds,
    forward: (host, target) => fleet.forward(host, target),
  });
  const world: World = {
    clock,
    hosts,
    fake,
    street: createStreet(() => world),
    compose: fakeCompose(),
    behaviours: new Map(),
    migrations: new Map(),
    losses: [],
    onCall: undefined,
    containers: (host) => [...fake.machine(host).engine.containers.values()],
    answers: (container) =>
      container !== undefined &&
      container.state.running &&
      clock.milliseconds >= container.startedAt + bootMs &&
      isWell(behaviourOf(world, container)),
  };
  fleet.answerBy(world.street.answer);
  for (const reference of ["caddy:2", "postgres:17"]) fake.registry.images.set(reference, fakeImage(reference));
  for (const document of documents) addToRegistry(world, document);
  for (const host of hosts) {
    fake.machine(host).script((container) => {
      const behaviour = world.behaviours.get(container.labels[label.release] ?? "") ?? {};
      if (container.labels[label.kind] === "migration")
        return {
          exit: { code: behaviour.migration ?? 0, afterMs: 500 },
          logs: (behaviour.prints ?? "migrating").split("\n").map((line) => ({ stream: "stdout", line })),
        };
      if (behaviour.exitsAtOnce === true)
        return { exit: { code: 3, afterMs: 20 }, logs: [{ stream: "stderr", line: "cannot read its configuration" }] };
      const { prints } = behaviour;
      return {
        logs: [{ stream: "stdout", line: `${container.name} starts` }],
        ...(prints === undefined ? {} : { exec: () => ({ exitCode: 1, stdout: "", stderr: prints }) }),
      };
    });
  }
  fake.setOnCall(async (call) => {
    observe(world, call);
    await world.onCall?.(call);
  });
  return world;
}

function addToRegistry(world: World, document: ReleaseDocument): void {
  for (const image of Object.values(document.release.images)) {
    const reference = `${image.repository}@${image.digest}`;
    const id = image.platforms["linux/amd64"]?.config;
    world.fake.registry.images.set(reference, fakeImage(reference, id === undefined ? {} : { id }));
  }
}

function isWell(behaviour: Behaviour): boolean {
  return behaviour.unhealthy !== true && behaviour.exitsAtOnce !== true;
}

function observe(world: World, call: FakeCall): void {
  world.street.observe(call);
  if (call.name !== "engine.startContainer" || call.phase !== "after") return;
  const container = world.containers(call.host).find((each) => each.id === call.args[0] || each.name === call.args[0]);
  if (container?.labels[label.kind] !== "migration") return;
  const release = container.labels[label.release] ?? "";
  world.migrations.set(release, (world.migrations.get(release) ?? 0) + 1);
}

/** A copy of everything that outlives a deployer: what a host has when its deployer is killed at this very moment. */
export function save(world: World): WorldSnapshot {
  const machines = world.hosts.map((host) => {
    const { disk, engine } = world.fake.machine(host);
    const copied = {
      disk: new Map(disk),
      containers: [...engine.containers.values()].map(copyContainer),
      images: structuredClone([...engine.images]),
      networks: structuredClone([...engine.networks]),
      volumes: structuredClone([...engine.volumes]),
      lastNumber: engine.lastNumber,
    };
    return [host, copied] as const;
  });
  return {
    milliseconds: world.clock.milliseconds,
    machines: new Map(machines),
    street: world.street.save(),
    migrations: new Map(world.migrations),
  };
}

/** Puts a new world into a saved state; nobody is connected to it. */
export function restore(fleet: SocketFleet, documents: readonly ReleaseDocument[], snapshot: WorldSnapshot): World {
  const world = createWorld(fleet, documents, [...snapshot.machines.keys()]);
  world.clock.milliseconds = snapshot.milliseconds;
  for (const [host, saved] of snapshot.machines) {
    const { disk, engine } = world.fake.machine(host);
    disk.clear();
    for (const [path, node] of saved.disk) disk.set(path, node);
    for (const container of saved.containers) engine.containers.set(container.id, copyContainer(container));
    for (const [id, image] of structuredClone(saved.images) as [string, never][]) engine.images.set(id, image);
    for (const [id, network] of structuredClone(saved.networks) as [string, never][]) engine.networks.set(id, network);
    for (const [name, volume] of structuredClone(saved.volumes) as [string, never][]) engine.volumes.set(name, volume);
    engine.lastNumber = saved.lastNumber;
  }
  world.street.restore(snapshot.street);
  for (const [release, count] of snapshot.migrations) world.migrations.set(release, count);
  return world;
}

function copyContainer(container: FakeContainer): FakeContainer {
  return {
    ...container,
    state: { ...container.state },
    networks: structuredClone(container.networks),
    archives: [...container.archives],
  };
}

/** Connections of one deployer, which can be cut all at once, as SIGKILL does. */
export function connectorOf(world: World): { connector: FakeWorld["connector"]; connections: FakeHost[]; cut(): void } {
  const connections: FakeHost[] = [];
  return {
    connections,
    connector: {
      connect: async (address, options) => {
        const host = await world.fake.connector.connect(address, options);
        connections.push(host);
        return host;
      },
    },
    cut: () => {
      for (const connection of connections) connection.cut();
    },
  };
}
