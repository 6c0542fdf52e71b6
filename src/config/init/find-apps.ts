import { detectors } from "./detectors/table.ts";
import { findDockerfile } from "./dockerfile.ts";
import { freeName, plainName } from "./names.ts";
import { isUnreadable, readNodeProject, type Unreadable } from "./node-project.ts";
import { readPythonProject } from "./python-project.ts";
import type { Tree } from "./tree.ts";
import type { App } from "./types.ts";

/** Applications of a repository, with what could not be read. */
export type FoundApps = { readonly apps: readonly App[]; readonly unreadable: readonly Unreadable[] };

/** A folder deeper than this is a part of something and no application of its own. */
const deepestFolder = 3;
const signs =
  /(^|\/)(package\.json|pyproject\.toml|requirements\.txt|manage\.py|Dockerfile(\.prod|\.production)?|Containerfile)$/;
const noApps =
  /(^|\/)(node_modules|\.[^/]+|test|tests|e2e|docs|examples?|fixtures|packages\/(?:ui|eslint-config[^/]*|typescript-config|tsconfig))(\/|$)/;

/** Looks for an application in every folder that has a sign of one; `edits`: whether files of the team's may get a change. */
export function findApps(tree: Tree, edits: boolean): FoundApps {
  const folders = [
    ...new Set(tree.paths.filter((path) => signs.test(path)).map((path) => path.split("/").slice(0, -1).join("/"))),
  ]
    .filter((folder) => folder === "" || (folder.split("/").length <= deepestFolder && !noApps.test(folder)))
    .toSorted((a, b) => a.split("/").length - b.split("/").length || (a < b ? -1 : 1));
  const apps: App[] = [];
  const unreadable: Unreadable[] = [];
  for (const folder of folders) {
    const node = readNodeProject(tree, folder);
    if (node !== undefined && isUnreadable(node)) {
      unreadable.push(node);
      continue;
    }
    const python = readPythonProject(tree, folder);
    const wanted = folder === "" ? "web" : plainName(folder.split("/").at(-1), "app");
    const name = freeName(
      wanted,
      apps.map((app) => app.name),
    );
    for (const { detect } of detectors) {
      const app = detect({ tree, folder, name, node, python, edits });
      if (app === undefined) continue;
      apps.push(withOwnDockerfile(tree, app));
      break;
    }
  }
  return { apps, unreadable };
}

/** Where the team has a Dockerfile, that is the truth: its port, its health check, and nothing is written beside it. */
function withOwnDockerfile(tree: Tree, app: App): App {
  const own = findDockerfile(tree, app.folder);
  if (own === undefined || app.kind === "Dockerfile") return app;
  const port = own.ports[0] ?? app.port;
  const name = own.path.slice(app.folder === "" ? 0 : app.folder.length + 1);
  return {
    ...app,
    port,
    // A health path is the program's own, but a file server of ours is not in their image.
    image: { context: app.folder, ...(name === "Dockerfile" ? {} : { dockerfile: name }) },
    files: app.files.filter((file) => file.path.endsWith(".dockerignore")),
    args: app.args.filter((arg) => own.args.includes(arg.name)),
    evidence: [...app.evidence, own.path],
    notes: [],
    // The image may hold other programs, but a worker's command is the sources' own.
    health: port === null ? { kind: "command", command: ["true"] } : app.health,
    init: false,
  };
}
