import type { Container, Engine } from "./engine.ts";
import { engineRefusal } from "./engine-refusal.ts";
import {
  type FakeContainer,
  type FakeEngineState,
  findContainer,
  findImage,
  findNetwork,
  fitsLabels,
  nextId,
} from "./fake-engine-state.ts";
import { type ArchiveSource, readArchive, writeArchive } from "./file-archive.ts";
import { type JsonObject, objectAt, textAt, textMapAt, textsAt } from "./json.ts";

type ContainerCalls = Omit<
  Engine,
  | "ping"
  | "info"
  | `${string}Image`
  | `${string}Images`
  | "imageHistory"
  | `${string}Network`
  | "listNetworks"
  | `${string}Volume`
  | "listVolumes"
>;

const NEVER = "0001-01-01T00:00:00Z";
/** How long a container that ends at once takes to do so, so that restarts can be counted. */
const SHORTEST_LIFE_MS = 100;

function restarts(container: FakeContainer): boolean {
  const policy = textAt(objectAt(objectAt(container.body, "HostConfig"), "RestartPolicy"), "Name");
  const code = container.behaviour.exit?.code ?? 0;
  return policy === "always" || policy === "unless-stopped" || (policy === "on-failure" && code !== 0);
}

/** Lets happen what the clock says has happened by now. */
export function settle(state: FakeEngineState, container: FakeContainer): void {
  const { exit } = container.behaviour;
  if (!container.state.running || exit === undefined) return;
  const life = Math.max(exit.afterMs, SHORTEST_LIFE_MS);
  const age = state.now() - container.startedAt;
  if (age < exit.afterMs) return;
  if (!restarts(container)) return markEnded(state, container, exit.code, container.startedAt + exit.afterMs);
  const rounds = Math.max(1, Math.floor(age / life));
  container.restartCount += rounds;
  container.startedAt += rounds * life;
  container.looks = 0;
}

/** Ends a container as if its process had ended at the time given, in milliseconds. */
export function markEnded(state: FakeEngineState, container: FakeContainer, exitCode: number, at = state.now()): void {
  container.state = {
    ...container.state,
    running: false,
    status: "exited",
    exitCode,
    finishedAt: new Date(at).toISOString(),
  };
  delete container.state.health;
  for (const endpoint of container.networks.values()) endpoint.ipAddress = "";
}

/** Gives an address on the network; running containers have one. */
export function giveAddress(state: FakeEngineState, container: FakeContainer, networkId: string): void {
  const network = state.networks.get(networkId);
  const endpoint = container.networks.get(networkId);
  if (network === undefined || endpoint === undefined || endpoint.ipAddress !== "") return;
  network.nextAddress += 1;
  endpoint.ipAddress = `10.${network.subnet}.${network.nextAddress >> 8}.${network.nextAddress & 255}`;
}

function publishedPorts(container: FakeContainer): Container["ports"] {
  const bindings = objectAt(objectAt(container.body, "HostConfig"), "PortBindings");
  return Object.entries(bindings).flatMap(([key, list]) => {
    const [port = "0", protocol = "tcp"] = key.split("/");
    return (Array.isArray(list) ? list : []).map((binding: unknown) => ({
      containerPort: Number(port),
      protocol,
      hostIp: textAt(binding, "HostIp"),
      hostPort: Number(textAt(binding, "HostPort") || 0),
    }));
  });
}

function lookAtHealth(container: FakeContainer): void {
  if (!container.state.running) return;
  // Without a test of its own it has its image's, and these images have none.
  const test = textsAt(objectAt(container.body, "Healthcheck"), "Test");
  const hasCheck = (test.length > 0 && test[0] !== "NONE") || container.behaviour.health !== undefined;
  if (!hasCheck) return;
  container.looks += 1;
  const { healthyAfter, unhealthyAfter } = container.behaviour.health ?? { healthyAfter: 1 };
  const unhealthy = unhealthyAfter !== undefined && container.looks >= unhealthyAfter;
  const healthy = healthyAfter !== "never" && container.looks >= healthyAfter;
  container.state.health = unhealthy ? "unhealthy" : healthy ? "healthy" : "starting";
}

/** What a container has mounted, as its body says. */
export function mountsOf(container: FakeContainer): Container["mounts"] {
  return textsAt(objectAt(container.body, "HostConfig"), "Binds").map((bind) => {
    const [source = "", destination = ""] = bind.split(":");
    const isVolume = !source.startsWith("/");
    return { type: isVolume ? "volume" : "bind", name: isVolume ? source : "", source, destination };
  });
}

