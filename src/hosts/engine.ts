import { ShiplockError } from "../errors.ts";
import type { JsonObject } from "./json.ts";
import type { HistoryEntry } from "./layer-sizes.ts";

/** Bounds of one engine call: it rejects with `engine/timeout` after `timeoutMs` (30 s unless given), with `host/cancelled` on abort. */
export type CallOptions = { timeoutMs?: number; signal?: AbortSignal };

export type EngineInfo = {
  version: string;
  /** The version that both sides speak, as "1.41". */
  apiVersion: string;
  os: string;
  /** As in image platforms: "amd64", "arm64". */
  architecture: string;
  cpus: number;
  memoryBytes: number;
  storageDriver: string;
  /** With the containerd image store a container's image id need not be the configuration digest. */
  containerdImageStore: boolean;
  /** Folder of the engine's data on the host. */
  dataRoot: string;
};

export type ContainerSummary = {
  id: string;
  name: string;
  imageId: string;
  image: string;
  labels: Record<string, string>;
  /** created, running, paused, restarting, removing, exited, dead */
  status: string;
  /** Seconds since the epoch. */
  created: number;
};

export type Health = "starting" | "healthy" | "unhealthy";

export type ContainerState = {
  status: string;
  running: boolean;
  exitCode: number;
  /** ISO 8601; "0001-01-01T00:00:00Z" when never started */
  startedAt: string;
  finishedAt: string;
  /** Absent when the container has no health check. */
  health?: Health;
  oomKilled: boolean;
  /** The engine's own words for a start that failed. */
  error: string;
};

export type Container = {
  id: string;
  name: string;
  imageId: string;
  /** The reference it was created with; says nothing about what runs. */
  image: string;
  /** Digest of the platform's manifest, where the engine tells it (containerd image store). */
  manifestDigest?: string;
  labels: Record<string, string>;
  state: ContainerState;
  restartCount: number;
  networks: Record<string, { networkId: string; ipAddress: string; aliases: string[] }>;
  /** Published ports; `hostPort` 0 means not bound now. */
  ports: { containerPort: number; protocol: string; hostIp: string; hostPort: number }[];
  mounts: { type: string; name: string; source: string; destination: string }[];
  /** ISO 8601 */
  created: string;
};

export type Image = {
  id: string;
  repoTags: string[];
  repoDigests: string[];
  architecture: string;
  os: string;
  sizeBytes: number;
  labels: Record<string, string>;
  created: string;
  /** Digests of its layers as they are unpacked (`diff_ids`), the lowest first. */
  layers: string[];
};

export type ImageSummary = {
  id: string;
  repoTags: string[];
  repoDigests: string[];
  sizeBytes: number;
  labels: Record<string, string>;
};

export type Network = {
  id: string;
  name: string;
  driver: string;
  internal: boolean;
  labels: Record<string, string>;
  /** Connected running containers, by id; empty in a listing. */
  containers: Record<string, { name: string; ipAddress: string }>;
};

export type Volume = { name: string; driver: string; labels: Record<string, string>; mountpoint: string };

export type RegistryAuth =
  | { username: string; password: string; serverAddress: string }
  | { identityToken: string; serverAddress: string };

/** One line of a pull or push. `current` and `total` in bytes. */
export type TransferProgress = { id: string; status: string; current?: number; total?: number };

/** `time` is ISO 8601 and there when timestamps were asked for. */
export type LogLine = { stream: "stdout" | "stderr"; line: string; time?: string };

export type LogOptions = {
  /** How many of the last lines; all unless given. */
  tail?: number;
  /** Seconds since the epoch, fractions allowed. */
  since?: number;
  follow?: boolean;
  timestamps?: boolean;
  signal?: AbortSignal;
};

export type ExecOptions = { timeoutMs: number; user?: string; env?: Record<string, string>; signal?: AbortSignal };
export type ExecResult = { exitCode: number; stdout: string; stderr: string };

