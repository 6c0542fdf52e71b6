import { join } from "node:path";
import type { BuildRequest } from "../build.ts";

/** How the builder's engine keeps a cache in a registry: in the image itself, or beside it with the layers of every stage. */
export type CacheKind = "inline" | "registry";

/**
 * The arguments of `docker` that build one image for one platform. No value of a secret is among them.
 */
export function buildArguments(request: BuildRequest, cache: CacheKind): string[] {
  const { commit } = request;
  return [
    ...["buildx", "build", "--progress", "rawjson", "--provenance", "false"],
    ...(request.purpose === "keep"
      ? ["--load", "--tag", request.reference]
      : // Nothing but the cache is left of it.
        ["--output", "type=cacheonly"]),
    ...["--file", join(request.context, request.dockerfile), "--platform", request.platform],
    ...["--label", `org.opencontainers.image.revision=${commit.hash}`],
    ...["--label", `org.opencontainers.image.created=${commit.time}`],
    ...(request.target === null ? [] : ["--target", request.target]),
    ...(request.network === null ? [] : ["--network", request.network]),
    ...(request.noCache ? ["--no-cache"] : []),
    ...cacheArguments(request, cache),
    ...Object.entries(request.args).flatMap(([name, value]) => ["--build-arg", `${name}=${value}`]),
    ...Object.keys(request.secrets).flatMap((name) => ["--secret", `id=${name},env=${name}`]),
    request.context,
  ];
}

function cacheArguments({ cache, noCache }: BuildRequest, kind: CacheKind): string[] {
  if (cache === null) return [];
  const from = noCache ? [] : ["--cache-from", `type=registry,ref=${cache.reference}`];
  if (!cache.write) return from;
  if (kind === "inline") return [...from, "--cache-to", "type=inline"];
  // A cache that cannot be written is no reason to have no image.
  return [...from, "--cache-to", `type=registry,ref=${cache.reference},mode=max,ignore-error=true`];
}
