import { createHash } from "node:crypto";
import { ShiplockError } from "../errors.ts";
import type { LogOptions } from "./engine.ts";
import { type CallHook, type CallWrapper, type FakeCall, wrapPort } from "./fake-calls.ts";
import { markEnded } from "./fake-containers.ts";
import { addImage, createFakeEngine } from "./fake-engine.ts";
import {
  createFakeEngineState,
  type FakeEngineState,
  type FakeImage,
  type FakeRegistry,
  type FakeScript,
  findContainer,
} from "./fake-engine-state.ts";
import { createFakeFiles, type FakeDisk, makeFolders, PLENTY_BYTES } from "./fake-files.ts";
import { createFakeLeases, type FakeLeases, type FakeSession } from "./fake-lease.ts";
import { cancelledError, hostLostError } from "./host-errors.ts";
import { absolutePath } from "./tree-guard.ts";
import type { ConnectOptions, Host, HostAddress, HostLost, LeaseAnswer, LeaseRequest } from "./types.ts";

export type { CallHook, FakeCall } from "./fake-calls.ts";
export type { FakeBehaviour, FakeContainerView, FakeImage, FakeRegistry, FakeScript } from "./fake-engine-state.ts";

export type FakeWorldOptions = {
  /** The clock of all hosts, in milliseconds since the epoch. Nothing in the world moves it. */
  now(): number;
  /** Sees every call before and after its effect, and may make it fail. */
  onCall?: CallHook;
  /** Where `forwardSocket` and `forwardTcp` lead; without it they reject with `host/forward-unsupported`. */
  forward?: (host: string, target: string) => Promise<string>;
};

/** One host of the world, whatever connections there are to it. */
export type FakeMachine = {
  readonly engine: FakeEngineState;
  readonly disk: FakeDisk;
  /** From now on so many bytes are free on the whole host; 100 GB until then. What is written takes nothing away. */
  setFreeBytes(bytes: number): void;
  /** Puts an image on the host, as if it had been pulled. */
  addImage(image: FakeImage): void;
  /** What containers do that are created from now on; the first script that answers decides. */
  script(script: FakeScript): void;
  /** Ends a running container as if its process had ended by itself. */
  endContainer(idOrName: string, exitCode: number): void;
  /** Ends all connections to the host; they are told so. */
  cutAll(): void;
  /** From now on nobody can connect (`ssh/unreachable`), until `up`. */
  down(): void;
  up(): void;
};

/** A connection, with what a test may do to it. */
export type FakeHost = Host & {
  /** Plays SIGSTOP: no heartbeat is sent any more. With `endable: false` no take-over can end it. */
  freeze(options?: { endable: boolean }): void;
  /** Plays SIGCONT: heartbeats again, if the session is still there. */
  thaw(): void;
  /** Ends this connection, as a cut line or a take-over does. */
  cut(): void;
};

/**
 * Hosts in memory: a real adapter of Connector, Host, HostFiles and Engine without a machine. What is on a host (disk, leases, engine)
 * outlives its connections, so a deployment can be cut and resumed by another one. Hosts come into being by being named.
 */
export type FakeWorld = {
  connector: { connect(address: HostAddress, options?: Partial<ConnectOptions>): Promise<FakeHost> };
  machine(name: string): FakeMachine;
  /** What every host of the world can pull. */
  registry: FakeRegistry;
  /** How many calls there have been. */
  calls(): number;
  /** Replaces the hook. */
  setOnCall(hook: CallHook | undefined): void;
};

const HOME = "/home/deploy";
const UID = 1000;

type Machine = FakeMachine & { leases: FakeLeases; connections: Set<FakeHost>; isDown(): boolean; freeBytes(): number };

/** An image as a test needs one: id and architecture are made up where they are not given. */
export function fakeImage(reference: string, options: Partial<FakeImage> = {}): FakeImage {
  const id = options.id ?? `sha256:${createHash("sha256").update(reference).digest("hex")}`;
  const isDigest = reference.includes("@");
  return {
    repoTags: isDigest ? [] : [reference],
    repoDigests: isDigest ? [reference] : [],
    architecture: "amd64",
    os: "linux",
    sizeBytes: 1_000_000,
    labels: {},
    created: "2026-01-01T00:00:00Z",
    layers: [],
    ...options,
    id,
  };
}

function createMachine(name: string, registry: FakeRegistry, now: () => number): Machine {
  const engine = createFakeEngineState(name, registry, now);
  const connections = new Set<FakeHost>();
  let isDown = false;
  let freeBytes = PLENTY_BYTES;
  return {
    engine,
    disk: makeFolders(new Map(), HOME),
    leases: createFakeLeases(now),
    connections,
    isDown: () => isDown,
    freeBytes: () => freeBytes,
    setFreeBytes(bytes) {
      freeBytes = bytes;
    },
    addImage: (image) => addImage(engine, image),
    script: (script) => engine.scripts.push(script),
    endContainer(idOrName, exitCode) {
      const container = findContainer(engine, idOrName);
      if (container === undefined) throw new Error(`there is no container ${idOrName} on ${name}`);
      markEnded(engine, container, exitCode);
    },
    cutAll() {
      for (const connection of connections) connection.cut();
    },
    down() {
      isDown = true;
      for (const connection of connections) connection.cut();
    },
    up() {
      isDown = false;
    },
  };
}

