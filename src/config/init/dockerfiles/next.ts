import type { NodeProject } from "../node-project.ts";
import { at, isBelow, type Tree } from "../tree.ts";
import { marker } from "./ignore.ts";
import { insideImage, nodeInstall } from "./node-parts.ts";

export type NextImage = { readonly port: number; readonly args: readonly string[]; readonly standalone: boolean };

/** A Dockerfile for Next.js: its standalone output where that is switched on, or else the server with its production packages. */
export function nextDockerfile(tree: Tree, project: NodeProject, { port, args, standalone }: NextImage): string {
  const install = nodeInstall(tree, project);
  const inside = insideImage(project);
  const app = inside === "" ? "/app" : `/app/${inside}`;
  const hasPublic = tree.paths.some((path) => isBelow(at(project.folder, "public"), path));
  const lines = [
    `${marker}. Build stages run on the architecture of the machine that builds, the last one is the target's.`,
    `FROM --platform=$BUILDPLATFORM ${install.base} AS build`,
    "WORKDIR /app",
    "# Installed again only when one of these changes.",
    ...install.manifests,
    install.everything,
    "COPY . .",
    ...(args.length === 0
      ? []
      : ["# The bundler bakes these in, so there is one image per environment.", ...args.map((name) => `ARG ${name}`)]),
    "ENV NEXT_TELEMETRY_DISABLED=1",
    install.script("build").replace("RUN ", `RUN --mount=type=cache,target=${app}/.next/cache `),
    // A COPY of a folder that is not there would fail.
    ...(hasPublic ? [] : [`RUN mkdir -p ${app}/public`]),
    "",
    ...(standalone ? standaloneStage(install.base, inside, app, port) : serverStage(install, inside, app, port)),
  ];
  return `${lines.join("\n")}\n`;
}

function standaloneStage(base: string, inside: string, app: string, port: number): readonly string[] {
  const below = inside === "" ? "./" : `./${inside}/`;
  return [
    `FROM ${base}`,
    "WORKDIR /app",
    ...environment(port),
    `COPY --from=build --chown=1000:1000 ${app}/.next/standalone ./`,
    `COPY --from=build --chown=1000:1000 ${app}/.next/static ${below}.next/static`,
    `COPY --from=build --chown=1000:1000 ${app}/public ${below}public`,
    "USER 1000:1000",
    `EXPOSE ${port}`,
    `CMD ["node", "${inside === "" ? "" : `${inside}/`}server.js"]`,
  ];
}

function serverStage(
  install: ReturnType<typeof nodeInstall>,
  inside: string,
  app: string,
  port: number,
): readonly string[] {
  const below = inside === "" ? "./" : `./${inside}/`;
  return [
    `FROM ${install.base}`,
    "WORKDIR /app",
    ...environment(port),
    ...install.manifests,
    ...install.production,
    ...[".next", "public"].map((name) => `COPY --from=build --chown=1000:1000 ${app}/${name} ${below}${name}`),
    `COPY --from=build ${app}/package.json ${app}/next.config.* ${below}`,
    ...(inside === "" ? [] : [`WORKDIR ${app}`]),
    "USER 1000:1000",
    `EXPOSE ${port}`,
    'CMD ["npx", "--no-install", "next", "start"]',
  ];
}

function environment(port: number): readonly string[] {
  return [
    "# Connections are kept longer than a proxy keeps them, so that the proxy is the one to close.",
    `ENV NODE_ENV=production NEXT_TELEMETRY_DISABLED=1 HOSTNAME=0.0.0.0 PORT=${port} KEEP_ALIVE_TIMEOUT=75000`,
  ];
}
