import { OCI_INDEX } from "./manifest.ts";
import type { CallOptions, PlatformImage, Registry, Repository } from "./types.ts";

/**
 * Pushes an OCI index over manifests that the repository has already, one per platform, and answers its digest. The same
 * manifests give the same digest, whatever order they come in.
 * @param manifests by platform (`linux/amd64`, `linux/arm/v7`)
 * @param options.tag lets this tag name the index as well
 */
export async function assembleIndex(
  registry: Pick<Registry, "putManifest">,
  repository: Repository,
  manifests: Readonly<Record<string, Pick<PlatformImage, "manifest" | "size" | "mediaType">>>,
  options: CallOptions & { tag?: string } = {},
): Promise<string> {
  const { tag, ...call } = options;
  const entries = Object.entries(manifests)
    .sort(([left], [right]) => (left < right ? -1 : 1))
    .map(([platform, { manifest, size, mediaType }]) => {
      const [os = "", architecture = "", variant] = platform.split("/");
      return { mediaType, digest: manifest, size, platform: { architecture, os, ...(variant ? { variant } : {}) } };
    });
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: entries };
  const bytes = Buffer.from(JSON.stringify(index), "utf8");
  return registry.putManifest(repository, { mediaType: OCI_INDEX, bytes, ...(tag === undefined ? {} : { tag }) }, call);
}