export function createFakeWorld(options: FakeWorldOptions): FakeWorld {
  const machines = new Map<string, Machine>();
  const registry: FakeRegistry = { images: new Map() };
  let { onCall } = options;
  let callCount = 0;
  let connectionCount = 0;

  function machine(name: string): Machine {
    const known = machines.get(name) ?? createMachine(name, registry, options.now);
    machines.set(name, known);
    return known;
  }

  function wrapperFor(host: string, connection: number, refuseIfGone: () => void): CallWrapper {
    return async (name, args, work) => {
      refuseIfGone();
      callCount += 1;
      const call: Omit<FakeCall, "phase"> = { host, connection, name, args, index: callCount };
      await onCall?.({ ...call, phase: "before" });
      refuseIfGone();
      const result = await work();
      await onCall?.({ ...call, phase: "after" });
      refuseIfGone();
      return result;
    };
  }

  function openConnection(address: HostAddress): FakeHost {
    const { name } = address;
    const here = machine(name);
    if (address.kind === "local") makeFolders(here.disk, address.root);
    const { promise: lost, resolve: tellLost } = Promise.withResolvers<HostLost>();
    let gone: HostLost | undefined;
    let frozenAt: number | undefined;
    let endable = true;

    function lose(reason: HostLost): void {
      if (gone !== undefined) return;
      gone = reason;
      here.connections.delete(host);
      tellLost(reason);
    }
    const cut = () => lose({ reason: "connection", message: "the connection was cut" });
    function refuseIfGone(): void {
      if (gone !== undefined) throw hostLostError(name, gone.message);
    }
    const session: FakeSession = {
      host: name,
      isGone: () => gone !== undefined,
      lastBeat: () => frozenAt ?? options.now(),
      end() {
        if (endable) cut();
        return endable;
      },
    };
    connectionCount += 1;
    const wrap = wrapperFor(name, connectionCount, refuseIfGone);
    const home = address.kind === "local" ? address.root : HOME;
    const root = address.kind === "local" ? address.root : absolutePath(home, address.root ?? ".shiplock");
    const engine = createFakeEngine(here.engine);
    const files = createFakeFiles({
      host: name,
      home,
      root,
      uid: UID,
      gid: UID,
      disk: here.disk,
      now: options.now,
      freeBytes: here.freeBytes,
    });

    async function takeLease(request: LeaseRequest): Promise<LeaseAnswer> {
      const answer = await wrap("lease", [request], async () => {
        await files.mkdirs(request.folder, 0o700);
        return here.leases.take(session, absolutePath(home, request.folder), request);
      });
      if (answer.kind !== "granted") return answer;
      const beat = () => wrap("lease.beat", [request.folder], answer.beat);
      return { ...answer, beat, release: () => wrap("lease.release", [request.folder], answer.release) };
    }

    async function* logs(id: string, logOptions?: LogOptions) {
      const lines = await wrap("engine.logs", [id, logOptions], async () => {
        const read = [];
        for await (const line of engine.logs(id, logOptions)) read.push(line);
        return read;
      });
      yield* lines;
    }
    async function* saveImages(ids: readonly string[]) {
      const pieces = await wrap("engine.saveImages", [ids], async () => {
        const read = [];
        for await (const piece of engine.saveImages(ids)) read.push(piece);
        return read;
      });
      for (const piece of pieces) {
        refuseIfGone();
        yield piece;
      }
    }
    async function forward(target: string): Promise<string> {
      if (options.forward !== undefined) return options.forward(name, target);
      throw new ShiplockError({
        code: "host/forward-unsupported",
        message: `Nothing was said about forwards to ${target}`,
        blame: "bug",
      });
    }

    const host: FakeHost = {
      name,
      facts: { uid: UID, gid: UID, home, hostname: name, engineSocket: "/var/run/docker.sock" },
      engine: { ...wrapPort("engine", engine, wrap, ["logs", "saveImages"]), logs, saveImages },
      files: wrapPort("files", files, wrap),
      forwardSocket: (path) => wrap("forwardSocket", [path], () => forward(absolutePath(home, path))),
      forwardTcp: (hostname, port) => wrap("forwardTcp", [hostname, port], () => forward(`${hostname}:${port}`)),
      lease: takeLease,
      inspectLease: (folder) => wrap("inspectLease", [folder], () => here.leases.inspect(absolutePath(home, folder))),
      lost,
      async close() {
        lose({ reason: "closed", message: "it was closed" });
      },
      freeze(how = { endable: true }) {
        frozenAt = options.now();
        endable = how.endable;
      },
      thaw() {
        frozenAt = undefined;
        endable = true;
      },
      cut,
    };
    here.connections.add(host);
    return host;
  }

  return {
    registry,
    machine,
    calls: () => callCount,
    setOnCall(hook) {
      onCall = hook;
    },
    connector: {
      async connect(address, connectOptions) {
        if (connectOptions?.signal?.aborted === true) throw cancelledError(address.name);
        if (!machine(address.name).isDown()) return openConnection(address);
        throw new ShiplockError({
          code: "ssh/unreachable",
          message: `${address.name} did not answer`,
          where: address.name,
          remedy: "Check that the host is up, and the firewall in between.",
        });
      },
    },
  };
}