/** Label filters: `name` alone means present, `name=value` that value. All must fit. */
export type ListOptions = CallOptions & { labels?: readonly string[] };

/**
 * The Docker Engine of one host. Calls may run concurrently. Containers, networks and images are named by id or name; effects should name ids.
 *
 * A rejected effect may still have happened (`engine/timeout`, `engine/unreachable`, `host/lost`, `engine/stream-cut`): look before doing it
 * again. Nothing resolves as success because a stream or connection ended. Errors are EngineErrors with the codes
 * `engine/unreachable`, `engine/socket-missing`, `engine/permission`, `ssh/forwarding-refused`, `engine/too-old`, `engine/refused`,
 * `engine/not-found`, `engine/conflict`, `engine/no-space`, `engine/port-taken`, `engine/image-missing`, `engine/registry-auth`,
 * `engine/registry-unreachable`, `engine/failed`, `engine/timeout`, `engine/stream-cut`; or ShiplockErrors `host/lost`, `host/cancelled`.
 */
export type Engine = {
  ping(options?: CallOptions): Promise<void>;
  info(options?: CallOptions): Promise<EngineInfo>;

  /** Only running ones unless `all`. */
  listContainers(options?: ListOptions & { all?: boolean }): Promise<ContainerSummary[]>;
  /** Null if there is none. */
  inspectContainer(id: string, options?: CallOptions): Promise<Container | null>;
  /** `body` as the Engine API takes it. Returns the id. `engine/conflict` if the name is taken, `engine/image-missing` without its image. */
  createContainer(name: string, body: JsonObject, options?: CallOptions): Promise<string>;
  /** Unpacks a tar archive into a folder of a container, running or not. A stream is sent as it comes; what it throws is thrown. */
  putArchive(
    id: string,
    path: string,
    tar: Uint8Array | AsyncIterable<Uint8Array>,
    options?: CallOptions,
  ): Promise<void>;
  /**
   * A file or folder of a container, running or not, as a tar archive whose names begin with the last part of `path`; null if there is no
   * such file. It has to be read to its end or given back (`return`); `timeoutMs` (two minutes unless given) covers all of it.
   */
  getArchive(id: string, path: string, options?: CallOptions): Promise<AsyncGenerator<Uint8Array> | null>;
  /** One that runs already is fine. */
  startContainer(id: string, options?: CallOptions): Promise<void>;
  /** SIGTERM (or the image's own signal), after `graceSeconds` SIGKILL; resolves when it has stopped. One that has stopped is fine. */
  stopContainer(id: string, options: { graceSeconds: number; signal?: AbortSignal }): Promise<void>;
  /** One that does not run is `engine/conflict`. */
  killContainer(id: string, signalName: string, options?: CallOptions): Promise<void>;
  /** One that is gone is fine. Anonymous volumes go with it only if `volumes`. */
  removeContainer(id: string, options: CallOptions & { force: boolean; volumes?: boolean }): Promise<void>;
  renameContainer(id: string, name: string, options?: CallOptions): Promise<void>;
  /** Waits until it does not run, and returns the exit code; null if it still runs after `timeoutMs`. */
  waitContainer(id: string, timeoutMs: number, options?: { signal?: AbortSignal }): Promise<number | null>;
  /** Ends when the container does (with `follow`) or when all is read; throws if the stream was cut. Not bound by a timeout: give a signal. */
  logs(id: string, options?: LogOptions): AsyncIterable<LogLine>;
  /** Runs a command in a running container without standard input. A command that outlives `timeoutMs` goes on in there. */
  exec(containerId: string, argv: readonly string[], options: ExecOptions): Promise<ExecResult>;

  listImages(options?: ListOptions & { reference?: string }): Promise<ImageSummary[]>;
  /** Null if there is none. */
  inspectImage(reference: string, options?: CallOptions): Promise<Image | null>;
  /** `reference` with tag or digest; 10 minutes unless given. The credentials travel with this one request. */
  pullImage(
    reference: string,
    auth?: RegistryAuth,
    onProgress?: (progress: TransferProgress) => void,
    options?: CallOptions & { platform?: string },
  ): Promise<void>;
  /** Pushes a local tag and returns the manifest's digest, "" where the engine does not tell. */
  pushImage(
    reference: string,
    auth?: RegistryAuth,
    onProgress?: (progress: TransferProgress) => void,
    options?: CallOptions,
  ): Promise<string>;
  tagImage(reference: string, repository: string, tag: string, options?: CallOptions): Promise<void>;
  /** The instructions that made an image, the oldest first. */
  imageHistory(reference: string, options?: CallOptions): Promise<HistoryEntry[]>;
  /**
   * An archive of images as `docker save` writes it, named by id so that no tag goes with them; read it as fast as it is wanted. `timeoutMs` (10 minutes unless
   * given) is for its beginning: older engines write it to their disk first. Throws `engine/image-missing`, and if the stream was cut.
   */
  saveImages(ids: readonly string[], options?: CallOptions): AsyncIterable<Uint8Array>;
  /**
   * Takes in an archive as `docker load` does, also one that is compressed with gzip; an hour unless given. All of an image is there afterwards, or nothing of
   * it: what was cut leaves none. An engine with graph drivers does not open the file of a layer that it has, so that may be missing in the archive. Throws what the archive throws.
   */
  loadImages(archive: AsyncIterable<Uint8Array>, options?: CallOptions): Promise<void>;
  /** Removes a tag, and with the last one the image. One that is gone is fine; one in use is `engine/conflict`. */
  removeImage(reference: string, options?: CallOptions): Promise<void>;

  listNetworks(options?: ListOptions): Promise<Network[]>;
  inspectNetwork(id: string, options?: CallOptions): Promise<Network | null>;
  /** `body` as the Engine API takes it, `Name` included. Returns the id. `engine/conflict` if there is one of that name. */
  createNetwork(body: JsonObject, options?: CallOptions): Promise<string>;
  /** `body` as the Engine API takes it: `Container`, `EndpointConfig`. */
  connectNetwork(id: string, body: JsonObject, options?: CallOptions): Promise<void>;
  /** A container that is not connected is fine. */
  disconnectNetwork(id: string, containerId: string, options?: CallOptions & { force?: boolean }): Promise<void>;
  /** One that is gone is fine; one in use is `engine/refused`. */
  removeNetwork(id: string, options?: CallOptions): Promise<void>;

  listVolumes(options?: ListOptions): Promise<Volume[]>;
  inspectVolume(name: string, options?: CallOptions): Promise<Volume | null>;
  /** `body` as the Engine API takes it. One that exists with the same driver is fine and keeps its labels. */
  createVolume(body: JsonObject, options?: CallOptions): Promise<Volume>;
  /** With its content. One that is gone is fine; one that a container has is `engine/conflict`. */
  removeVolume(name: string, options?: CallOptions): Promise<void>;
};

export type EngineErrorOptions = {
  code: string;
  host: string;
  /** What was asked, as "POST /containers/create". */
  request: string;
  status?: number;
  engineMessage?: string;
  message: string;
  remedy?: string;
  cause?: unknown;
};

/** An engine's refusal or silence: the HTTP status if there was an answer, and the engine's own words. */
export class EngineError extends ShiplockError {
  readonly status: number | undefined;
  readonly engineMessage: string;
  readonly request: string;

  constructor(options: EngineErrorOptions) {
    super({
      code: options.code,
      message: options.message,
      where: options.host,
      ...(options.remedy === undefined ? {} : { remedy: options.remedy }),
      ...(options.cause === undefined ? {} : { cause: options.cause }),
      details: [options.request],
    });
    this.name = "EngineError";
    this.status = options.status;
    this.engineMessage = options.engineMessage ?? "";
    this.request = options.request;
  }
}
