import { createHash } from "node:crypto";
import type { Config, Environment, ReleasedService, Route } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import { asList, asObject, asText, type Json, type JsonObject } from "../json.ts";
import type { Release, ReleaseDocument, Rendered, Snapshot, SnapshotService } from "./types.ts";

export type SnapshotRequest = {
  config: Config;
  environment: Environment;
  rendered: Rendered;
  routes: Readonly<Record<string, readonly Route[]>>;
  publicUrl: string | undefined;
};

/** What an environment's configuration means for a release, as data that can be deployed again from anywhere. */
export function makeSnapshot(request: SnapshotRequest): Snapshot {
  const { config, environment, rendered } = request;
  const services = asObject(rendered.model["services"]) ?? {};
  const { migrations } = environment;
  return {
    version: 1,
    environment: environment.name,
    services: Object.values(config.services).map((service) =>
      snapshotService(service, asObject(services[service.name]) ?? {}, request.routes[service.name] ?? []),
    ),
    model: rendered.model,
    backing: rendered.backing,
    files: rendered.files,
    hostPaths: rendered.hostPaths,
    secrets: { names: environment.secrets.names, onHost: environment.secrets.onHost },
    migration:
      migrations === undefined
        ? null
        : {
            service: migrations.service ?? serviceWithImage(config, migrations.image),
            image: migrations.image,
            command: migrations.command,
            timeoutMs: migrations.timeoutMs,
          },
    smoke: environment.smoke.map((check) =>
      check.kind === "command"
        ? { kind: "command", service: check.service, command: check.command, timeoutMs: check.timeoutMs }
        : {
            kind: "http",
            service: check.service,
            path: check.path,
            status: check.status,
            body: check.body ?? null,
            headers: check.headers,
            json: check.json,
            timeoutMs: check.timeoutMs,
          },
    ),
    publicUrls: request.publicUrl === undefined ? [] : [request.publicUrl],
  };
}

/** A release together with the configuration it is deployed with; the name changes with either. */
export function makeDocument(release: Release, snapshot: Snapshot): ReleaseDocument {
  const hash = createHash("sha256").update(JSON.stringify(snapshot)).digest("hex").slice(0, 8);
  return { name: `${release.id}.${hash}`, release, snapshot };
}

/** What an approval is bound to: a hash over the digests of all images, the commit and the configuration. */
export function subjectOf({ release, snapshot }: ReleaseDocument): string {
  const images = Object.values(release.images)
    .map(({ name, digest }) => `${name}@${digest}`)
    .sort();
  const content = JSON.stringify([release.commit, images, snapshot]);
  return `sha256:${createHash("sha256").update(content).digest("hex")}`;
}

/**
 * Backing services stay as they were created: their definitions of the live release are kept, and what the new compose file says differently is told, not done.
 * @returns the snapshot, and the backing services whose new definition was left aside
 */
export function keepBacking(snapshot: Snapshot, previous: Snapshot | null): { snapshot: Snapshot; changed: string[] } {
  if (previous === null) return { snapshot, changed: [] };
  const services = { ...asObject(snapshot.model["services"]) };
  const before = asObject(previous.model["services"]) ?? {};
  const kept = snapshot.backing.filter((name) => previous.backing.includes(name) && before[name] !== undefined);
  const changed = kept.filter((name) => JSON.stringify(services[name]) !== JSON.stringify(before[name]));
  for (const name of changed) services[name] = before[name] as Json;
  const files = [
    ...snapshot.files,
    ...previous.files.filter((old) => !snapshot.files.some((file) => file.hash === old.hash)),
  ];
  return {
    snapshot: {
      ...snapshot,
      model: { ...snapshot.model, services },
      files: changed.length === 0 ? snapshot.files : files,
    },
    changed,
  };
}

function snapshotService(service: ReleasedService, definition: JsonObject, routes: readonly Route[]): SnapshotService {
  return {
    name: service.name,
    image: service.image,
    port: service.port ?? null,
    health: {
      probe: service.health.probe,
      intervalMs: service.health.intervalMs,
      timeoutMs: service.health.timeoutMs,
      successes: service.health.successes,
      startPeriodMs: service.health.startPeriodMs,
    },
    routes,
    published: service.port === undefined ? [] : publishedPorts(service.name, service.port, definition),
    replicas: service.replicas ?? replicasOf(definition),
    drainMs: service.drainMs,
    stopGraceMs: service.stopGraceMs ?? graceOf(definition),
  };
}

function publishedPorts(service: string, port: number, definition: JsonObject): SnapshotService["published"] {
  return asList(definition["ports"]).map((entry) => {
    const value = asObject(entry) ?? {};
    const published = Number(asText(value["published"]) ?? value["published"] ?? Number.NaN);
    if (Number(value["target"]) !== port || !Number.isInteger(published)) {
      throw new ShiplockError({
        code: "compose/published-port",
        blame: "usage",
        message: `${service} publishes the container port ${String(value["target"])}${Number.isInteger(published) ? "" : " without a fixed host port"}, but its port in shiplock.yml is ${port}`,
        remedy:
          "publish that port only, with a fixed host port; the proxy listens there so that nothing is lost when the release changes",
      });
    }
    return { hostIp: asText(value["host_ip"]) ?? "", hostPort: published, containerPort: port };
  });
}

function replicasOf(definition: JsonObject): number {
  const replicas = asObject(definition["deploy"])?.["replicas"] ?? definition["scale"];
  return typeof replicas === "number" ? replicas : 1;
}

/** Compose prints durations as `1m30s`; Docker waits ten seconds where nothing is said. */
function graceOf(definition: JsonObject): number {
  const text = asText(definition["stop_grace_period"]);
  if (text === undefined) return 10_000;
  const units = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|h|m|s)/g)];
  return Math.round(
    parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * units[unit as keyof typeof units], 0),
  );
}

function serviceWithImage(config: Config, image: string): string {
  const service = Object.values(config.services).find((candidate) => candidate.image === image);
  if (service !== undefined) return service.name;
  throw new ShiplockError({
    code: "config/migration-image",
    blame: "usage",
    message: `migrations name the image "${image}", but no released service uses it`,
    remedy: "name a service under migrations.service",
  });
}
