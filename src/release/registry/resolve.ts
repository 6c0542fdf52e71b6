import { ShiplockError } from "../../errors.ts";
import { registryError } from "./errors.ts";
import { isRunnable, platformName, platformOfConfig } from "./manifest.ts";
import { formatReference } from "./reference.ts";
import type {
  CallOptions,
  Descriptor,
  ImageReference,
  Manifest,
  PlatformImage,
  Registry,
  ResolvedImage,
} from "./types.ts";

/** Answers `Registry.resolve` by reading manifests and, where no index says it, the configuration's platform. */
export async function resolveImage(
  registry: Pick<Registry, "manifest" | "blob">,
  reference: ImageReference,
  call: CallOptions = {},
): Promise<ResolvedImage | null> {
  const top = await manifestOrNull(registry, reference, call);
  if (top === null) return null;
  if (top.content.kind === "image")
    return { platforms: Object.fromEntries([await platformImage(registry, reference, top, call)]) };

  const runnable = top.content.manifests.filter(isRunnable);
  const images = await Promise.all(runnable.map((entry) => indexedImage(registry, reference, entry, call)));
  const platforms = Object.fromEntries(images);
  if (images.length !== Object.keys(platforms).length) {
    throw registryError("registry/bad-answer", "an index that names a platform twice", {
      where: formatReference(reference),
    });
  }
  return { index: { digest: top.digest, mediaType: top.mediaType }, platforms };
}

async function indexedImage(
  registry: Pick<Registry, "manifest" | "blob">,
  reference: ImageReference,
  entry: Descriptor,
  call: CallOptions,
): Promise<[string, PlatformImage]> {
  const manifest = await registry.manifest({ ...reference, tag: null, digest: entry.digest }, call);
  return platformImage(registry, reference, manifest, call, entry.platform && platformName(entry.platform));
}

async function platformImage(
  registry: Pick<Registry, "blob">,
  reference: ImageReference,
  manifest: Manifest,
  call: CallOptions,
  platform?: string,
): Promise<[string, PlatformImage]> {
  const { content, digest, mediaType, bytes } = manifest;
  if (content.kind !== "image") {
    throw registryError("registry/bad-answer", "an index within an index", { where: formatReference(reference) });
  }
  const config = content.config.digest;
  const name = platform ?? platformOfConfig(await registry.blob(reference, config, call), formatReference(reference));
  return [name, { manifest: digest, config, size: bytes.byteLength, mediaType }];
}

async function manifestOrNull(
  registry: Pick<Registry, "manifest">,
  reference: ImageReference,
  call: CallOptions,
): Promise<Manifest | null> {
  try {
    return await registry.manifest(reference, call);
  } catch (cause) {
    if (cause instanceof ShiplockError && cause.code === "registry/not-found") return null;
    throw cause;
  }
}
