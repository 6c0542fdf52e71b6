import type { RegistryFacts, RegistryRemoval, StoredDocument } from "./types.ts";

/**
 * What goes from the registry: manifests that only releases of this environment have that do not stay, and that no other tag names, a version's least of all. Indexes before
 * the manifests they hold.
 * @returns `stays` what such a release had and somebody else needs, as sentences
 */
export function decideRegistry(
  documents: readonly StoredDocument[],
  staying: readonly StoredDocument[],
  kept: ReadonlyMap<string, string>,
  { repositories, neededElsewhere, prefixes }: RegistryFacts,
): { removals: RegistryRemoval[]; stays: string[] } {
  const dropped = documents.filter(({ release }) => !kept.has(release)).flatMap(({ images }) => images);
  const needed = new Set([...neededElsewhere, ...staying.flatMap(({ images }) => images.flatMap(digestsOf))]);
  const removals: RegistryRemoval[] = [];
  const stays: string[] = [];
  for (const { repository, tags, manifests, indexes } of repositories) {
    const images = dropped.filter((image) => image.repository === repository);
    const recorded = new Set(images.flatMap((image) => image.tags));
    const isOurs = (tag: string, digest: string): boolean =>
      recorded.has(tag) || isEnvironmentTag(tag, prefixes) || tag === referrersTagOf(digest);
    const tagsOf = (digest: string): string[] => tags.filter((entry) => entry.digest === digest).map(({ tag }) => tag);
    const goes = new Set<string>();
    // What is pulled first: an index holds the others.
    const candidates = new Set([
      ...images.map(({ digest }) => digest),
      ...images.flatMap(({ platforms }) => platforms),
    ]);
    for (const digest of candidates) {
      if (needed.has(digest) || !manifests.includes(digest)) continue;
      const own = tagsOf(digest);
      const foreign = own.filter((tag) => !isOurs(tag, digest));
      const holder = indexes.find(({ digest: index, manifests: parts }) => parts.includes(digest) && !goes.has(index));
      if (foreign.length > 0) stays.push(`${repository}@${digest}, which is ${foreign.join(", ")} as well`);
      else if (holder !== undefined) stays.push(`${repository}@${digest}, which is part of ${holder.digest}`);
      else {
        goes.add(digest);
        removals.push({ repository, digest, tags: own });
      }
    }
  }
  return { removals, stays };
}

/** Whether a tag is one that Shiplock gives for an environment: its prefix at the beginning, some of a commit's hash at the end. */
export function isEnvironmentTag(tag: string, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => tag.startsWith(`${prefix}-`)) && ENDING.test(tag);
}

const ENDING = /-[0-9a-f]{7,40}(?:-dirty)?(?:-(?:linux|windows)-[a-z0-9]+(?:-v\d+)?)?$/;

/** The tag under which clients list what refers to a manifest, in registries that do not list it themselves; it keeps nothing. */
function referrersTagOf(digest: string): string {
  return digest.replace(":", "-");
}

function digestsOf({ digest, platforms }: StoredDocument["images"][number]): readonly string[] {
  return [digest, ...platforms];
}
