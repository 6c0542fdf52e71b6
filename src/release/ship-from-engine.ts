import { createHash } from "node:crypto";
import { ShiplockError } from "../errors.ts";
import type { Engine } from "../hosts/engine.ts";
import { configOf } from "../hosts/image-archive.ts";
import { findImage, type ImagePlace } from "../hosts/image-places.ts";
import type { PlatformImage } from "./registry/types.ts";
import type { Shipper, ShipRequest } from "./ship.ts";
import type { ReleaseImage } from "./types.ts";

/**
 * Ships to no registry: what was built stays in the builder's engine until a host lacks it.
 * @param places machines that may have what was built once, this one included
 * @param machine name of this machine, which a release records
 */
export function engineShipper(engine: Engine, places: readonly ImagePlace[], machine: string): Shipper {
  return {
    // The name is for people who look at this engine, and a release needs none.
    named: async () => null,
    isPublic: async () => false,
    has: (image, signal) => hasAll(image, places, signal),
    tag: (image, tag, signal) => tagHere(engine, image, tag, signal),
    ship: (request) => look(engine, request),
    join: async (_repository, platforms) => digestOfAll(platforms),
    whence: () => ({ from: "engine", builtOn: machine }),
  };
}

async function hasAll(image: ReleaseImage, places: readonly ImagePlace[], signal: AbortSignal): Promise<boolean> {
  for (const digests of Object.values(image.platforms))
    if ((await findImage(digests, places, signal)) === null) return false;
  return true;
}

/** The name is for people who look at this engine; hosts know an image by its id. So there is none where the image is not here, or no engine. */
async function tagHere(engine: Engine, image: ReleaseImage, tag: string, signal: AbortSignal): Promise<void> {
  const platforms = Object.entries(image.platforms);
  const here: ImagePlace = { name: "this machine", engine: async () => engine };
  for (const [platform, digests] of platforms) {
    const found = await findImage(digests, [here], signal);
    const own = platforms.length === 1 ? tag : `${tag}-${platform.replaceAll("/", "-")}`;
    if (found !== null) await engine.tagImage(found.id, image.repository, own, { signal });
  }
}

/** Nothing goes anywhere yet: what the engine has is what the release is. */
async function look(engine: Engine, { reference, platform, signal, log }: ShipRequest): Promise<PlatformImage> {
  const [image, info] = await Promise.all([engine.inspectImage(reference, { signal }), engine.info({ signal })]);
  // An engine names no variant (`linux/arm/v7`) in its answer.
  if (image === null || !`${platform}/`.startsWith(`${image.os}/${image.architecture}/`)) {
    throw new ShiplockError({
      code: "release/image-not-kept",
      message: `${reference} was built, but the engine that built it does not have it for ${platform}`,
      remedy:
        "check image.platforms, and that the builder of `docker buildx` keeps images in this machine's engine; nothing was deployed",
    });
  }
  log(`kept as ${reference}; hosts get it over SSH`);
  const config = info.containerdImageStore ? await configOf(engine.saveImages([image.id], { signal })) : image.id;
  return { manifest: image.id, config, size: 0, mediaType: "" };
}

/** One name for an image of several platforms: a digest of theirs, which no engine and no registry has anything under. */
function digestOfAll(platforms: Readonly<Record<string, PlatformImage>>): string {
  const ids = Object.entries(platforms)
    .map(([platform, { manifest }]) => [platform, manifest])
    .sort(([left = ""], [right = ""]) => (left < right ? -1 : 1));
  return `sha256:${createHash("sha256").update(JSON.stringify(ids)).digest("hex")}`;
}
