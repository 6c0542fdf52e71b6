import { ShiplockError } from "../errors.ts";
import { namedImage } from "./registry/named.ts";
import { isTag, parseReference } from "./registry/reference.ts";
import type { ImageReference, Registry } from "./registry/types.ts";
import type { Release, ReleaseImage } from "./types.ts";
import { versionProblem } from "./version-name.ts";

/** What naming a release does with one of its images. */
export type VersionedImage = {
  image: ReleaseImage;
  /** The digest that the name stands for now; null for none. */
  before: string | null;
  /** The commit of that image, as far as it says. */
  beforeCommit: string | null;
};

/**
 * A name that a version may have, as it is.
 * @param prefixes of the environments' own tags
 * @throws ShiplockError `tag/bad-name`
 */
export function checkVersion(name: string, prefixes: readonly string[]): string {
  const problem = isTag(name)
    ? versionProblem(name, prefixes)
    : "a tag has letters, digits, dots, hyphens and underscores, 128 at most, and begins with none of .-";
  if (problem === null) return name;
  throw new ShiplockError({
    code: "tag/bad-name",
    blame: "usage",
    message: `${JSON.stringify(name)} cannot be the name of a version: ${problem}`,
    remedy: "name it like v1.2.0",
  });
}

/**
 * Looks before a release gets a name: every image must be there, and the name free or its own already.
 * @param force lets a name move
 * @throws ShiplockError `tag/no-registry`, `tag/one-repository`, `tag/image-gone`, `tag/exists`, and those of the registry
 */
export async function lookBeforeNaming(
  release: Release,
  version: string,
  force: boolean,
  registry: Registry,
  signal: AbortSignal,
): Promise<VersionedImage[]> {
  const images = Object.values(release.images);
  refuseCarried(images);
  refuseSharedRepository(images);
  const looked = await Promise.all(
    images.map(async (image): Promise<VersionedImage & { there: boolean }> => {
      const at = parseReference(image.repository);
      const [there, named] = await Promise.all([
        registry.exists(atDigest(image), { signal }),
        namedImage(registry, { ...at, tag: version, digest: null }, { signal }),
      ]);
      return { image, before: named?.digest ?? null, beforeCommit: named?.commit ?? null, there };
    }),
  );
  const gone = looked.filter(({ there }) => !there).map(({ image }) => `${image.repository}@${image.digest}`);
  if (gone.length > 0)
    throw new ShiplockError({
      code: "tag/image-gone",
      blame: "gate",
      message: `${release.id} cannot be named: its registry does not have ${gone.length === 1 ? "an image" : `${gone.length} images`} of it any more`,
      remedy: "deploy the commit again, and name that release",
      details: gone,
    });
  const taken = looked.filter(({ image, before }) => before !== null && before !== image.digest);
  if (taken.length > 0 && !force)
    throw new ShiplockError({
      code: "tag/exists",
      blame: "gate",
      message: `${version} names something else already, and a name is not moved by itself`,
      remedy: `choose another name, or pass --force to move it to ${release.id}`,
      details: taken.map(beforeSentence),
    });
  return looked.map(({ image, before, beforeCommit }) => ({ image, before, beforeCommit }));
}

/** What a name stood for before, in words. */
export function beforeSentence({ image, before, beforeCommit }: VersionedImage): string {
  return `${image.repository}: ${before}${beforeCommit === null ? "" : ` of commit ${beforeCommit.slice(0, 7)}`}`;
}

/**
 * Gives the name to every image, by copying its manifest: nothing is built or pulled. It is not interrupted: it takes moments, and half of it would be worse. May be repeated: what has the name already is left alone.
 * @returns how many were named now
 * @throws ShiplockError `tag/partial` when it fails in the middle
 */
export async function nameImages(
  looked: readonly VersionedImage[],
  version: string,
  registry: Pick<Registry, "tag">,
): Promise<number> {
  const done: ReleaseImage[] = [];
  const isNamed = (one: VersionedImage): boolean => one.before === one.image.digest;
  for (const { image } of looked.filter((one) => !isNamed(one))) {
    try {
      await registry.tag(parseReference(image.repository), image.digest, version);
    } catch (cause) {
      if (done.length === 0 && !looked.some(isNamed)) throw cause;
      throw partial(looked, done, version, cause);
    }
    done.push(image);
  }
  return done.length;
}

function partial(
  looked: readonly VersionedImage[],
  done: readonly ReleaseImage[],
  version: string,
  cause: unknown,
): ShiplockError {
  const has = ({ image, before }: VersionedImage) => before === image.digest || done.includes(image);
  const names = (wanted: boolean) =>
    looked
      .filter((one) => has(one) === wanted)
      .map(({ image }) => image.name)
      .join(", ");
  return new ShiplockError({
    code: "tag/partial",
    message: `${version} was given to ${names(true)} and not yet to ${names(false)}: ${cause instanceof Error ? cause.message : String(cause)}`,
    remedy: "run the same command again; it goes on where this one ended",
    cause,
  });
}

/** What travels to its hosts by itself has no place that everybody could ask for a name. */
function refuseCarried(images: readonly ReleaseImage[]): void {
  const carried = images.filter(({ from }) => from === "engine").map(({ name }) => name);
  if (carried.length === 0) return;
  throw new ShiplockError({
    code: "tag/no-registry",
    blame: "usage",
    message: `${carried.length === 1 ? `the image ${carried[0]} lies` : `the images ${carried.join(" and ")} lie`} in no registry, where a name could stand for ${carried.length === 1 ? "it" : "them"}`,
    remedy: "tag the commit in git, and go back with `shiplock rollback --to <commit>`; or give the project a registry",
  });
}

/** Two images in one repository cannot have one tag. */
function refuseSharedRepository(images: readonly ReleaseImage[]): void {
  const shared = images.filter((image) =>
    images.some(
      (other) => other.name !== image.name && other.repository === image.repository && other.digest !== image.digest,
    ),
  );
  if (shared.length === 0) return;
  throw new ShiplockError({
    code: "tag/one-repository",
    blame: "usage",
    message: `the images ${shared.map(({ name }) => name).join(" and ")} lie in one repository, where one name cannot stand for both`,
    remedy: "give each image a `repository` of its own in shiplock.yml",
  });
}

function atDigest(image: ReleaseImage): ImageReference {
  return { ...parseReference(image.repository), tag: null, digest: image.digest };
}
