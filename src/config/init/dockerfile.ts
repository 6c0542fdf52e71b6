import { at, has, type Tree } from "./tree.ts";

/** What a Dockerfile of the team's says of itself. */
export type Dockerfile = {
  readonly path: string;
  /** Ports of `EXPOSE` in its last stage. */
  readonly ports: readonly number[];
  readonly healthcheck: boolean;
  /** Build arguments without a value of their own. */
  readonly args: readonly string[];
};

const names = ["Dockerfile", "Dockerfile.prod", "Dockerfile.production", "Containerfile"];

/** The Dockerfile that a folder is built by; undefined where it has none. */
export function findDockerfile(tree: Tree, folder: string): Dockerfile | undefined {
  const path = names.map((name) => at(folder, name)).find((candidate) => has(tree, candidate));
  return path === undefined ? undefined : readDockerfile(tree, path);
}

export function readDockerfile(tree: Tree, path: string): Dockerfile {
  const text = (tree.text(path) ?? "").replaceAll(/\\\r?\n/g, " ");
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const last = lines.slice(
    Math.max(
      0,
      lines.findLastIndex((line) => /^FROM\s/i.test(line)),
    ),
  );
  const own = new Set([
    "TARGETARCH",
    "TARGETOS",
    "TARGETPLATFORM",
    "TARGETVARIANT",
    "BUILDPLATFORM",
    "BUILDARCH",
    "BUILDOS",
  ]);
  return {
    path,
    ports: last.flatMap((line) =>
      (/^EXPOSE\s+(.*)$/i.exec(line)?.[1] ?? "")
        .split(/\s+/)
        .flatMap((port) => (/^\d+(\/tcp)?$/.test(port) ? [Number.parseInt(port, 10)] : [])),
    ),
    healthcheck: last.some((line) => /^HEALTHCHECK\s+(?!NONE)/i.test(line)),
    args: [...new Set(lines.flatMap((line) => /^ARG\s+([A-Za-z_]\w*)\s*$/i.exec(line)?.[1] ?? []))].filter(
      (name) => !own.has(name),
    ),
  };
}
