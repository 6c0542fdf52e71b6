import { createHash } from "node:crypto";
import { z } from "zod";
import { registryError } from "./errors.ts";
import { isDigest } from "./reference.ts";
import type { Descriptor, Manifest, ManifestContent } from "./types.ts";

export const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
export const OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
export const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
export const DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";

/** What is asked for: all that can be read, so that no registry converts. */
export const MANIFEST_TYPES = [OCI_INDEX, OCI_MANIFEST, DOCKER_LIST, DOCKER_MANIFEST] as const;

const descriptor = z.object({
  mediaType: z.string(),
  digest: z.string().refine(isDigest),
  size: z.number().int().nonnegative(),
  platform: z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() }).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
  artifactType: z.string().optional(),
});
const indexContent = z.object({ mediaType: z.string().optional(), manifests: z.array(descriptor).max(100) });
const imageContent = z.object({ mediaType: z.string().optional(), config: descriptor, layers: z.array(descriptor) });
const configContent = z.object({ os: z.string(), architecture: z.string(), variant: z.string().optional() });

/** The digest of bytes, `sha256:…` unless another algorithm is named. */
export function digestOf(bytes: Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): string {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`;
}

/** Returns `digest` if the bytes have it. Errors: `registry/bad-answer`. */
export function checkDigest(bytes: Uint8Array, digest: string, where: string): string {
  const found = digestOf(bytes, digest.startsWith("sha512:") ? "sha512" : "sha256");
  if (found !== digest) throw registryError("registry/bad-answer", `its digest is ${found}, not ${digest}`, { where });
  return digest;
}

/**
 * Reads a manifest or index.
 * @param told.mediaType the answer's content type, or null to believe the document
 * Errors: `registry/bad-answer` for anything but an image manifest or index of OCI or of Docker's schema 2.
 */
export function readManifest(
  bytes: Uint8Array,
  told: { digest: string; mediaType: string | null; where: string },
): Manifest {
  const { digest, where } = told;
  const value = parseJson(bytes, where);
  const own = (value as { mediaType?: unknown } | null)?.mediaType;
  const mediaType = typeof own === "string" ? own : told.mediaType;
  return { digest, mediaType: mediaType ?? "", bytes, content: contentOf(value, mediaType, where) };
}

function contentOf(value: unknown, mediaType: string | null, where: string): ManifestContent {
  if (mediaType === OCI_INDEX || mediaType === DOCKER_LIST) {
    const parsed = indexContent.safeParse(value);
    if (parsed.success) return { kind: "index", manifests: parsed.data.manifests };
  }
  if (mediaType === OCI_MANIFEST || mediaType === DOCKER_MANIFEST) {
    const parsed = imageContent.safeParse(value);
    if (parsed.success) return { kind: "image", config: parsed.data.config, layers: parsed.data.layers };
  }
  throw registryError("registry/bad-answer", `no image manifest that can be read (${mediaType ?? "of no type"})`, {
    where,
  });
}

/** The platform that an image's configuration names. Errors: `registry/bad-answer`. */
export function platformOfConfig(bytes: Uint8Array, where: string): string {
  const parsed = configContent.safeParse(parseJson(bytes, where));
  if (!parsed.success)
    throw registryError("registry/bad-answer", "a configuration without os and architecture", { where });
  return platformName(parsed.data);
}

/** `os/architecture[/variant]`, without the variants that are the architecture's only one. */
export function platformName(platform: { os: string; architecture: string; variant?: string | undefined }): string {
  const { os, architecture, variant } = platform;
  const usual = (architecture === "arm64" && variant === "v8") || (architecture === "amd64" && variant === "v1");
  return variant && !usual ? `${os}/${architecture}/${variant}` : `${os}/${architecture}`;
}

/** Whether an index entry is something to run: BuildKit lists attestations as images for `unknown/unknown`. */
export function isRunnable(entry: Descriptor): boolean {
  if (entry.annotations?.["vnd.docker.reference.type"] === "attestation-manifest") return false;
  return entry.platform?.os !== "unknown" && entry.platform?.architecture !== "unknown";
}

/** The value of JSON bytes. Errors: `registry/bad-answer`. */
export function parseJson(bytes: Uint8Array, where: string): unknown {
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch (cause) {
    throw registryError("registry/bad-answer", "no JSON", { where, cause });
  }
}
