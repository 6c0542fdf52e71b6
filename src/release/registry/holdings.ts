import { isLocalRepository } from "../../config/local-repository.ts";
import type {
  RegistryFacts,
  RegistryRemoval,
  RepositoryFacts,
  StoredDocument,
} from "../../environments/retention/types.ts";
import { ShiplockError } from "../../errors.ts";
import { DOCKER_LIST, OCI_INDEX } from "./manifest.ts";
import { parseReference } from "./reference.ts";
import type { ImageReference, Registry, Repository } from "./types.ts";

type Reader = Pick<Registry, "listTags" | "head" | "manifest">;

/** How many questions are under way at once. */
const atOnce = 8;

/**
 * What the registry has of the repositories that documents name. Costs a question for every tag.
 * @returns those of the facts that the registry tells
 */
export async function readRepositories(
  registry: Reader,
  documents: readonly StoredDocument[],
  signal: AbortSignal,
): Promise<RegistryFacts["repositories"]> {
  const images = documents
    .flatMap((document) => document.images)
    .filter(({ repository }) => !isLocalRepository(repository));
  const repositories = [...new Set(images.map(({ repository }) => repository))];
  return Promise.all(
    repositories.map(async (repository) => {
      const own = images.filter((image) => image.repository === repository);
      const digests = new Set(own.flatMap(({ digest, platforms }) => [digest, ...platforms]));
      return readRepository(registry, repository, digests, signal);
    }),
  );
}

async function readRepository(
  registry: Reader,
  repository: string,
  digests: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<RepositoryFacts> {
  const at = parseReference(repository);
  const named = await readTags(registry, at, await registry.listTags(at, { signal }), signal);
  const lists = new Set(named.filter(({ isIndex }) => isIndex).map(({ digest }) => digest));
  const indexes = await inTurns([...lists], async (digest) => {
    const { content } = await registry.manifest({ ...at, tag: null, digest }, { signal });
    return { digest, manifests: content.kind === "index" ? content.manifests.map((entry) => entry.digest) : [] };
  });
  const tagged = new Set(named.map(({ digest }) => digest));
  const asked = await inTurns([...digests], async (digest) =>
    tagged.has(digest) || (await registry.head({ ...at, tag: null, digest }, { signal })) !== null ? [digest] : [],
  );
  return { repository, tags: named.map(({ tag, digest }) => ({ tag, digest })), manifests: asked.flat(), indexes };
}

async function readTags(registry: Reader, at: Repository, tags: readonly string[], signal: AbortSignal) {
  const heads = await inTurns(tags, async (tag) => {
    const head = await registry.head(referenceTo(at, tag), { signal });
    return head === null
      ? []
      : [{ tag, digest: head.digest, isIndex: head.mediaType === OCI_INDEX || head.mediaType === DOCKER_LIST }];
  });
  return heads.flat();
}

/**
 * Takes manifests away, in the given order. The tags are looked at again before: what somebody has named since is left alone.
 * @returns what went, and sentences for what stayed after all
 * Errors: those of the registry; `registry/delete-unsupported` is no error here but a sentence.
 */
export async function sweepRegistry(
  registry: Reader & Pick<Registry, "deleteManifest">,
  removals: readonly RegistryRemoval[],
  signal: AbortSignal,
): Promise<{ removed: RegistryRemoval[]; stayed: string[] }> {
  const removed: RegistryRemoval[] = [];
  const stayed: string[] = [];
  for (const [repository, own] of Map.groupBy(removals, (removal) => removal.repository)) {
    const at = parseReference(repository);
    const expected = new Set(own.flatMap(({ tags }) => tags));
    const tags = await registry.listTags(at, { signal });
    const fresh = await readTags(
      registry,
      at,
      tags.filter((tag) => !expected.has(tag)),
      signal,
    );
    for (const removal of own) {
      const since = fresh.filter(({ digest }) => digest === removal.digest).map(({ tag }) => tag);
      if (since.length > 0) {
        stayed.push(`${repository}@${removal.digest}, which became ${since.join(", ")} meanwhile`);
        continue;
      }
      try {
        await registry.deleteManifest(at, removal.digest, { signal });
        removed.push(removal);
      } catch (error) {
        if (!(error instanceof ShiplockError) || error.code !== "registry/delete-unsupported") throw error;
        stayed.push(`what is in ${repository}: ${error.message} ${error.remedy ?? ""}`.trim());
        break;
      }
    }
  }
  return { removed, stayed };
}

function referenceTo(at: Repository, tag: string): ImageReference {
  return { registry: at.registry, repository: at.repository, tag, digest: null };
}

async function inTurns<From, To>(items: readonly From[], work: (item: From) => Promise<To>): Promise<To[]> {
  const results: To[] = [];
  for (let start = 0; start < items.length; start += atOnce)
    results.push(...(await Promise.all(items.slice(start, start + atOnce).map(work))));
  return results;
}
