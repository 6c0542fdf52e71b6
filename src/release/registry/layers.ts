import { z } from "zod";
import type { ReleaseImage } from "../types.ts";
import { registryError } from "./errors.ts";
import { parseJson } from "./manifest.ts";
import { formatReference, parseReference } from "./reference.ts";
import type { ImageReference, Registry } from "./types.ts";

/** One layer as the registry holds it; `size` in bytes, compressed. */
export type Layer = { digest: string; size: number };

/**
 * What a release's images are made of, for those who ask what a host lacks of them. Every answer is asked for once. Both reject with the registry's errors,
 * and `platform` has to be one that the release recorded.
 */
export type LayerSource = {
  /** The layers of an image on a platform (`linux/amd64`), the lowest first. */
  layers(image: ReleaseImage, platform: string): Promise<readonly Layer[]>;
  /** The same layers by the digest they have once they are unpacked, which is what an engine knows them by. */
  unpacked(image: ReleaseImage, platform: string): Promise<readonly string[]>;
};

const configuration = z.object({ rootfs: z.object({ diff_ids: z.array(z.string()) }) });

/** Reads layers from manifests and configurations in the registry. Does nothing until it is asked. */
export function layerSource(registry: Pick<Registry, "manifest" | "blob">): LayerSource {
  const answers = new Map<string, Promise<unknown>>();

  function once<T>(key: string, ask: () => Promise<T>): Promise<T> {
    const answer = (answers.get(key) as Promise<T> | undefined) ?? ask();
    answers.set(key, answer);
    return answer;
  }

  async function readLayers(at: ImageReference): Promise<readonly Layer[]> {
    const { content } = await registry.manifest(at);
    if (content.kind === "image") return content.layers.map(({ digest, size }) => ({ digest, size }));
    throw registryError("registry/bad-answer", "an index where a manifest was recorded", {
      where: formatReference(at),
    });
  }

  async function readUnpacked(image: ReleaseImage, config: string): Promise<readonly string[]> {
    const bytes = await registry.blob(parseReference(image.repository), config);
    const parsed = configuration.safeParse(parseJson(bytes, image.repository));
    if (parsed.success) return parsed.data.rootfs.diff_ids;
    throw registryError("registry/bad-answer", "a configuration without layers", { where: image.repository });
  }

  return {
    layers: (image, platform) => {
      const { manifest } = recorded(image, platform);
      return once(manifest, () => readLayers({ ...parseReference(image.repository), tag: null, digest: manifest }));
    },
    unpacked: (image, platform) => {
      const { config } = recorded(image, platform);
      return once(config, () => readUnpacked(image, config));
    },
  };
}

function recorded(image: ReleaseImage, platform: string) {
  const digests = image.platforms[platform];
  if (digests === undefined)
    throw registryError("registry/not-found", `${image.repository} was not built for ${platform}`);
  return digests;
}
