import { z } from "zod";
import { ShiplockError } from "../../errors.ts";
import { isRunnable, parseJson } from "./manifest.ts";
import { formatReference } from "./reference.ts";
import type { CallOptions, ImageReference, Registry } from "./types.ts";

const labels = z.object({ config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }).nullish() });
const REVISION = "org.opencontainers.image.revision";

/**
 * The commit that an image's standard label names, and its digest; the commit is `null` for an image without that label, the whole answer is `null` where there is no image. Of an image of several
 * platforms the first that can be run is read.
 */
export async function namedImage(
  registry: Pick<Registry, "head" | "manifest" | "blob">,
  reference: ImageReference,
  call: CallOptions = {},
): Promise<{ digest: string; commit: string | null } | null> {
  const top = await headOrNone(registry, reference, call);
  if (top === null) return null;
  const at = { ...reference, tag: null, digest: top.digest };
  let manifest = await registry.manifest(at, call);
  if (manifest.content.kind === "index") {
    const [first] = manifest.content.manifests.filter(isRunnable);
    if (first === undefined) return { digest: top.digest, commit: null };
    manifest = await registry.manifest({ ...at, digest: first.digest }, call);
  }
  if (manifest.content.kind !== "image") return { digest: top.digest, commit: null };
  const bytes = await registry.blob(reference, manifest.content.config.digest, call);
  const parsed = labels.safeParse(parseJson(bytes, formatReference(reference)));
  return { digest: top.digest, commit: parsed.data?.config?.Labels?.[REVISION] ?? null };
}

/** A repository that its first push makes (Docker Hub) is denied until then, so it names nothing yet; a login that is good for nothing is heard of at the push. */
async function headOrNone(
  registry: Pick<Registry, "head">,
  reference: ImageReference,
  call: CallOptions,
): Promise<{ digest: string } | null> {
  try {
    return await registry.head(reference, call);
  } catch (error) {
    if (error instanceof ShiplockError && error.code === "registry/denied") return null;
    throw error;
  }
}

/**
 * Whether who has no login can read a repository, or one image of it.
 * @param registry as it answers without a login
 * @param reference without a digest: whether the repository shows its tags
 */
export async function isReadable(
  registry: Pick<Registry, "exists" | "listTags">,
  reference: ImageReference,
  call: CallOptions = {},
): Promise<boolean> {
  try {
    if (reference.digest !== null) return await registry.exists(reference, call);
    return (await registry.listTags(reference, call)).length > 0;
  } catch (error) {
    if (error instanceof ShiplockError && hidden.has(error.code)) return false;
    // Too many tags to be read are no answer; the image itself is asked for later.
    if (error instanceof ShiplockError && error.code === "registry/bad-answer" && reference.digest === null)
      return false;
    throw error;
  }
}

const hidden: ReadonlySet<string> = new Set(["registry/unauthorized", "registry/denied", "registry/not-found"]);
