import { nodeEntries } from "../dockerfiles/ignore.ts";
import { nodeInstall } from "../dockerfiles/node-parts.ts";
import { nodeServerDockerfile } from "../dockerfiles/node-server.ts";
import type { NodeProject } from "../node-project.ts";
import { codeOf, healthPathAmong, scriptSources, serverPaths, serverPort, variablesOfScripts } from "../search-code.ts";
import { firstOf } from "../tree.ts";
import type { App } from "../types.ts";
import { examplesFor, wantedBy } from "../variables.ts";
import { appOf, commonPrefix, dependencyEvidence, healthBy, imageFiles, nodeBacking, nodeImage } from "./parts.ts";
import type { Place } from "./types.ts";

/** What tells one kind of Node.js server from another. */
export type NodeServer = {
  readonly kind: string;
  readonly evidence: string;
  /** Paths that it answers to, beside those that `app.get` names. */
  readonly paths?: readonly string[];
  /** What runs it, where the script `start` is not the one. */
  readonly command?: readonly string[];
  readonly notes?: readonly string[];
};

/** A server that runs on Node.js, out of what most of them have in common. */
export function nodeServerApp(place: Place, node: NodeProject, server: NodeServer): App {
  const { tree, folder } = place;
  const { port: found, byVariable } = serverPort(tree, folder);
  const port = found ?? 3000;
  const paths = [...serverPaths(tree, folder), ...(server.paths ?? [])];
  const health = healthBy(healthPathAmong(paths));
  const built = node.scripts["build"] !== undefined;
  const command = server.command ?? startCommand(place, node);
  const dockerfile = nodeServerDockerfile(tree, node, { port, built, command });
  const own = ["PORT", "HOST", "NODE_ENV"];
  return appOf(place, server.kind, {
    evidence: [server.evidence],
    port,
    health,
    image: nodeImage(node),
    files: imageFiles(place, node.installRoot, dockerfile, [...nodeEntries, ...(built ? ["**/dist"] : [])]),
    wants: wantedBy(
      variablesOfScripts(tree, folder),
      examplesFor(tree, folder).filter(({ name }) => !own.includes(name)),
    ),
    backing: nodeBacking(node),
    prefix: commonPrefix(paths, health),
    init: true,
    notes: [
      ...nodeInstall(tree, node).notes,
      ...(found === undefined && !byVariable
        ? [`no port was found in the sources of ${folder === "" ? "the project" : folder}: 3000 was taken`]
        : []),
      ...localhostNotes(place),
      ...(server.notes ?? []),
    ],
  });
}

/** The framework whose package a project depends on, as evidence. */
export function serverEvidence(node: NodeProject, names: readonly string[]): string | undefined {
  return names.some((name) => node.dependencies[name] !== undefined) ? dependencyEvidence(node, names) : undefined;
}

/** `node dist/server.js` out of the script `start`; the package manager runs what is more than that. */
function startCommand({ tree, folder }: Place, node: NodeProject): readonly string[] {
  const words = (node.scripts["start"] ?? "").trim().split(/\s+/);
  if (words[0] === "node" && words.length > 1 && words.every((word) => /^[\w@./:=-]+$/.test(word))) return words;
  if (node.scripts["start"] !== undefined) return ["npm", "start"];
  const main = node.main ?? firstOf(tree, folder, ["server.js", "index.js", "app.js", "src/server.js", "src/index.js"]);
  return [
    "node",
    main === undefined
      ? "index.js"
      : folder !== "" && main.startsWith(`${folder}/`)
        ? main.slice(folder.length + 1)
        : main,
  ];
}

/** A server that listens on its own machine alone is out of reach in a container. */
function localhostNotes({ tree, folder }: Place): readonly string[] {
  return scriptSources(tree, folder).flatMap((path) => {
    const code = codeOf(tree, path);
    if (
      /\bhost(?:name)?\s*:\s*["'](localhost|127\.0\.0\.1)["']|\.listen\([^)]*["'](localhost|127\.0\.0\.1)["']/.test(
        code,
      )
    )
      return [`${path} listens on its own machine alone: use host "0.0.0.0", or no request reaches the container`];
    const fastify = /from\s+["']fastify["']|require\(\s*["']fastify["']\s*\)/.test(code);
    const call = /\.listen\(\s*(\{[^}]*\}|\d+)/.exec(code)?.[1];
    if (!fastify || call === undefined || /\bhost\b/.test(call)) return [];
    return [`${path}: Fastify listens on its own machine alone unless told: add host: "0.0.0.0" to listen()`];
  });
}