function viewOf(state: FakeEngineState, container: FakeContainer): Container {
  const ports = publishedPorts(container);
  const networks: Container["networks"] = {};
  for (const [networkId, { ipAddress, aliases }] of container.networks) {
    const network = state.networks.get(networkId);
    if (network !== undefined) networks[network.name] = { networkId, ipAddress, aliases: [...aliases] };
  }
  return {
    id: container.id,
    name: container.name,
    imageId: container.imageId,
    image: container.image,
    labels: { ...container.labels },
    state: { ...container.state },
    restartCount: container.restartCount,
    networks,
    ports: container.state.running ? ports : ports.map((port) => ({ ...port, hostPort: 0 })),
    mounts: mountsOf(container),
    created: new Date(container.created).toISOString(),
  };
}

function endpointsOf(body: JsonObject): [string, string[]][] {
  const endpoints = Object.entries(objectAt(objectAt(body, "NetworkingConfig"), "EndpointsConfig"));
  const named = endpoints.map(([name, endpoint]): [string, string[]] => [name, textsAt(endpoint, "Aliases")]);
  const mode = textAt(objectAt(body, "HostConfig"), "NetworkMode");
  const known = ["", "default", "bridge", "none", "host"].includes(mode) || named.some(([name]) => name === mode);
  return known ? named : [...named, [mode, []]];
}

/** The files of a container by absolute path: what was unpacked into it, and over that what it wrote. */
async function filesIn(container: FakeContainer): Promise<ArchiveSource[]> {
  const files = new Map<string, ArchiveSource>();
  for (const { path, tar } of container.archives) {
    for await (const { body, ...entry } of readArchive(inOnePiece(tar))) {
      const absolute = `${path === "/" ? "" : path}/${entry.path}`;
      files.set(absolute, { ...entry, path: absolute, body: await collected(body) });
    }
  }
  for (const [path, text] of Object.entries(container.behaviour.files ?? {})) {
    const body = Buffer.from(text);
    files.set(path, { kind: "file", path, mode: 0o644, size: body.length, body });
  }
  return [...files.values()];
}

async function collected(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return Uint8Array.from(Buffer.concat(chunks));
}

