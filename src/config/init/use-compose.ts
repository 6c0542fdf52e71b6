import { type Draft, type ImageDraft, routesOf, type ServiceDraft } from "./drafts.ts";
import { marker } from "./dockerfiles/ignore.ts";
import { buildArgs } from "./build-args.ts";
import { celeryHealth } from "./detectors/celery.ts";
import { findDockerfile, readDockerfile } from "./dockerfile.ts";
import { freeName, plainName } from "./names.ts";
import type { ComposeProject, ComposeService } from "./read-compose.ts";
import { block, indent } from "./text.ts";
import { at, has, type Tree } from "./tree.ts";
import type { App, Health, Wanted } from "./types.ts";
import { examplesFor, namesOfMissing, wantedBy } from "./variables.ts";
import { type ExistingBacking, uniqueByName } from "./write-compose.ts";

/** Services that a deployment replaces: those that are built here, or whose image is one that is. */
export function releasedOf(tree: Tree, compose: ComposeProject): readonly ComposeService[] {
  const built = compose.services.filter(({ build }) => build !== undefined);
  const ours = new Set(built.flatMap(({ image }) => (image === undefined ? [] : [repositoryOf(image)])));
  return compose.services.filter(({ build, image, profiled }) => {
    if (profiled) return false;
    if (build !== undefined) return true;
    return image !== undefined && (ours.has(repositoryOf(image)) || folderOfImage(tree, image) !== undefined);
  });
}

/** What the team's own compose file leads to: its released services named, its files as they are. */
export function useCompose(tree: Tree, compose: ComposeProject, apps: readonly App[], withRoutes: boolean): Draft {
  const released = releasedOf(tree, compose);
  const images = imagesOf(tree, released);
  const found = released.map((service) => {
    const image = images.of(service);
    const app = apps.find(
      ({ folder, image: own }) =>
        folder === image.context || (own.context === image.context && own.dockerfile === image.dockerfile),
    );
    return { service, image, app, port: portOf(tree, service, image, app) };
  });
  const routes = withRoutes
    ? routesOf(
        found.map(({ service, app, port }) => ({
          name: service.name,
          port,
          front: app?.front ?? service.published.length > 0,
          prefix: app?.prefix ?? null,
        })),
      )
    : new Map<string, ServiceDraft["route"]>();
  const overrides = found.flatMap(({ service }) => missingFiles(tree, service));
  const built = images.all.map((image) =>
    buildArgs(
      image,
      found.find((one) => one.image === image && one.app !== undefined)?.app,
      examplesFor(tree, image.context),
    ),
  );
  const variables = uniqueByName([...built.flatMap(({ wanted }) => wanted), ...variablesOf(tree, compose, overrides)]);
  const kept = apps.filter((app) => found.some((one) => one.app === app));
  const migrations = found.flatMap(({ app, service }) => {
    const command = app?.migrations ?? null;
    return command === null || isWorker(service) ? [] : [{ service: service.name, command }];
  });
  return {
    compose: [...compose.files, ...(overrides.length === 0 ? [] : ["compose.deploy.yaml"])],
    images: built.map(({ image }) => image),
    services: found.map(({ service, image, app, port }) => ({
      name: service.name,
      image: image.name,
      port,
      health: healthOf(tree, service, image, app, port),
      route: routes.get(service.name) ?? null,
    })),
    backing: compose.services
      .filter((service) => !released.includes(service) && !service.profiled)
      .map(({ name }) => name),
    variables: variables.filter(({ secret }) => secret !== true),
    secrets: variables.filter(({ secret }) => secret === true).map(({ name }) => name),
    migrations: migrations[0] ?? null,
    files: [...kept.flatMap(({ files }) => files), ...(overrides.length === 0 ? [] : [overrideFile(overrides)])],
    notes: [...built.flatMap(({ notes }) => notes), ...notesOf(released, compose), ...leftOut(apps, kept)],
    ownProxy: compose.services.some(({ published }) => published.some((port) => /^(80|443)$/.test(port))),
  };
}

