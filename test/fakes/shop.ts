import { createHash } from "node:crypto";
import type { Place } from "../../src/deploy/types.ts";
import type { JsonObject } from "../../src/json.ts";
import { makeDocument } from "../../src/release/snapshot.ts";
import type {
  HealthCheck,
  Release,
  ReleaseDocument,
  ReleaseImage,
  Snapshot,
  SnapshotService,
} from "../../src/release/types.ts";

export const project = "shop";
export const environment = "production";
/** Shiplock's folder on the hosts, and the environment's in it. */
export const root = "/home/deploy/.shiplock";
export const folder = `${root}/environments/${project}-${environment}`;
export const publicHost = "shop.example.com";

export type ShopOptions = {
  /** Replicas of `web`. */
  webReplicas?: number;
  /** In-place: no routes, and `web` publishes its own port. */
  direct?: boolean;
  migration?: boolean;
  /** One more route to `web`, so that the router's configuration changes. */
  moreRoutes?: boolean;
  /** One more service with a route of its own, so that the router answers to one more name. */
  extraService?: boolean;
  /** The host port that `web` publishes; 8080 unless given. */
  port?: number;
  /** The address of the host that `web` publishes it on; all of them unless given. */
  bind?: string;
  /** A mounted file's content. */
  motd?: string;
};

/** How long a container of the shop takes until it answers healthily, in milliseconds. */
export const bootMs = 250;

/**
 * A version of a small shop as a release document: `web` and `api` answer requests, `worker` does not, `db` is a backing service. `api` has a second network and
 * `web` a file that is copied in, so that making a container takes more than one call.
 */
export function shop(version: string, options: ShopOptions = {}): ReleaseDocument {
  const names = ["web", "api", ...(options.extraService === true ? ["admin"] : [])];
  const images = Object.fromEntries([...names, "worker"].map((name) => [name, imageOf(name, version)]));
  return makeDocument(releaseOf(version, images), snapshotOf(version, names, options));
}

function releaseOf(version: string, images: Readonly<Record<string, ReleaseImage>>): Release {
  return {
    version: 1,
    id: `r-${version}`,
    project,
    commit: createHash("sha1").update(version).digest("hex"),
    commitTime: "2026-11-20T09:00:00Z",
    subject: `version ${version}`,
    ref: "main",
    dirty: false,
    createdAt: "2026-11-20T09:30:00Z",
    environment: null,
    images,
    origin: null,
    scan: null,
  };
}

function imageOf(name: string, version: string): ReleaseImage {
  const [digest, manifest, config] = ["index", "manifest", "config"].map(
    (kind) => `sha256:${createHash("sha256").update(`${kind} ${name} ${version}`).digest("hex")}`,
  ) as [string, string, string];
  return {
    name,
    repository: `registry.test/shop/${name}`,
    tag: `production-main-${version}`,
    digest,
    platforms: { "linux/amd64": { manifest, config } },
    environment: null,
    from: "registry",
    builtOn: null,
    inputs: null,
  };
}

function snapshotOf(version: string, names: readonly string[], options: ShopOptions): Snapshot {
  const motd = options.motd ?? "welcome";
  const files = [
    {
      hash: createHash("sha256").update(motd).digest("hex").slice(0, 16),
      name: "motd.txt",
      entries: [{ path: "", mode: 0o644, content: Buffer.from(motd).toString("base64") }],
    },
  ];
  const services = [...names.map((name) => webService(name, options)), workerService];
  return {
    version: 1,
    environment,
    services,
    model: modelOf(names, version, options, `shiplock-file://${files[0]?.hash}/motd.txt`),
    backing: ["db"],
    files,
    hostPaths: [],
    secrets: { names: ["TOKEN"], onHost: false },
    migration:
      options.migration === false
        ? null
        : { service: "api", image: "api", command: ["migrate", "up"], timeoutMs: 60_000 },
    smoke: [
      {
        kind: "http",
        service: "web",
        path: "/smoke",
        status: [200],
        body: version,
        headers: {},
        json: {},
        timeoutMs: 1_000,
      },
    ],
    publicUrls: [],
  };
}

const health: HealthCheck = {
  probe: { kind: "http", path: "/health", status: "2xx" },
  intervalMs: 100,
  timeoutMs: 1_000,
  successes: 1,
  startPeriodMs: 5_000,
};

function webService(name: string, options: ShopOptions): SnapshotService {
  const direct = options.direct === true;
  const paths: Record<string, string> = { web: "/", api: "/api" };
  return {
    name,
    image: name,
    port: name === "web" ? 3000 : 8000,
    health,
    routes: direct
      ? []
      : [
          { host: publicHost, path: paths[name] ?? `/${name}` },
          ...(name === "web" && options.moreRoutes === true ? [{ host: publicHost, path: "/api/docs" }] : []),
        ],
    published:
      name === "web" ? [{ hostIp: options.bind ?? "", hostPort: options.port ?? 8080, containerPort: 3000 }] : [],
    replicas: name === "web" ? (options.webReplicas ?? 2) : 1,
    drainMs: 2_000,
    stopGraceMs: 5_000,
  };
}

const workerService: SnapshotService = {
  name: "worker",
  image: "worker",
  port: null,
  health: { ...health, probe: { kind: "command", command: ["alive"] } },
  routes: [],
  published: [],
  replicas: 1,
  drainMs: 0,
  stopGraceMs: 5_000,
};

function modelOf(names: readonly string[], version: string, options: ShopOptions, motd: string): JsonObject {
  const released = names.map((name): [string, JsonObject] => [
    name,
    {
      image: `registry.test/shop/${name}:latest`,
      environment: { VERSION: version, TOKEN: "${TOKEN:?secret TOKEN is not on this host}" },
      networks: name === "api" ? { default: null, data: null } : { default: null },
      restart: "always",
      ...(name === "web"
        ? {
            configs: [{ source: "greeting", target: "/greeting" }],
            volumes: [{ type: "bind", source: motd, target: "/motd" }],
          }
        : {}),
      ...(name === "web" && options.direct === true
        ? { ports: [{ mode: "ingress", target: 3000, published: "8080", protocol: "tcp" }] }
        : {}),
    },
  ]);
  return {
    name: `${project}-${environment}`,
    services: {
      ...Object.fromEntries(released),
      worker: {
        image: "registry.test/shop/worker:latest",
        networks: { default: null },
        depends_on: { api: { condition: "service_started" } },
      },
      db: {
        image: "postgres:17",
        networks: { data: null },
        volumes: [{ type: "volume", source: "data", target: "/var/lib/postgresql/data" }],
      },
    },
    networks: {
      default: { name: `${project}-${environment}_default` },
      data: { name: `${project}-${environment}_data` },
    },
    volumes: { data: { name: `${project}-${environment}_data` } },
    configs: { greeting: { content: "hello" } },
  };
}

/** The container of a replica of the shop. */
export function containerOf(service: string, place: Place, replica: number): string {
  return `${project}-${environment}-${place === "direct" ? service : `${service}-${place}`}-${replica}`;
}
