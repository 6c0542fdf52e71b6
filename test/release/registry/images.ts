import { digestOf, OCI_MANIFEST } from "../../../src/release/registry/manifest.ts";
import type { Registry, Repository } from "../../../src/release/registry/types.ts";

export type PutBlob = (repository: Repository, bytes: Uint8Array) => Promise<string>;

export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), "utf8");
}

/** The bytes of a configuration and of a manifest that names it and one tiny layer. */
export function imageBytes(platform: { os: string; architecture: string; variant?: string }, content: string) {
  const config = json({ ...platform, config: { Labels: { content } }, rootfs: { type: "layers", diff_ids: [] } });
  const layer = Buffer.from(`layer of ${content}`, "utf8");
  const manifest = json({
    schemaVersion: 2,
    mediaType: OCI_MANIFEST,
    config: {
      mediaType: "application/vnd.oci.image.config.v1+json",
      digest: digestOf(config),
      size: config.byteLength,
    },
    layers: [{ mediaType: "application/vnd.oci.image.layer.v1.tar", digest: digestOf(layer), size: layer.byteLength }],
  });
  return { config, layer, manifest };
}

/** Pushes such an image and answers its digests, as `resolve` should. */
export async function pushImage(
  registry: Registry,
  putBlob: PutBlob,
  repository: Repository,
  options: { os?: string; architecture?: string; variant?: string; content: string; tag?: string },
) {
  const { os = "linux", architecture = "amd64", variant, content, tag } = options;
  const bytes = imageBytes({ os, architecture, ...(variant ? { variant } : {}) }, content);
  const config = await putBlob(repository, bytes.config);
  await putBlob(repository, bytes.layer);
  const put = { mediaType: OCI_MANIFEST, bytes: bytes.manifest, ...(tag ? { tag } : {}) };
  const manifest = await registry.putManifest(repository, put);
  return { manifest, config, size: bytes.manifest.byteLength, mediaType: OCI_MANIFEST };
}
