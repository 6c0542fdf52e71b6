import { dirname } from "node:path";
import { variablesIn } from "./interpolate.ts";
import { localRepository } from "./local-repository.ts";
import { resolveCheck } from "./resolve-checks.ts";
import { resolveGates } from "./resolve-gates.ts";
import { resolveGitHub } from "./resolve-github.ts";
import { hostOf } from "./resolve-host.ts";
import { resolveNotify } from "./resolve-notify.ts";
import { resolveHooks, resolveWatch } from "./resolve-hooks.ts";
import { resolveScan } from "./resolve-scan.ts";
import { resolveSecretPolicy, resolveVariables } from "./resolve-secrets.ts";
import type { ConfigInput } from "./schema.ts";
import type {
  Amount,
  ComposeTarget,
  Config,
  Environment,
  Health,
  HealthProbe,
  Image,
  Migrations,
  ReleasedService,
  SmokeTest,
  StatusExpectation,
  Strategy,
} from "./types.ts";
import type { Organization } from "./types-secrets.ts";
import { milliseconds, parseSize } from "./units.ts";

type ServiceInput = ConfigInput["services"][string];
type EnvironmentInput = ConfigInput["environments"][string];
type HealthInput = Exclude<ServiceInput["health"], string>;
type SmokeInput = NonNullable<EnvironmentInput["smoke"]>[number];
type MigrationsInput = NonNullable<ConfigInput["migrations"]>;
type StrategyInput = NonNullable<EnvironmentInput["strategy"]>;
type StatusInput = HealthInput["status"];

/**
 * Fills in every default and turns durations and sizes into numbers. The input has passed the schema and all rules; `file` is its absolute
 * path, `organization` what it has in common with other projects. The result is frozen all the way down.
 */
export function resolveConfig(input: ConfigInput, file: string, organization?: Organization): Config {
  const { registry } = input;
  return deepFreeze({
    project: input.project,
    file,
    folder: dirname(file),
    compose: typeof input.compose === "string" ? [input.compose] : input.compose,
    registry: registry && {
      address: registry.address,
      login:
        registry.username === undefined || registry.password === undefined
          ? undefined
          : { username: registry.username, passwordVariable: registry.password },
      insecure: registry.insecure ?? false,
      cache: registry.cache === false ? undefined : registry.cache,
    },
    secrets: resolveSecretPolicy({ project: input.secrets, organization }, file),
    retention: { registry: input.retention?.registry ?? true },
    images: mapValues(input.images, (image, name) => resolveImage(image, name, input)),
    checks: mapValues(input.checks ?? {}, resolveCheck),
    leaks: input.leaks === "off" || input.leaks === false ? "off" : { ignore: input.leaks?.ignore ?? [] },
    services: mapValues(input.services, resolveService),
    backing: input.backing,
    github: resolveGitHub(input.github),
    notify: resolveNotify(input.notify),
    environments: mapValues(input.environments, (environment, name) =>
      resolveEnvironmentInput(environment, name, input, file, organization),
    ),
  });
}

function resolveImage(image: ConfigInput["images"][string], name: string, input: ConfigInput): Image {
  const args = image.args ?? {};
  return {
    name,
    repository: image.repository ?? repositoryOf(name, input),
    context: image.context ?? ".",
    dockerfile: image.dockerfile ?? "Dockerfile",
    target: image.target,
    platforms: image.platforms ?? ["linux/amd64"],
    args,
    secrets: image.secrets ?? [],
    network: image.network,
    public: image.public ?? false,
    sbom: image.sbom ?? true,
    perEnvironment: Object.values(args).some((value) => variablesIn(value).length > 0),
  };
}

function repositoryOf(image: string, { registry, project }: ConfigInput): string {
  return registry === undefined ? localRepository(project, image) : `${registry.address}/${image}`;
}

function resolveService(service: ServiceInput, name: string): ReleasedService {
  return {
    name,
    image: service.image,
    port: service.port,
    health: resolveHealth(service.health),
    routes: typeof service.route === "string" ? [service.route] : (service.route ?? []),
    replicas: service.replicas,
    drainMs: milliseconds(service.drain ?? "30s"),
    stopGraceMs: service.stopGrace === undefined ? undefined : milliseconds(service.stopGrace),
  };
}

function resolveHealth(written: ServiceInput["health"]): Health {
  const health: HealthInput = typeof written === "string" ? { http: written } : written;
  const probe = resolveProbe(health);
  const command = probe.kind === "command";
  return {
    probe,
    intervalMs: milliseconds(health.interval ?? (command ? "2s" : "100ms")),
    timeoutMs: milliseconds(health.timeout ?? (command ? "30s" : "5s")),
    // Both are expensive or have counted their own passes already.
    successes: health.successes ?? (command || probe.kind === "docker" ? 1 : 2),
    startPeriodMs: milliseconds(health.startPeriod ?? "60s"),
  };
}

function resolveProbe(health: HealthInput): HealthProbe {
  if (health.http !== undefined) return { kind: "http", path: health.http, status: resolveStatus(health.status) };
  if (health.command !== undefined) return { kind: "command", command: health.command };
  return { kind: health.tcp === true ? "tcp" : "docker" };
}

function resolveStatus(status: StatusInput): StatusExpectation {
  if (status === undefined) return "2xx";
  return typeof status === "number" ? [status] : status;
}

