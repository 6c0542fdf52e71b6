import type { Container, ExecResult, Image, LogLine, Network, Volume } from "./engine.ts";
import type { JsonObject } from "./json.ts";

/** What a container does once it is started. */
export type FakeBehaviour = {
  /** The start fails with these words of the engine (status 500). */
  startError?: string;
  /** It ends by itself, so many milliseconds of the clock after each start. With a restart policy it starts again. */
  exit?: { code: number; afterMs: number };
  /**
   * Its health check: healthy at the n-th look (`inspectContainer`) after the start, unhealthy from a later look on; "never" stays
   * at starting until then. Without this, a container whose body has a health check is healthy at the first look.
   */
  health?: { healthyAfter: number | "never"; unhealthyAfter?: number };
  exec?: (argv: readonly string[]) => ExecResult;
  logs?: readonly LogLine[];
  /** It does not end at SIGTERM, so that a stop ends with 137. */
  ignoresStop?: boolean;
  /** What it wrote, by absolute path: the files it has beside those that were unpacked into it. */
  files?: Readonly<Record<string, string>>;
};

/** A container as a script sees it when it decides what the container does. */
export type FakeContainerView = {
  id: string;
  name: string;
  image: string;
  imageId: string;
  labels: Record<string, string>;
  body: JsonObject;
};

/** The first script that answers decides; without an answer the container just runs. */
export type FakeScript = (container: FakeContainerView) => FakeBehaviour | undefined;

export type FakeContainer = FakeContainerView & {
  state: Container["state"];
  behaviour: FakeBehaviour;
  created: number;
  startedAt: number;
  looks: number;
  restartCount: number;
  networks: Map<string, { ipAddress: string; aliases: string[] }>;
  /** What was unpacked into it, in order. */
  archives: { path: string; tar: Uint8Array }[];
};

export type FakeNetwork = Omit<Network, "containers"> & { nextAddress: number; subnet: number };

export type FakeImage = Image;

/** What a registry offers: images by reference (`name:tag` or `name@digest`), and who may read them. */
export type FakeRegistry = {
  images: Map<string, FakeImage>;
  /** Undefined: everybody may. */
  password?: string;
};

/** Everything an engine holds; it survives the connections to it. */
export type FakeEngineState = {
  host: string;
  containers: Map<string, FakeContainer>;
  images: Map<string, FakeImage>;
  networks: Map<string, FakeNetwork>;
  volumes: Map<string, Volume>;
  scripts: FakeScript[];
  registry: FakeRegistry;
  lastNumber: number;
  now(): number;
};

export function createFakeEngineState(host: string, registry: FakeRegistry, now: () => number): FakeEngineState {
  return {
    host,
    containers: new Map(),
    images: new Map(),
    networks: new Map(),
    volumes: new Map(),
    scripts: [],
    registry,
    lastNumber: 0,
    now,
  };
}

/** A new id of 64 hexadecimal digits, the same in every run. */
export function nextId(state: FakeEngineState): string {
  state.lastNumber += 1;
  return state.lastNumber.toString(16).padStart(12, "0").padEnd(64, "0");
}

/** Whether labels fit filters as the engine reads them: `name` or `name=value`. */
export function fitsLabels(labels: Record<string, string>, filters: readonly string[] | undefined): boolean {
  return (filters ?? []).every((filter) => {
    const equals = filter.indexOf("=");
    if (equals === -1) return Object.hasOwn(labels, filter);
    return labels[filter.slice(0, equals)] === filter.slice(equals + 1);
  });
}

/** The image that a reference names: an id, a tag (":latest" unless given) or a digest. */
export function findImage(state: FakeEngineState, reference: string): FakeImage | undefined {
  const slash = reference.lastIndexOf("/");
  const tagged =
    reference.includes("@") || reference.indexOf(":", slash + 1) !== -1 ? reference : `${reference}:latest`;
  for (const image of state.images.values()) {
    if (image.id === reference || image.id === `sha256:${reference}`) return image;
    if (image.repoTags.includes(tagged) || image.repoDigests.includes(reference)) return image;
  }
  return undefined;
}

/** By id, a beginning of one of at least 12 digits, or name. */
export function findContainer(state: FakeEngineState, idOrName: string): FakeContainer | undefined {
  const byId = state.containers.get(idOrName);
  if (byId !== undefined) return byId;
  for (const container of state.containers.values()) {
    if (container.name === idOrName) return container;
    if (idOrName.length >= 12 && container.id.startsWith(idOrName)) return container;
  }
  return undefined;
}

/** By id or name. */
export function findNetwork(state: FakeEngineState, idOrName: string): FakeNetwork | undefined {
  return state.networks.get(idOrName) ?? [...state.networks.values()].find((network) => network.name === idOrName);
}
