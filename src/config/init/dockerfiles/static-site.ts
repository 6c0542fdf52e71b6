import type { NodeProject } from "../node-project.ts";
import { at, type Tree } from "../tree.ts";
import type { WrittenFile } from "../types.ts";
import { marker } from "./ignore.ts";
import { insideImage, nodeInstall } from "./node-parts.ts";

export type StaticSite = {
  /** Folder that the build leaves the site in, below the project's. */
  readonly output: string;
  /** Folder of files whose names change with what is in them, below the site's root. */
  readonly hashed: string;
  /** What answers for a path without a file of its own: the page that every address of a single-page application loads, or none. */
  readonly fallback: string | null;
  readonly args: readonly string[];
};

export const staticPort = 8080;

/** Dockerfile and Caddyfile for a site that a bundler makes: built once, served by Caddy. */
export function staticSiteFiles(tree: Tree, project: NodeProject, site: StaticSite): readonly WrittenFile[] {
  const install = nodeInstall(tree, project);
  const inside = insideImage(project);
  const app = inside === "" ? "/app" : `/app/${inside}`;
  const dockerfile = [
    `${marker}. What is built is the same for every architecture, so it is built on the builder's own.`,
    `FROM --platform=$BUILDPLATFORM ${install.base} AS build`,
    "WORKDIR /app",
    "# Installed again only when one of these changes.",
    ...install.manifests,
    install.everything,
    "COPY . .",
    ...(site.args.length === 0
      ? []
      : [
          "# The bundler bakes these in, so there is one image per environment.",
          ...site.args.map((name) => `ARG ${name}`),
        ]),
    install.script("build"),
    "",
    "FROM caddy:2",
    `COPY ${inside === "" ? "" : `${inside}/`}Caddyfile /etc/caddy/Caddyfile`,
    `COPY --from=build ${app}/${site.output} /srv`,
    "ENV XDG_DATA_HOME=/tmp XDG_CONFIG_HOME=/tmp",
    "USER 1000:1000",
    `EXPOSE ${staticPort}`,
    'CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]',
  ];
  return [
    {
      path: at(project.folder, "Dockerfile"),
      text: `${dockerfile.join("\n")}\n`,
      kind: "whole",
      why: "builds the site and serves it as a user without rights",
    },
    {
      path: at(project.folder, "Caddyfile"),
      text: caddyfile(site),
      kind: "whole",
      why: "which address is which file, and how long browsers may keep it",
    },
  ];
}

function caddyfile({ hashed, fallback }: StaticSite): string {
  const page =
    fallback === null
      ? "try_files {path} {path}/index.html {path}.html"
      : `try_files {path} {path}/index.html {path}.html /${fallback}`;
  return `${marker}. Certificates and host names are the proxy's work, in front of this.
{
	admin off
	auto_https off
}

:${staticPort} {
	root * /srv
	encode gzip

	# Their names change with what is in them; one that is not there is an error and no page.
	handle /${hashed}/* {
		@there file
		header @there Cache-Control "public, max-age=31536000, immutable"
		file_server
	}

	# Anything else is asked for again each time, and answered with "not modified" where it is the same.
	handle {
		header Cache-Control "no-cache"
		${page}
		file_server
	}
}
`;
}