async function* inOnePiece(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** The calls of the Engine port that are about containers, on `state`. */
export function fakeContainerCalls(state: FakeEngineState): ContainerCalls {
  const refuse = (request: string, status: number, words: string) => engineRefusal(state.host, request, status, words);

  function mustFind(request: string, id: string): FakeContainer {
    const container = findContainer(state, id);
    if (container === undefined) throw refuse(request, 404, `No such container: ${id}`);
    settle(state, container);
    return container;
  }

  function refuseTakenName(request: string, name: string): void {
    const other = [...state.containers.values()].find((each) => each.name === name);
    if (other === undefined) return;
    throw refuse(request, 409, `Conflict. The container name "/${name}" is already in use by container "${other.id}".`);
  }

  function refuseTakenPorts(container: FakeContainer): void {
    const wanted = publishedPorts(container).filter((port) => port.hostPort !== 0);
    for (const other of state.containers.values()) {
      settle(state, other);
      if (other === container || !other.state.running) continue;
      const taken = publishedPorts(other).find((port) =>
        wanted.some((want) => want.hostPort === port.hostPort && want.protocol === port.protocol),
      );
      if (taken === undefined) continue;
      const words = `driver failed programming external connectivity: Bind for 0.0.0.0:${taken.hostPort} failed: port is already allocated`;
      throw refuse(`POST /containers/${container.id}/start`, 500, words);
    }
  }

  function attachFirst(container: FakeContainer): void {
    for (const [name, aliases] of endpointsOf(container.body)) {
      const network = findNetwork(state, name);
      if (network === undefined) throw refuse(`POST /containers/create`, 404, `network ${name} not found`);
      container.networks.set(network.id, { ipAddress: "", aliases });
    }
  }

  return {
    async listContainers(options) {
      const all = [...state.containers.values()];
      for (const container of all) settle(state, container);
      const fitting = all.filter(
        (each) => (options?.all === true || each.state.running) && fitsLabels(each.labels, options?.labels),
      );
      return fitting.reverse().map(({ id, name, imageId, image, labels, state: { status }, created }) => {
        return { id, name, imageId, image, labels: { ...labels }, status, created: Math.floor(created / 1000) };
      });
    },
    async inspectContainer(id) {
      const container = findContainer(state, id);
      if (container === undefined) return null;
      settle(state, container);
      lookAtHealth(container);
      return viewOf(state, container);
    },
    async createContainer(name, body) {
      const request = "POST /containers/create";
      const reference = textAt(body, "Image");
      const image = findImage(state, reference);
      if (image === undefined) throw refuse(request, 404, `No such image: ${reference}`);
      refuseTakenName(request, name);
      const labels = { ...image.labels, ...textMapAt(body, "Labels") };
      const view = { id: nextId(state), name, image: reference, imageId: image.id, labels, body };
      const behaviour = state.scripts.map((script) => script(view)).find((answer) => answer !== undefined) ?? {};
      const fresh = {
        status: "created",
        running: false,
        exitCode: 0,
        startedAt: NEVER,
        finishedAt: NEVER,
        oomKilled: false,
        error: "",
      };
      const counters = { created: state.now(), startedAt: 0, looks: 0, restartCount: 0 };
      const container: FakeContainer = {
        ...view,
        ...counters,
        state: fresh,
        behaviour,
        networks: new Map(),
        archives: [],
      };
      attachFirst(container);
      for (const mount of mountsOf(container)) {
        const { name: volume } = mount;
        if (mount.type !== "volume" || state.volumes.has(volume)) continue;
        state.volumes.set(volume, {
          name: volume,
          driver: "local",
          labels: {},
          mountpoint: `/var/lib/docker/volumes/${volume}/_data`,
        });
      }
      state.containers.set(container.id, container);
      return container.id;
    },
    async putArchive(id, path, tar) {
      const container = mustFind(`PUT /containers/${id}/archive`, id);
      const whole = tar instanceof Uint8Array ? Uint8Array.from(tar) : await collected(tar);
      container.archives.push({ path, tar: whole });
    },
    async getArchive(id, path) {
      const container = mustFind(`GET /containers/${id}/archive`, id);
      const whole = path.replace(/\/$/, "");
      const found = (await filesIn(container)).filter(
        (file) => file.path === whole || file.path.startsWith(`${whole}/`),
      );
      if (found.length === 0) return null;
      const top = whole.slice(0, whole.lastIndexOf("/") + 1).length;
      return writeArchive(found.map((file) => ({ ...file, path: file.path.slice(top) })));
    },
    async startContainer(id) {
      const request = `POST /containers/${id}/start`;
      const container = mustFind(request, id);
      if (container.state.running) return;
      refuseTakenPorts(container);
      const { startError } = container.behaviour;
      if (startError !== undefined) {
        container.state.error = startError;
        throw refuse(request, 500, startError);
      }
      container.startedAt = state.now();
      container.looks = 0;
      container.state = {
        ...container.state,
        running: true,
        status: "running",
        exitCode: 0,
        startedAt: new Date(state.now()).toISOString(),
      };
      for (const networkId of container.networks.keys()) giveAddress(state, container, networkId);
    },
    async stopContainer(id) {
      const container = mustFind(`POST /containers/${id}/stop`, id);
      if (container.state.running) markEnded(state, container, container.behaviour.ignoresStop === true ? 137 : 0);
    },
    async killContainer(id, signalName) {
      const request = `POST /containers/${id}/kill`;
      const container = mustFind(request, id);
      if (!container.state.running)
        throw refuse(request, 409, `Cannot kill container: ${id}: Container ${id} is not running`);
      const ends = /^(SIG)?(KILL|9)$/.test(signalName);
      if (ends) return markEnded(state, container, 137);
      if (/^(SIG)?(TERM|15|INT|2|QUIT|3)$/.test(signalName) && container.behaviour.ignoresStop !== true)
        markEnded(state, container, 143);
    },
    async removeContainer(id, { force }) {
      const container = findContainer(state, id);
      if (container === undefined) return;
      settle(state, container);
      if (container.state.running && !force) {
        throw refuse(`DELETE /containers/${id}`, 409, `You cannot remove a running container ${container.id}.`);
      }
      state.containers.delete(container.id);
    },
    async renameContainer(id, name) {
      const request = `POST /containers/${id}/rename`;
      const container = mustFind(request, id);
      if (container.name === name)
        throw refuse(request, 400, "Renaming a container with the same name as its current name");
      refuseTakenName(request, name);
      container.name = name;
    },
    async waitContainer(id, timeoutMs) {
      const container = mustFind(`POST /containers/${id}/wait`, id);
      const { exit } = container.behaviour;
      if (!container.state.running) return container.state.exitCode;
      if (exit === undefined || exit.afterMs > timeoutMs || restarts(container)) return null;
      // Nothing moves the clock while a test waits, so waiting brings about what it waits for.
      markEnded(state, container, exit.code, container.startedAt + exit.afterMs);
      return exit.code;
    },
    async *logs(id, options) {
      const container = mustFind(`GET /containers/${id}/logs`, id);
      const lines = container.behaviour.logs ?? [];
      yield* options?.tail === undefined ? lines : lines.slice(Math.max(0, lines.length - options.tail));
    },
    async exec(containerId, argv) {
      const request = `POST /containers/${containerId}/exec`;
      const container = mustFind(request, containerId);
      if (!container.state.running) throw refuse(request, 409, `Container ${containerId} is not running`);
      return container.behaviour.exec?.(argv) ?? { exitCode: 0, stdout: "", stderr: "" };
    },
  };
}
