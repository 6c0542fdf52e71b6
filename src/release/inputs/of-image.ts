import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Image } from "../../config/types.ts";
import { basesOf } from "./bases.ts";
import { ignoreRules, readContext } from "./context.ts";
import { readDockerfile } from "./dockerfile.ts";
import { hideSecret, inputsHash } from "./hash.ts";
import { type BaseSources, resolveBases } from "./resolve-bases.ts";

export type ImageInputsRequest = {
  image: Image;
  project: string;
  /** Folder that the context lies in: a clean checkout, or the working tree. */
  folder: string;
  /** Build arguments and build secrets, values filled in. */
  args: Readonly<Record<string, string>>;
  secrets: Readonly<Record<string, string>>;
  /** The builder's own platform: `linux/amd64`. */
  builder: string;
  sources: BaseSources;
  signal: AbortSignal;
};

/** The hash of all that decides what an image holds, or why it cannot be told. */
export type KnownInputs = { hash: string } | { hash: null; why: string };

/** Reads what goes into an image without building it. What cannot be read is left to the build to complain about. */
export async function inputsOfImage(request: ImageInputsRequest): Promise<KnownInputs> {
  const { image, args, signal } = request;
  const context = join(request.folder, image.context);
  const text = await readFile(join(context, image.dockerfile), "utf8").catch(() => null);
  const rules = text === null ? null : await ignoreRules(context, image.dockerfile);
  if (text === null || rules === null) return { hash: null, why: "its Dockerfile or .dockerignore cannot be read" };
  const bases = basesOf(readDockerfile(text), { args, platforms: image.platforms, builder: request.builder });
  if (!bases.known) return { hash: null, why: bases.why };
  const resolved = await resolveBases(bases.images, request.sources, signal);
  if (resolved === null) return { hash: null, why: "one of its base images is neither here nor in a registry" };
  const [entries, hidden] = await Promise.all([
    readContext(context, rules),
    Promise.all(
      Object.entries(request.secrets).map(
        async ([name, value]) => [name, await hideSecret(value, `${request.project} ${name}`)] as const,
      ),
    ),
  ]);
  const hash = inputsHash({
    context: entries,
    dockerfile: text,
    target: image.target ?? null,
    platforms: image.platforms,
    args,
    secrets: Object.fromEntries(hidden),
    network: image.network ?? null,
    bases: resolved,
  });
  return { hash };
}