/** The backing services of compose files that release nothing yet. */
export function backingOf(tree: Tree, compose: ComposeProject): ExistingBacking {
  const postgres = compose.services.find(({ image }) =>
    /(^|\/)(postgres|postgis|pgvector|timescaledb)(:|$)/.test(image ?? ""),
  );
  const redis = compose.services.find(({ image }) => /(^|\/)(redis|valkey)(:|$)/.test(image ?? ""));
  const variables = variablesOf(tree, compose, []);
  const user = postgres?.environment["POSTGRES_USER"] ?? "postgres";
  const password = /^\$\{?([A-Za-z_]\w*)/.exec(postgres?.environment["POSTGRES_PASSWORD"] ?? "")?.[1];
  return {
    compose: compose.files,
    services: compose.services.filter(({ profiled }) => !profiled).map(({ name }) => name),
    variables: variables.filter(({ secret }) => secret !== true),
    secrets: variables.filter(({ secret }) => secret === true).map(({ name }) => name),
    ...(postgres === undefined
      ? {}
      : {
          postgres: { service: postgres.name, user, database: postgres.environment["POSTGRES_DB"] ?? user, password },
        }),
    ...(redis === undefined ? {} : { redis: { service: redis.name } }),
  };
}

type Images = { readonly all: readonly ImageDraft[]; readonly of: (service: ComposeService) => ImageDraft };

/** One image for each way of building; services that are built alike share it. */
function imagesOf(tree: Tree, released: readonly ComposeService[]): Images {
  const byKey = new Map<string, ImageDraft>();
  const keyOf = (service: ComposeService): string => {
    if (service.build === undefined) {
      const same = released.find(
        ({ build, image }) =>
          build !== undefined && image !== undefined && repositoryOf(image) === repositoryOf(service.image ?? ""),
      );
      return same === undefined ? JSON.stringify([folderOfImage(tree, service.image ?? "") ?? ""]) : keyOf(same);
    }
    const { context, dockerfile, target } = service.build;
    return JSON.stringify([context, ...(dockerfile === undefined && target === undefined ? [] : [dockerfile, target])]);
  };
  // Those that are built first, so that an image is named after who builds it.
  for (const service of released.toSorted((a, b) => Number(a.build === undefined) - Number(b.build === undefined))) {
    const key = keyOf(service);
    if (byKey.has(key)) continue;
    const context = service.build?.context ?? folderOfImage(tree, service.image ?? "") ?? "";
    const own = findDockerfile(tree, context);
    const inside = own === undefined ? undefined : own.path.slice(context === "" ? 0 : context.length + 1);
    const dockerfile = service.build?.dockerfile ?? (inside === "Dockerfile" ? undefined : inside);
    byKey.set(key, {
      name: freeName(
        plainName(service.name, "app"),
        [...byKey.values()].map(({ name }) => name),
      ),
      context,
      args: Object.entries(service.build?.args ?? {}),
      ...(dockerfile === undefined || dockerfile === "Dockerfile" ? {} : { dockerfile }),
      ...(service.build?.target === undefined ? {} : { target: service.build.target }),
    });
  }
  return {
    all: [...byKey.values()],
    of: (service) => byKey.get(keyOf(service)) ?? { name: service.name, context: "", args: [] },
  };
}

function repositoryOf(image: string): string {
  return image
    .replaceAll(/\$\{[^}]*\}/g, "")
    .replace(/@.*$/, "")
    .replace(/:[^/]*$/, "");
}

/** The folder whose Dockerfile makes an image of this name: `ghcr.io/acme/shop-api` of the folder `api`. Plain names are public images. */
function folderOfImage(tree: Tree, image: string): string | undefined {
  const repository = repositoryOf(image);
  if (!repository.includes("/")) return undefined;
  const last = repository.split("/").at(-1) ?? "";
  const folders = tree.paths.filter((path) => path.endsWith("/Dockerfile")).map((path) => path.slice(0, -11));
  const nested = folders.find(
    (folder) => last === folder.split("/").at(-1) || last.endsWith(`-${folder.split("/").at(-1)}`),
  );
  if (nested !== undefined) return nested;
  return has(tree, "Dockerfile") && last === plainName(tree.folderName, "") ? "" : undefined;
}

function isWorker({ command, published }: ComposeService): boolean {
  return (
    published.length === 0 && /\b(celery|worker|beat|rq|dramatiq|sidekiq|queue|consumer|scheduler)\b/.test(command)
  );
}

function portOf(tree: Tree, service: ComposeService, image: ImageDraft, app: App | undefined): number | null {
  if (service.ports[0] !== undefined) return service.ports[0];
  if (isWorker(service)) return null;
  const path = at(image.context, image.dockerfile ?? "Dockerfile");
  return (has(tree, path) ? readDockerfile(tree, path).ports[0] : undefined) ?? app?.port ?? null;
}

