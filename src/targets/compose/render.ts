import { createHash } from "node:crypto";
import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, isAbsolute, join, relative } from "node:path";
import { ShiplockError } from "../../errors.ts";
import { asList, asObject, asText, type Json, type JsonObject, mapStrings } from "../../json.ts";
import type { MountedFiles, Rendered } from "../../release/types.ts";
import type { ComposeProgram } from "./compose-program.ts";
import { fileToken, secretSentinel, secretsToReferences } from "./tokens.ts";

export type RenderRequest = {
  compose: ComposeProgram;
  /** A clean checkout of the commit. */
  directory: string;
  composeFiles: readonly string[];
  composeProject: string;
  /** Values for `${NAME}` in the compose files; nothing else of the deploying machine is seen by them. */
  variables: Readonly<Record<string, string>>;
  secretNames: readonly string[];
  released: readonly string[];
  backing: readonly string[] | undefined;
};

/** More than this is not configuration: it belongs into an image. */
const mountedFilesLimit = 5 * 1024 * 1024;

/**
 * Reads the team's compose files into a model that can be stored: Compose merges and interpolates them; files of the repository that are mounted become references
 * by content; secrets become references by name; `build` is gone, since nothing is built on a host.
 * @throws ShiplockError `compose/…`
 */
export async function renderCompose(request: RenderRequest): Promise<Rendered> {
  const env = {
    ...request.variables,
    ...Object.fromEntries(request.secretNames.map((name) => [name, secretSentinel(name)])),
  };
  const directory = await realpath(request.directory);
  const raw = await request.compose.config({
    directory,
    files: request.composeFiles,
    project: request.composeProject,
    env,
  });
  const model = mapStrings(raw, secretsToReferences) as JsonObject;
  const services = asObject(model["services"]) ?? {};
  for (const name of request.released) requireService(name, services, request.composeFiles);
  const backing = request.backing ?? Object.keys(services).filter((name) => !request.released.includes(name));
  const files = new Map<string, MountedFiles>();
  const hostPaths = new Set<string>();
  const wanted = new Set([...request.released, ...backing]);
  for (const [name, value] of Object.entries(services)) {
    const service = asObject(value) ?? {};
    if (!wanted.has(name)) {
      delete services[name];
      continue;
    }
    if (service["build"] !== undefined && !request.released.includes(name)) throw backingBuilds(name);
    delete service["build"];
    delete service["pull_policy"];
    for (const volume of asList(service["volumes"])) await mountSource(asObject(volume), name);
  }
  for (const kind of ["configs", "secrets"]) {
    for (const [name, value] of Object.entries(asObject(model[kind]) ?? {}))
      await fileSource(asObject(value), `${kind}.${name}`);
  }
  // The project's name is given on every call; without it in the file, the folder's name cannot change it.
  model["name"] = request.composeProject;
  return { model, backing, files: [...files.values()], hostPaths: [...hostPaths].sort() };

  async function mountSource(volume: JsonObject | undefined, service: string): Promise<void> {
    const source = asText(volume?.["source"]);
    if (volume === undefined || volume["type"] !== "bind" || source === undefined) return;
    volume["source"] = await portable(source, `services.${service}.volumes`);
    // A missing source must be an error on the host, not an empty folder.
    volume["bind"] = { ...asObject(volume["bind"]), create_host_path: false };
  }

  async function fileSource(entry: JsonObject | undefined, where: string): Promise<void> {
    const source = asText(entry?.["file"]);
    if (entry !== undefined && source !== undefined) entry["file"] = await portable(source, where);
  }

  async function portable(source: string, where: string): Promise<string> {
    const inside = relative(directory, source);
    if (inside.startsWith("..") || isAbsolute(inside)) {
      hostPaths.add(source);
      return source;
    }
    const mounted = await collectFiles(source, inside, where);
    files.set(mounted.hash, mounted);
    return fileToken(mounted.hash, mounted.name);
  }
}

async function collectFiles(source: string, inside: string, where: string): Promise<MountedFiles> {
  const name = basename(source);
  const entries = await readEntries(source, inside, where);
  const size = entries.reduce((sum, entry) => sum + entry.content.length, 0);
  if (size > mountedFilesLimit) {
    throw new ShiplockError({
      code: "compose/mount-too-large",
      blame: "usage",
      message: `${inside} is mounted by ${where} and holds ${Math.round(size / 1024 / 1024)} MB; mounted files may have 5 MB`,
      remedy: "copy it into the image, or put it on the hosts and mount it by its absolute path",
    });
  }
  const hash = createHash("sha256").update(JSON.stringify(entries)).digest("hex").slice(0, 16);
  return { hash, name, entries };
}

async function readEntries(source: string, inside: string, where: string): Promise<MountedFiles["entries"]> {
  const found = await stat(source).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
    throw new ShiplockError({
      code: "compose/mount-missing",
      blame: "usage",
      message: `${inside} is mounted by ${where}, but the commit does not have it`,
      remedy: "commit the file, or mount an absolute path that exists on the hosts",
    });
  });
  if (found.isFile())
    return [{ path: "", mode: found.mode & 0o777, content: (await readFile(source)).toString("base64") }];
  const names = await readdir(source, { recursive: true, withFileTypes: true });
  const entries = names
    .filter((entry) => entry.isFile())
    .map(async (entry) => {
      const path = join(entry.parentPath, entry.name);
      const { mode } = await stat(path);
      return { path: relative(source, path), mode: mode & 0o777, content: (await readFile(path)).toString("base64") };
    });
  return (await Promise.all(entries)).sort((left, right) => (left.path < right.path ? -1 : 1));
}

function requireService(name: string, services: { [key: string]: Json }, files: readonly string[]): void {
  if (services[name] !== undefined) return;
  throw new ShiplockError({
    code: "compose/no-such-service",
    blame: "usage",
    message: `the released service "${name}" is not in ${files.join(", ")}`,
    remedy: `the compose file has: ${Object.keys(services).join(", ")}; use one of these names under services:`,
  });
}

function backingBuilds(name: string): ShiplockError {
  return new ShiplockError({
    code: "compose/backing-builds",
    blame: "usage",
    message: `the backing service "${name}" has a build section, but nothing is built on a host`,
    remedy: "give it an image, or release it: put it under services: with an image of yours",
  });
}
