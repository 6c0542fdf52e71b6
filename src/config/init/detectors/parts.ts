import type { NodeProject } from "../node-project.ts";
import type { PythonProject } from "../python-project.ts";
import { unique } from "../search-code.ts";
import { at, type Tree } from "../tree.ts";
import type { App, Backing, Health, WrittenFile } from "../types.ts";
import { dockerignore } from "../dockerfiles/ignore.ts";
import type { Place } from "./types.ts";

/** An application with what most have not. */
export function appOf(place: Place, kind: string, rest: Partial<App> & Pick<App, "evidence" | "port" | "health">): App {
  return {
    name: place.name,
    folder: place.folder,
    kind,
    front: false,
    image: { context: place.folder },
    files: [],
    args: [],
    wants: [],
    backing: [],
    processes: [],
    migrations: null,
    prefix: null,
    init: false,
    notes: [],
    ...rest,
  };
}

/** HTTP where a path is known, or that the port accepts connections. */
export function healthBy(path: string | undefined): Health {
  return path === undefined ? { kind: "tcp" } : { kind: "http", path };
}

/** Where an image of a Node.js project is built: in a workspace from its root, which holds the lock file and the other packages. */
export function nodeImage(project: NodeProject): App["image"] {
  if (project.installRoot === project.folder) return { context: project.folder };
  const inside = project.installRoot === "" ? project.folder : project.folder.slice(project.installRoot.length + 1);
  return { context: project.installRoot, dockerfile: `${inside}/Dockerfile` };
}

/** Dockerfile and `.dockerignore` of an image. */
export function imageFiles(
  place: Place,
  context: string,
  dockerfile: string,
  ignored: readonly string[],
): readonly WrittenFile[] {
  return [
    {
      path: at(place.folder, "Dockerfile"),
      text: dockerfile,
      kind: "whole",
      why: "builds the image in stages, as a user without rights",
    },
    dockerignore(context, ignored),
  ];
}

/** Backing services by the libraries that talk to them. */
export function nodeBacking({ dependencies }: NodeProject): readonly Backing[] {
  const uses = (names: readonly string[]): boolean => names.some((name) => dependencies[name] !== undefined);
  return [
    ...(uses(["pg", "postgres", "pg-promise", "@neondatabase/serverless"]) ? (["postgres"] as const) : []),
    ...(uses(["redis", "ioredis", "bullmq", "bull", "connect-redis"]) ? (["redis"] as const) : []),
  ];
}

export function pythonBacking({ packages }: PythonProject): readonly Backing[] {
  const uses = (names: readonly string[]): boolean => names.some((name) => packages.has(name));
  return [
    ...(uses(["psycopg", "psycopg2", "psycopg2-binary", "psycopg-binary", "asyncpg"]) ? (["postgres"] as const) : []),
    ...(uses(["redis", "celery[redis]", "django-redis", "rq"]) ? (["redis"] as const) : []),
  ];
}

/** The dialect of a database address as SQLAlchemy reads it, or what other libraries take. */
export function databaseScheme({ packages }: PythonProject): string {
  if (!packages.has("sqlalchemy") && !packages.has("sqlmodel")) return "postgresql";
  if (packages.has("asyncpg")) return "postgresql+asyncpg";
  return packages.has("psycopg") ? "postgresql+psycopg" : "postgresql";
}

/** The first of these packages that a project depends on, as evidence. */
export function dependencyEvidence(project: NodeProject, names: readonly string[]): string | undefined {
  const found = names.find(
    (name) => project.dependencies[name] !== undefined || project.devDependencies[name] !== undefined,
  );
  if (found === undefined) return undefined;
  const list = project.dependencies[found] === undefined ? "devDependencies" : "dependencies";
  return `${found} in ${list} of ${at(project.folder, "package.json")}`;
}

/** Whether all paths lie under "/api", so that one host name can serve pages beside them. */
export function commonPrefix(paths: readonly string[], health: Health): string | null {
  const told = unique(paths.filter((path) => path !== "/" && !(health.kind === "http" && path === health.path)));
  return told.length > 0 && told.every((path) => path === "/api" || path.startsWith("/api/")) ? "/api" : null;
}

/** The text of a file, empty where it is not there. */
export function textOf(tree: Tree, path: string | undefined): string {
  return path === undefined ? "" : (tree.text(path) ?? "");
}
