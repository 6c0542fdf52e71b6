import { asList, asObject, asText, type Json, type JsonObject } from "../../json.ts";
import { at, firstOf, has, type Tree } from "./tree.ts";

export type PackageManager = "npm" | "pnpm" | "yarn" | "yarn-berry";

/** A folder with a `package.json`, and how its packages are installed. */
export type NodeProject = {
  readonly folder: string;
  readonly name: string | undefined;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly scripts: Readonly<Record<string, string>>;
  readonly main: string | undefined;
  readonly manager: PackageManager;
  /** The lock file, relative to the root. */
  readonly lock: string | undefined;
  /** Folder that packages are installed from: the workspace's root, or the project's own. */
  readonly installRoot: string;
  /** Folders of all packages of the workspace; empty outside of one. */
  readonly members: readonly string[];
  /** Version of Node.js for `node:<version>-slim`. */
  readonly node: string;
  /** Production packages that run a script when they are installed: those may compile for the machine they are on. */
  readonly compiles: readonly string[];
};

/** What a `package.json` that cannot be read is told as. */
export type Unreadable = { readonly path: string; readonly reason: string };

const locks = [
  ["package-lock.json", "npm"],
  ["npm-shrinkwrap.json", "npm"],
  ["pnpm-lock.yaml", "pnpm"],
  ["yarn.lock", "yarn"],
] as const;

/** The project of a folder; undefined where there is no `package.json`, and the reason where it is none. */
export function readNodeProject(tree: Tree, folder: string): NodeProject | Unreadable | undefined {
  const path = at(folder, "package.json");
  const text = tree.text(path);
  if (text === undefined) return undefined;
  const manifest = parse(text);
  if (typeof manifest === "string") return { path, reason: manifest };
  const installRoot = workspaceRootOf(tree, folder) ?? folder;
  const lock = firstOf(
    tree,
    installRoot,
    locks.map(([name]) => name),
  );
  return {
    folder,
    name: asText(manifest["name"]),
    dependencies: texts(manifest["dependencies"]),
    devDependencies: texts(manifest["devDependencies"]),
    scripts: texts(manifest["scripts"]),
    main: asText(manifest["main"]),
    manager: managerOf(tree, installRoot, lock),
    lock,
    installRoot,
    members: installRoot === folder ? [] : membersOf(tree, installRoot),
    node: nodeVersion(tree, folder, installRoot, asText(asObject(manifest["engines"])?.["node"])),
    compiles: compilingPackages(lock === undefined ? undefined : tree.text(lock)),
  };
}

export function isUnreadable(project: NodeProject | Unreadable): project is Unreadable {
  return "reason" in project;
}

/** The packages of a workspace, as folders relative to the root of the repository; empty where the folder is no workspace's root. */
export function membersOf(tree: Tree, root: string): readonly string[] {
  const patterns = workspacePatterns(tree, root);
  const folders = tree.paths.flatMap((path) => (path.endsWith("/package.json") ? [path.slice(0, -13)] : []));
  const fits = (folder: string): boolean => {
    const inside = root === "" ? folder : folder.slice(root.length + 1);
    return patterns.some((pattern) => matches(pattern, inside));
  };
  return folders.filter((folder) => (root === "" || folder.startsWith(`${root}/`)) && fits(folder));
}

function workspaceRootOf(tree: Tree, folder: string): string | undefined {
  const parts = folder.split("/");
  for (let count = parts.length - 1; count >= 0; count -= 1) {
    const above = parts.slice(0, count).join("/");
    if (folder !== "" && membersOf(tree, above).includes(folder)) return above;
  }
  return undefined;
}

function workspacePatterns(tree: Tree, root: string): readonly string[] {
  const pnpm = tree.text(at(root, "pnpm-workspace.yaml"));
  if (pnpm !== undefined) {
    const block = /^packages:\s*\n((?:[ \t]*-.*\n?)+)/m.exec(pnpm)?.[1] ?? "";
    return [...block.matchAll(/-\s*["']?([^"'\n#]+?)["']?\s*$/gm)].map((match) => match[1] ?? "");
  }
  const manifest = parse(tree.text(at(root, "package.json")) ?? "{}");
  if (typeof manifest === "string") return [];
  const written = manifest["workspaces"];
  return asList(Array.isArray(written) ? written : asObject(written)?.["packages"]).flatMap((one) => asText(one) ?? []);
}

function matches(pattern: string, folder: string): boolean {
  const source = pattern
    .replace(/^\.\//, "")
    .replace(/\/$/, "")
    .split("/")
    .map((part) => (part === "**" ? ".+" : part.replaceAll(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^/]+")))
    .join("/");
  return !pattern.startsWith("!") && new RegExp(`^${source}$`).test(folder);
}

function managerOf(tree: Tree, root: string, lock: string | undefined): PackageManager {
  const found = locks.find(([name]) => lock?.endsWith(name) === true)?.[1] ?? "npm";
  return found === "yarn" && has(tree, at(root, ".yarnrc.yml")) ? "yarn-berry" : found;
}

function nodeVersion(tree: Tree, folder: string, root: string, engines: string | undefined): string {
  const file = [...new Set([folder, root])]
    .flatMap((one) => [at(one, ".nvmrc"), at(one, ".node-version")])
    .map((path) => /^v?(\d+)/.exec(tree.text(path)?.trim() ?? "")?.[1])
    .find((version) => version !== undefined);
  if (file !== undefined) return file;
  // "20.x" and "^20.1" are one version of Node.js; ">=20" also takes the newest.
  return /^[\^~]?(\d+)(?:\.[\dx*]+)*$/.exec(engines?.trim() ?? "")?.[1] ?? "24";
}

function compilingPackages(lock: string | undefined): readonly string[] {
  const parsed = lock === undefined || !lock.trimStart().startsWith("{") ? "no JSON" : parse(lock);
  if (typeof parsed === "string") return [];
  return Object.entries(asObject(parsed["packages"]) ?? {}).flatMap(([path, value]) => {
    const entry = asObject(value);
    const runs = entry?.["hasInstallScript"] === true && entry["dev"] !== true && path.includes("node_modules/");
    return runs ? [path.slice(path.lastIndexOf("node_modules/") + 13)] : [];
  });
}

function texts(value: Json | undefined): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(asObject(value) ?? {}).flatMap(([key, entry]) => (typeof entry === "string" ? [[key, entry]] : [])),
  );
}

/** The mapping that a text is in JSON, or the sentence why it is none. */
function parse(text: string): JsonObject | string {
  try {
    const value = JSON.parse(text.replace(/^\uFEFF/, "")) as Json;
    return asObject(value) ?? "it holds no mapping";
  } catch (cause) {
    if (cause instanceof SyntaxError) return cause.message;
    throw cause;
  }
}