function resolveEnvironmentInput(
  environment: EnvironmentInput,
  name: string,
  input: ConfigInput,
  file: string,
  organization: Organization | undefined,
): Environment {
  const { room, migrations = input.migrations ?? false } = environment;
  const written = environment.secrets ?? [];
  const secrets = Array.isArray(written) ? { names: written } : written;
  const onlyService = Object.keys(input.services).filter((service) => input.services[service]?.port !== undefined)[0];
  return {
    name,
    target: resolveTarget(environment.target),
    variables: resolveVariables(
      { environment: environment.variables, project: input.variables, organization },
      secrets.names,
    ),
    secrets: {
      names: secrets.names,
      onHost: secrets.onHost ?? false,
      ...resolveSecretPolicy({ environment: secrets, project: input.secrets, organization }, file),
    },
    gates: resolveGates(environment, input),
    strategy: resolveStrategy(environment.strategy ?? "rolling"),
    smoke: (environment.smoke ?? []).map((test) => resolveSmokeTest(test, onlyService)),
    url: environment.url,
    verifyUrl: environment.verifyUrl ?? environment.url,
    bakeMs: milliseconds(environment.bake ?? "5s"),
    timeoutMs: milliseconds(environment.timeout ?? "15m"),
    lease: { ttlMs: milliseconds(environment.lease?.ttl ?? "30s") },
    room: {
      memoryBytes: room?.memory === undefined ? undefined : bytes(room.memory),
      diskBytes: bytes(room?.disk ?? "500MB"),
      onShortage: room?.onShortage ?? "refuse",
    },
    scan: resolveScan(input.scan, environment.scan),
    keep: environment.keep ?? 5,
    tagPrefix: environment.tagPrefix ?? name,
    migrations: migrations === false ? undefined : resolveMigrations(migrations, input),
    hooks: resolveHooks(input.hooks, environment.hooks),
    watch: resolveWatch(environment.watch),
  };
}

function resolveTarget(target: EnvironmentInput["target"]): ComposeTarget {
  const compose = checked(target.compose, "target.compose");
  const hosts = compose.hosts.map((written) => checked(hostOf(written), "host"));
  return {
    kind: "compose",
    hosts,
    home: compose.home ?? checked(hosts[0], "host").name,
    folder: (compose.folder ?? "~/.shiplock").replace(/(?<=.)\/+$/, ""),
    connectTimeoutMs: milliseconds(compose.connectTimeout ?? "20s"),
    proxy: {
      http: compose.proxy?.http ?? 80,
      https: compose.proxy?.https ?? 443,
      tls: compose.proxy?.tls ?? "auto",
      acme: compose.proxy?.acme && {
        directory: compose.proxy.acme.directory,
        email: compose.proxy.acme.email,
        trustedRoot: compose.proxy.acme.trustedRoot,
      },
      image: compose.proxy?.image ?? "caddy:2",
    },
  };
}

function resolveStrategy(written: StrategyInput): Strategy {
  const strategy = typeof written === "string" ? { [written]: {} } : written;
  if ("recreate" in strategy && strategy.recreate !== undefined) return { kind: "recreate" };
  if ("in-place" in strategy && strategy["in-place"] !== undefined) return { kind: "in-place" };
  const rolling = typeof written === "string" ? undefined : written.rolling;
  return {
    kind: "rolling",
    maxSurge: resolveAmount(rolling?.maxSurge ?? "100%"),
    maxUnavailable: resolveAmount(rolling?.maxUnavailable ?? 0),
    batch: resolveAmount(rolling?.batch ?? "100%"),
    parallel: rolling?.parallel ?? 8,
  };
}

function resolveAmount(written: number | string): Amount {
  return typeof written === "number" ? { count: written } : { percent: Number.parseInt(written, 10) };
}

function resolveSmokeTest(test: SmokeInput, onlyService: string | undefined): SmokeTest {
  const service = checked(test.service ?? onlyService, "smoke.service");
  const timeoutMs = milliseconds(test.timeout ?? "10s");
  if (test.command !== undefined) return { kind: "command", service, command: test.command, timeoutMs };
  return {
    kind: "http",
    service,
    path: checked(test.get, "smoke.get"),
    status: resolveStatus(test.status),
    body: test.body,
    headers: test.header ?? {},
    json: test.json ?? {},
    timeoutMs,
  };
}

function resolveMigrations(migrations: MigrationsInput, input: ConfigInput): Migrations {
  const { service } = migrations;
  const image = migrations.image ?? (service === undefined ? undefined : input.services[service]?.image);
  return {
    service,
    image: checked(image, "migrations.image"),
    command: migrations.command,
    timeoutMs: milliseconds(migrations.timeout ?? "10m"),
  };
}

function bytes(size: string): number {
  return checked(parseSize(size), "size");
}

/** The rules have seen to it that the value is there; when it is not, a rule is missing. */
function checked<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new TypeError(`${what}: no rule has refused this configuration`);
  return value;
}

function mapValues<From, To>(
  record: Readonly<Record<string, From>>,
  map: (value: From, name: string) => To,
): Record<string, To> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, map(value, name)]));
}

function deepFreeze<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) deepFreeze(inner);
  }
  return value;
}
