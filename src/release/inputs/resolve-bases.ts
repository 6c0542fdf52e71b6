import type { Engine } from "../../hosts/engine.ts";
import { parseReference } from "../registry/reference.ts";
import type { Registry } from "../registry/types.ts";
import type { BaseImage } from "./bases.ts";

export type BaseSources = {
  engine: Pick<Engine, "info" | "inspectImage">;
  registry: Pick<Registry, "resolve">;
};

/**
 * Which image each base image is now, the way the builder's engine finds it: with its own image store it takes an image that it has and that is for the platform, and asks
 * the registry only for others; with the containerd image store it asks the registry first. A reference by digest stands for itself.
 * @returns by `reference platform` a digest; null as soon as one cannot be told, so that the image is built
 */
export async function resolveBases(
  images: readonly BaseImage[],
  { engine, registry }: BaseSources,
  signal: AbortSignal,
): Promise<Record<string, string> | null> {
  const { containerdImageStore } = await engine.info({ signal });

  async function inEngine({ reference, platform }: BaseImage): Promise<string | null> {
    const image = await engine.inspectImage(reference, { signal });
    if (image === null) return null;
    const [os = "", architecture = ""] = platform.split("/");
    return image.os === os && image.architecture === architecture ? image.id : null;
  }

  async function inRegistry({ reference, platform }: BaseImage): Promise<string | null> {
    try {
      const parsed = parseReference(reference);
      const resolved = await registry.resolve({ ...parsed, tag: parsed.tag ?? "latest" }, { signal });
      return resolved?.platforms[platform]?.config ?? null;
    } catch {
      signal.throwIfAborted();
      // Offline, or a login that only the builder has: not knowing it costs a build and nothing else.
      return null;
    }
  }

  const order = containerdImageStore ? [inRegistry, inEngine] : [inEngine, inRegistry];
  const found = await Promise.all(
    images.map(async (image): Promise<readonly [string, string | null]> => {
      const key = `${image.reference} ${image.platform}`;
      const pinned = image.reference.split("@")[1];
      if (pinned !== undefined) return [key, pinned];
      return [key, (await order[0]?.(image)) ?? (await order[1]?.(image)) ?? null];
    }),
  );
  const known = found.filter((entry): entry is [string, string] => entry[1] !== null);
  return known.length === found.length ? Object.fromEntries(known) : null;
}
