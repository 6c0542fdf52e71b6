import { ShiplockError } from "../../errors.ts";
import { registryError } from "./errors.ts";
import { digestOf, OCI_INDEX, OCI_MANIFEST, parseJson } from "./manifest.ts";
import { formatReference, referrersTag } from "./reference.ts";
import type { CallOptions, Descriptor, Manifest, Registry, Repository } from "./types.ts";

/** A document about an image: its SBOM, its provenance. */
export type ImageDocument = {
  /** Media type of the document, by which it is looked for. */
  artifactType: string;
  bytes: Uint8Array;
  /** When it was made, ISO 8601. The same document with the same time is the same artifact. */
  at: string;
};

type Store = Pick<Registry, "manifest" | "putManifest" | "blob" | "uploadBlob" | "referrers">;

const EMPTY_TYPE = "application/vnd.oci.empty.v1+json";
const EMPTY = Buffer.from("{}", "utf8");
const DOCUMENT_BYTES = 16 * 1024 * 1024;

/**
 * Puts a document into the registry beside the image it is about, as an artifact whose `subject` is the image (OCI image specification 1.1).
 * Where the registry does not list referrers by itself, the list under the tag `sha256-<hex>` is extended, as the distribution specification
 * asks of its clients; two clients that extend it in the same instant can lose one entry, and putting the document again mends that.
 * @param subject the image's manifest or index
 * @returns the artifact's digest
 */
export async function attachToImage(
  registry: Store,
  repository: Repository,
  subject: Pick<Descriptor, "mediaType" | "digest" | "size">,
  document: ImageDocument,
  call: CallOptions = {},
): Promise<string> {
  const { artifactType, bytes, at } = document;
  await registry.uploadBlob(repository, EMPTY, call);
  await registry.uploadBlob(repository, bytes, call);
  const annotations = { "org.opencontainers.image.created": at };
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: OCI_MANIFEST,
      artifactType,
      config: { mediaType: EMPTY_TYPE, digest: digestOf(EMPTY), size: EMPTY.byteLength },
      layers: [{ mediaType: artifactType, digest: digestOf(bytes), size: bytes.byteLength }],
      subject,
      annotations,
    }),
    "utf8",
  );
  const digest = await registry.putManifest(repository, { mediaType: OCI_MANIFEST, bytes: manifest }, call);
  const listed = await registry.referrers(repository, subject.digest, call);
  if (listed?.some((entry) => entry.digest === digest) === true) return digest;
  const entry = { mediaType: OCI_MANIFEST, digest, size: manifest.byteLength, artifactType, annotations };
  await extendList(registry, repository, subject.digest, entry, call);
  return digest;
}

/** What refers to an image: from the registry's own list, and from the one under the tag. */
export async function referrersOf(
  registry: Store,
  repository: Repository,
  digest: string,
  call: CallOptions = {},
): Promise<readonly Descriptor[]> {
  const listed = (await registry.referrers(repository, digest, call)) ?? [];
  const tagged = await taggedList(registry, repository, digest, call);
  const own = tagged?.content.kind === "index" ? tagged.content.manifests : [];
  return [...listed, ...own.filter((entry) => !listed.some((other) => other.digest === entry.digest))];
}

/** The document that an artifact holds. Errors: `registry/bad-answer` for an artifact of another form. */
export async function readReferrer(
  registry: Store,
  repository: Repository,
  digest: string,
  call: CallOptions = {},
): Promise<Uint8Array> {
  const at = { ...repository, tag: null, digest };
  const { content } = await registry.manifest(at, call);
  const [document, ...more] = content.kind === "image" ? content.layers : [];
  if (document === undefined || more.length > 0)
    throw registryError("registry/bad-answer", "an artifact that does not hold one document", {
      where: formatReference(at),
    });
  return registry.blob(repository, document.digest, { ...call, maxBytes: DOCUMENT_BYTES });
}

async function extendList(
  registry: Store,
  repository: Repository,
  subject: string,
  entry: Descriptor,
  call: CallOptions,
): Promise<void> {
  const before = await taggedList(registry, repository, subject, call);
  // As it was written: others' entries may hold what is not known here.
  const present = before === null ? [] : rawEntries(before, repository);
  if (present.some((other) => other.digest === entry.digest)) return;
  const index = { schemaVersion: 2, mediaType: OCI_INDEX, manifests: [...present, entry] };
  const bytes = Buffer.from(JSON.stringify(index), "utf8");
  await registry.putManifest(repository, { mediaType: OCI_INDEX, bytes, tag: referrersTag(subject) }, call);
}

async function taggedList(
  registry: Store,
  repository: Repository,
  subject: string,
  call: CallOptions,
): Promise<Manifest | null> {
  try {
    return await registry.manifest({ ...repository, tag: referrersTag(subject), digest: null }, call);
  } catch (cause) {
    if (cause instanceof ShiplockError && cause.code === "registry/not-found") return null;
    throw cause;
  }
}

function rawEntries(manifest: Manifest, { repository }: Repository): { digest: string }[] {
  if (manifest.content.kind !== "index")
    throw registryError("registry/bad-answer", "a list of referrers that is none", { where: repository });
  return (parseJson(manifest.bytes, repository) as { manifests: { digest: string }[] }).manifests;
}
