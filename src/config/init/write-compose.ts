import { type Draft, type ImageDraft, routesOf, type ServiceDraft } from "./drafts.ts";
import { marker } from "./dockerfiles/ignore.ts";
import { block, flowList, indent, scalar } from "./text.ts";
import type { App, Backing, Process, Wanted } from "./types.ts";
import { databasePart, isDatabaseAddress, isRedisAddress } from "./variables.ts";

/** Backing services that the team's compose file has already, and what reaches them. */
export type ExistingBacking = {
  readonly compose: readonly string[];
  readonly services: readonly string[];
  /** By kind, the service and, for a database, its user, database and the variable with its password. */
  readonly postgres?: {
    readonly service: string;
    readonly user: string;
    readonly database: string;
    readonly password: string | undefined;
  };
  readonly redis?: { readonly service: string };
  readonly variables: readonly Wanted[];
  readonly secrets: readonly string[];
};

type Database = NonNullable<ExistingBacking["postgres"]>;
type Reached = { readonly database: Database | undefined; readonly redis: string | undefined };

/** A compose file for the applications found and the backing services that they want; beside the team's own where that has only those. */
export function writeCompose(project: string, apps: readonly App[], existing: ExistingBacking | undefined): Draft {
  const kinds = new Set(apps.flatMap(({ backing }) => backing));
  const made = (["postgres", "redis"] as const).filter((kind) => kinds.has(kind) && existing?.[kind] === undefined);
  const name = project.replaceAll("-", "_");
  const reached: Reached = {
    database: kinds.has("postgres")
      ? (existing?.postgres ?? { service: "db", user: name, database: name, password: "POSTGRES_PASSWORD" })
      : undefined,
    redis: kinds.has("redis") ? (existing?.redis?.service ?? "redis") : undefined,
  };
  const path = existing === undefined ? "compose.yaml" : "compose.deploy.yaml";
  const wanted = apps.flatMap((app) => environmentOf(app, reached));
  const secrets = [
    ...new Set([
      ...(existing?.secrets ?? []),
      ...wanted.flatMap(({ secret }) => secret ?? []),
      ...(made.includes("postgres") ? ["POSTGRES_PASSWORD"] : []),
    ]),
  ];
  const plain = wanted.flatMap(({ variable }) => variable ?? []);
  const text = composeText(apps, made, reached);
  return {
    compose: [...(existing?.compose ?? []), path],
    images: apps.map(imageOf),
    services: servicesOf(apps),
    backing: [...(existing?.services ?? []), ...made.map(serviceNameOf)],
    variables: uniqueByName([...apps.flatMap(({ args }) => args), ...(existing?.variables ?? []), ...plain]).filter(
      (one) => !secrets.includes(one.name),
    ),
    secrets,
    migrations: migrationsOf(apps),
    files: [{ path, text, kind: "whole", why: "the containers: what is released, and what it works with" }],
    notes: [],
    ownProxy: false,
  };
}

export function imageOf(app: App): ImageDraft {
  return {
    name: app.name,
    context: app.image.context,
    args: app.args.map(({ name }) => [name, `\${${name}}`] as const),
    ...(app.image.dockerfile === undefined ? {} : { dockerfile: app.image.dockerfile }),
  };
}

export function migrationsOf(apps: readonly App[]): Draft["migrations"] {
  return (
    apps.flatMap(({ name, migrations }) => (migrations === null ? [] : [{ service: name, command: migrations }]))[0] ??
    null
  );
}

/** Each once, the first of a name. */
export function uniqueByName(wanted: readonly Wanted[]): readonly Wanted[] {
  return wanted.filter(({ name }, index) => wanted.findIndex((other) => other.name === name) === index);
}

function servicesOf(apps: readonly App[]): readonly ServiceDraft[] {
  const routes = routesOf(apps);
  return apps.flatMap((app) => [
    { name: app.name, image: app.name, port: app.port, health: app.health, route: routes.get(app.name) ?? null },
    ...app.processes.map((process) => ({
      name: process.name,
      image: app.name,
      port: null,
      health: process.health,
      route: null,
      ...(process.comment === undefined ? {} : { comment: process.comment }),
    })),
  ]);
}

/** A variable of a container: its value in the compose file, and what the configuration has to give for it. */
type Value = { readonly name: string; readonly value: string; readonly secret?: string; readonly variable?: Wanted };

function environmentOf(app: App, reached: Reached): readonly Value[] {
  return app.wants.flatMap((wanted): Value[] => {
    const known = valueOf(wanted.name, app, reached);
    if (known !== undefined) return [known];
    if (wanted.secret === true) return [{ name: wanted.name, value: `\${${wanted.name}:?}`, secret: wanted.name }];
    if (wanted.optional && wanted.example === undefined) return [];
    return [{ name: wanted.name, value: `\${${wanted.name}}`, variable: wanted }];
  });
}

