import { registryError } from "./errors.ts";
import { checkDigest, digestOf, readManifest } from "./manifest.ts";
import { formatReference, isDigest, isTag, nameOf } from "./reference.ts";
import { resolveImage } from "./resolve.ts";
import type { Descriptor, Manifest, Registry, Repository } from "./types.ts";

type Held = { blobs: Map<string, Uint8Array>; manifests: Map<string, Manifest>; tags: Map<string, string> };

/** A registry in memory, for tests, which can also be told to fail and to lose things. */
export type FakeRegistry = Registry & {
  /** Puts a blob there (as a build's push does) and answers its digest. */
  putBlob(repository: Repository, bytes: Uint8Array): string;
  /** Takes a manifest or blob away, as another's retention does. */
  remove(repository: Repository, digest: string): void;
  /** From now on nothing can be deleted by its API, as at GHCR. */
  refuseDeleting(): void;
  /** From now on every call fails with this, or works again (`null`). */
  failWith(failure: Error | null): void;
  /** The calls so far, for example `manifest registry.example.com/shop/web:main`. */
  readonly calls: readonly string[];
};

/**
 * Makes an empty fake registry; it serves every registry name.
 * @param options.referrersApi whether it lists referrers by itself; registries before the distribution specification 1.1 do not
 */
export function createFakeRegistry(options: { referrersApi?: boolean } = {}): FakeRegistry {
  const repositories = new Map<string, Held>();
  const calls: string[] = [];
  let failure: Error | null = null;
  let deletable = true;

  function heldBy({ registry, repository }: Repository): Held {
    const name = `${registry}/${repository}`;
    const held = repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() };
    repositories.set(name, held);
    return held;
  }

  function begin(call: string, signal: AbortSignal | undefined): void {
    calls.push(call);
    signal?.throwIfAborted();
    if (failure) throw failure;
  }

  const registry: FakeRegistry = {
    calls,

    async manifest(reference, call = {}) {
      begin(`manifest ${formatReference(reference)}`, call.signal);
      const held = heldBy(reference);
      const name = nameOf(reference);
      const manifest = held.manifests.get(isDigest(name) ? name : (held.tags.get(name) ?? ""));
      if (!manifest) throw registryError("registry/not-found", formatReference(reference));
      return manifest;
    },

    async exists(reference, call = {}) {
      begin(`exists ${formatReference(reference)}`, call.signal);
      const held = heldBy(reference);
      const name = nameOf(reference);
      return held.manifests.has(isDigest(name) ? name : (held.tags.get(name) ?? ""));
    },

    async head(reference, call = {}) {
      begin(`head ${formatReference(reference)}`, call.signal);
      const held = heldBy(reference);
      const name = nameOf(reference);
      const found = held.manifests.get(isDigest(name) ? name : (held.tags.get(name) ?? ""));
      return found === undefined ? null : { digest: found.digest, mediaType: found.mediaType };
    },

    async deleteManifest(repository, digest, call = {}) {
      begin(`delete ${formatReference({ ...repository, tag: null, digest })}`, call.signal);
      if (!isDigest(digest)) throw registryError("registry/bad-reference", `the digest ${JSON.stringify(digest)}`);
      if (!deletable) throw registryError("registry/delete-unsupported", repository.registry);
      const held = heldBy(repository);
      held.manifests.delete(digest);
      for (const [tag, target] of held.tags) if (target === digest) held.tags.delete(tag);
    },

    resolve: (reference, call) => resolveImage(registry, reference, call),

    async tag(repository, fromDigest, toTag, call = {}) {
      begin(`tag ${formatReference({ ...repository, tag: toTag, digest: fromDigest })}`, call.signal);
      if (!isTag(toTag)) throw registryError("registry/bad-reference", `the tag ${JSON.stringify(toTag)}`);
      const held = heldBy(repository);
      if (!held.manifests.has(fromDigest)) throw registryError("registry/not-found", fromDigest);
      held.tags.set(toTag, fromDigest);
    },

    async putManifest(repository, { mediaType, bytes, tag }, call = {}) {
      const digest = digestOf(bytes);
      begin(`put ${formatReference({ ...repository, tag: tag ?? null, digest })}`, call.signal);
      if (tag !== undefined && !isTag(tag))
        throw registryError("registry/bad-reference", `the tag ${JSON.stringify(tag)}`);
      const held = heldBy(repository);
      const manifest = readManifest(Uint8Array.from(bytes), { digest, mediaType, where: repository.repository });
      for (const needed of neededBy(manifest)) {
        if (!held.manifests.has(needed) && !held.blobs.has(needed)) throw registryError("registry/not-found", needed);
      }
      held.manifests.set(digest, manifest);
      if (tag !== undefined) held.tags.set(tag, digest);
      return digest;
    },

    async blob(repository, digest, { signal, maxBytes = 4 * 1024 * 1024 } = {}) {
      begin(`blob ${formatReference({ ...repository, tag: null, digest })}`, signal);
      const bytes = heldBy(repository).blobs.get(digest);
      if (!bytes) throw registryError("registry/not-found", digest);
      if (bytes.byteLength > maxBytes) throw registryError("registry/bad-answer", `more than ${maxBytes} bytes`);
      checkDigest(bytes, digest, repository.repository);
      return bytes;
    },

    async uploadBlob(repository, bytes, call = {}) {
      begin(`upload ${formatReference({ ...repository, tag: null, digest: digestOf(bytes) })}`, call.signal);
      return registry.putBlob(repository, bytes);
    },

    async referrers(repository, digest, call = {}) {
      begin(`referrers ${formatReference({ ...repository, tag: null, digest })}`, call.signal);
      if (!options.referrersApi) return null;
      const held = [...heldBy(repository).manifests.values()];
      return held.filter((manifest) => subjectOf(manifest) === digest).map(descriptorOf);
    },

    async listTags(repository, call = {}) {
      begin(`tags ${formatReference({ ...repository, tag: null, digest: null })}`, call.signal);
      return [...heldBy(repository).tags.keys()].sort();
    },

    putBlob(repository, bytes) {
      const digest = digestOf(bytes);
      heldBy(repository).blobs.set(digest, Uint8Array.from(bytes));
      return digest;
    },

    remove(repository, digest) {
      const held = heldBy(repository);
      held.blobs.delete(digest);
      held.manifests.delete(digest);
      for (const [tag, target] of held.tags) if (target === digest) held.tags.delete(tag);
    },

    refuseDeleting() {
      deletable = false;
    },

    failWith(next) {
      failure = next;
    },
  };
  return registry;
}

function documentOf(manifest: Manifest): {
  subject?: { digest?: string };
  artifactType?: string;
  annotations?: Record<string, string>;
} {
  return JSON.parse(Buffer.from(manifest.bytes).toString("utf8")) as ReturnType<typeof documentOf>;
}

function subjectOf(manifest: Manifest): string | undefined {
  return documentOf(manifest).subject?.digest;
}

function descriptorOf(manifest: Manifest): Descriptor {
  const { artifactType, annotations } = documentOf(manifest);
  const { mediaType, digest, bytes } = manifest;
  return { mediaType, digest, size: bytes.byteLength, artifactType, annotations };
}

function neededBy({ content }: Manifest): string[] {
  const entries = content.kind === "index" ? content.manifests : [content.config, ...content.layers];
  return entries.map((entry) => entry.digest);
}