function healthOf(
  tree: Tree,
  service: ComposeService,
  image: ImageDraft,
  app: App | undefined,
  port: number | null,
): Health {
  const asked = /https?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::\d+)?(\/[\w./-]*)/.exec(
    service.healthcheck ?? "",
  )?.[1];
  if (port !== null && app?.health.kind === "http") return app.health;
  if (port !== null && asked !== undefined) return { kind: "http", path: asked };
  const path = at(image.context, image.dockerfile ?? "Dockerfile");
  if (service.healthcheck !== undefined || (has(tree, path) && readDockerfile(tree, path).healthcheck))
    return { kind: "docker" };
  if (port !== null) return { kind: "tcp" };
  const celery = /\bcelery\b.*(?:-A|--app)[ =](\S+).*\bworker\b/.exec(service.command)?.[1];
  if (celery !== undefined) return celeryHealth(celery);
  return {
    kind: "command",
    command: ["true"],
    comment: "Passes as soon as the container runs. A command that asks the program itself is better.",
  };
}

type Missing = { readonly service: string; readonly file: string; readonly names: readonly Wanted[] };

/** Files of variables that are not in the repository, so that no checkout of a commit has them. */
function missingFiles(tree: Tree, service: ComposeService): readonly Missing[] {
  return service.envFiles
    .filter((file) => !has(tree, file))
    .map((file) => ({
      service: service.name,
      file,
      names: namesOfMissing(tree, file).filter(({ name }) => service.environment[name] === undefined),
    }));
}

function overrideFile(missing: readonly Missing[]): Draft["files"][number] {
  const services = [...new Set(missing.map(({ service }) => service))];
  const lines = [
    `${marker}: the files of variables that are not in the repository, replaced by what shiplock.yml names.`,
    "services:",
    ...indent(
      services.flatMap((service) => {
        const names = uniqueByName(missing.filter((one) => one.service === service).flatMap((one) => one.names));
        return [
          `${service}:`,
          "  env_file: !reset []",
          ...indent(
            block(
              "environment",
              names.map(({ name, secret }) => [name, secret === true ? `\${${name}:?}` : `\${${name}}`] as const),
            ),
          ),
        ];
      }),
    ),
  ];
  return {
    path: "compose.deploy.yaml",
    text: `${lines.join("\n")}\n`,
    kind: "whole",
    why: `takes the place of ${[...new Set(missing.map(({ file }) => file))].join(", ")}, which no commit holds`,
  };
}

function variablesOf(tree: Tree, compose: ComposeProject, missing: readonly Missing[]): readonly Wanted[] {
  const examples = examplesFor(tree, "");
  const asked = compose.variables
    .filter(({ fallback }) => !fallback)
    .map(({ name, inImage }): Wanted => {
      const [wanted] = wantedBy(
        [name],
        examples.filter((one) => one.name === name),
      );
      // The image's name in the compose file is not used: a release has its own.
      return {
        name,
        optional: false,
        ...wanted,
        ...(inImage && wanted?.example === undefined ? { example: "unused" } : {}),
      };
    });
  return uniqueByName([...asked, ...missing.flatMap(({ names }) => names)]);
}

function notesOf(released: readonly ComposeService[], compose: ComposeProject): readonly string[] {
  const literal = released.flatMap(({ name, published }) =>
    published.filter((port) => /^\d+$/.test(port)).map((port) => `${name} publishes port ${port}`),
  );
  return [
    ...released.flatMap(({ name, binds, build }) =>
      binds.flatMap(({ source, target }) => {
        if (/^[/~]/.test(source)) return [`${name} mounts ${source}, which has to be on every host`];
        return build !== undefined && at("", source) === build.context
          ? [
              `${name} mounts its sources over ${target}: what runs are then those and not the image's; that belongs into compose.override.yaml`,
            ]
          : [];
      }),
    ),
    ...(literal.length === 0
      ? []
      : [
          `${literal.join(", ")}: two environments on one host need different ports, such as \${WEB_PORT} in the compose file`,
        ]),
    ...compose.services.filter(({ profiled }) => profiled).map(({ name }) => `${name} has a profile and is left out`),
    ...compose.services
      .filter(({ published }) => published.some((port) => /^(80|443)$/.test(port)))
      .map(
        ({ name }) =>
          `${name} publishes port 80 or 443, so Shiplock's proxy listens on 8080 and 8443; without ${name} it can have them itself`,
      ),
  ];
}

function leftOut(apps: readonly App[], kept: readonly App[]): readonly string[] {
  return apps
    .filter((app) => !kept.includes(app) && app.kind !== "Dockerfile")
    .map(
      (app) =>
        `${app.folder === "" ? "the root" : app.folder} holds ${app.kind}, which the compose file does not build: it is left out`,
    );
}