/** The value of a variable that leads to a backing service. */
function valueOf(name: string, app: App, { database, redis }: Reached): Value | undefined {
  if (database !== undefined) {
    const { service, user, password } = database;
    const filled = password === undefined ? undefined : `\${${password}:?}`;
    if (isDatabaseAddress(name)) {
      // A password that is written in the compose file is not written a second time.
      if (filled === undefined) return { name, value: `\${${name}:?}`, secret: name };
      const scheme = app.databaseScheme ?? "postgresql";
      return { name, value: `${scheme}://${user}:${filled}@${service}:5432/${database.database}` };
    }
    const part = databasePart(name);
    const value =
      part === undefined
        ? undefined
        : { host: service, port: "5432", user, name: database.database, password: filled }[part];
    if (value !== undefined) return { name, value };
  }
  if (redis === undefined) return undefined;
  if (isRedisAddress(name)) return { name, value: `redis://${redis}:6379/${name.includes("RESULT") ? 1 : 0}` };
  if (name === "REDIS_HOST") return { name, value: redis };
  return name === "REDIS_PORT" ? { name, value: "6379" } : undefined;
}

function composeText(apps: readonly App[], made: readonly Backing[], reached: Reached): string {
  const lines = [
    `${marker}: the containers. It stays yours: Shiplock takes it as Compose does.`,
    "services:",
    ...indent(
      apps.flatMap((app) => [
        ...serviceLines(app, app.name, null, reached),
        ...app.processes.flatMap((process) => serviceLines(app, process.name, process, reached)),
      ]),
    ),
    ...indent(made.flatMap((kind) => backingLines(kind, reached))),
    ...(made.length === 0 ? [] : ["volumes:", ...made.map((kind) => `  ${serviceNameOf(kind)}-data: {}`)]),
  ];
  return `${lines.join("\n").replace(/\n+$/, "")}\n`;
}

function serviceLines(app: App, name: string, process: Process | null, reached: Reached): readonly string[] {
  const environment = environmentOf(app, reached).map((one) => [one.name, one.value] as const);
  const needed = [
    ...(app.backing.includes("postgres") && reached.database !== undefined ? [reached.database.service] : []),
    ...(app.backing.includes("redis") && reached.redis !== undefined ? [reached.redis] : []),
  ];
  return [
    `${name}:`,
    ...indent([
      ...buildLines(app),
      ...(process === null ? [] : [`command: ${flowList(process.command)}`]),
      "restart: unless-stopped",
      ...(app.init || process !== null ? ["# As process 1 it would not hear that it shall end.", "init: true"] : []),
      ...(process === null ? [] : ["stop_grace_period: 60s"]),
      ...block("environment", environment),
      ...(needed.length === 0
        ? []
        : ["depends_on:", ...needed.map((service) => `  ${service}: { condition: service_healthy }`)]),
    ]),
    "",
  ];
}

function buildLines({ image, args }: App): readonly string[] {
  const context = image.context === "" ? "." : `./${image.context}`;
  if (image.dockerfile === undefined && args.length === 0) return [`build: ${context}`];
  return [
    "build:",
    `  context: ${context}`,
    ...(image.dockerfile === undefined ? [] : [`  dockerfile: ${scalar(image.dockerfile)}`]),
    ...indent(
      block(
        "args",
        args.map(({ name }) => [name, `\${${name}:-}`] as const),
      ),
    ),
  ];
}

function backingLines(kind: Backing, { database }: Reached): readonly string[] {
  const check = (test: readonly string[]): readonly string[] => [
    "healthcheck:",
    `  test: ${flowList(["CMD", ...test])}`,
    "  interval: 2s",
    "  timeout: 5s",
    "  retries: 30",
  ];
  const name = serviceNameOf(kind);
  if (kind === "redis")
    return [
      `${name}:`,
      ...indent([
        "image: redis:8",
        "restart: unless-stopped",
        `volumes: ["${name}-data:/data"]`,
        ...check(["redis-cli", "ping"]),
      ]),
      "",
    ];
  const user = database?.user ?? "app";
  const base = database?.database ?? "app";
  return [
    `${name}:`,
    ...indent([
      "image: postgres:17",
      "restart: unless-stopped",
      ...block("environment", [
        ["POSTGRES_USER", user],
        ["POSTGRES_DB", base],
        ["POSTGRES_PASSWORD", "${POSTGRES_PASSWORD:?}"],
      ]),
      `volumes: ["${name}-data:/var/lib/postgresql/data"]`,
      ...check(["pg_isready", "--username", user, "--dbname", base]),
    ]),
    "",
  ];
}

function serviceNameOf(kind: Backing): string {
  return kind === "postgres" ? "db" : "redis";
}
