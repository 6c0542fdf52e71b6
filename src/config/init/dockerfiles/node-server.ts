import type { NodeProject } from "../node-project.ts";
import type { Tree } from "../tree.ts";
import { marker } from "./ignore.ts";
import { forTarget, insideImage, nodeInstall } from "./node-parts.ts";

export type NodeServerImage = {
  readonly port: number;
  /** Whether sources are compiled by the script `build`. */
  readonly built: boolean;
  readonly command: readonly string[];
};

/** A Dockerfile for a server that runs on Node.js with its production packages alone. */
export function nodeServerDockerfile(tree: Tree, project: NodeProject, image: NodeServerImage): string {
  const install = nodeInstall(tree, project);
  const inside = insideImage(project);
  const app = inside === "" ? "/app" : `/app/${inside}`;
  const ownPlatform = forTarget(project);
  const lines = [
    `${marker}. ${ownPlatform ? "Build stages run on the architecture of the machine that builds, the last one is the target's." : "Packages may compile for the machine they are installed on, so that stage is the target's."}`,
    `FROM ${ownPlatform ? "--platform=$BUILDPLATFORM " : ""}${install.base} AS packages`,
    "WORKDIR /app",
    "# Installed again only when one of these changes.",
    ...install.manifests,
    ...install.production,
    // A workspace may need no packages of its own.
    ...(inside === "" ? ["RUN mkdir -p node_modules"] : [`RUN mkdir -p node_modules ${inside}/node_modules`]),
    "",
    ...(image.built
      ? [
          `FROM --platform=$BUILDPLATFORM ${install.base} AS build`,
          "WORKDIR /app",
          ...install.manifests,
          install.everything,
          "COPY . .",
          install.script("build"),
          "# The packages of the stage above are the ones that go out.",
          "RUN find . -name node_modules -prune -exec rm -rf {} +",
          "",
        ]
      : []),
    `FROM ${install.base}`,
    "WORKDIR /app",
    `ENV NODE_ENV=production PORT=${image.port}`,
    "COPY --from=packages /app/node_modules ./node_modules",
    ...(inside === "" ? [] : [`COPY --from=packages ${app}/node_modules ./${inside}/node_modules`]),
    image.built ? "COPY --from=build /app ./" : "COPY . .",
    ...(inside === "" ? [] : [`WORKDIR ${app}`]),
    "USER 1000:1000",
    `EXPOSE ${image.port}`,
    `CMD ${JSON.stringify(image.command).replaceAll('","', '", "')}`,
  ];
  return `${lines.join("\n")}\n`;
}
