import type { Clock } from "../clock.ts";
import type { Image } from "../config/types.ts";
import type { Built } from "./build.ts";
import { buildPlatform, type BuildSource, checkArguments } from "./build-image.ts";
import { allOrNone } from "./parallel.ts";

export type VerifiedImage = { image: string; platform: string; ms: number; built: Built };

/** Builds images for all their platforms, side by side, and keeps, ships and records nothing: what a pull request needs to know. */
export async function verifyImages(
  images: readonly Image[],
  source: BuildSource & { clock: Clock },
): Promise<VerifiedImage[]> {
  checkArguments(images, source);
  const wanted = images.flatMap((image) => image.platforms.map((platform) => ({ image, platform })));
  return allOrNone(wanted, source.signal, async ({ image, platform }, signal) => {
    const began = source.clock.elapsed();
    const reference = `${image.repository}:verify`;
    const built = await buildPlatform(image, platform, { reference, purpose: "verify" }, { ...source, signal });
    return { image: image.name, platform, ms: Math.round(source.clock.elapsed() - began), built };
  });
}
