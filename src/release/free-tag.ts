import type { Image } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { MakeImageRequest } from "./make-image.ts";
import { imageTags, isAnothers } from "./tags.ts";

type TagRequest = Pick<MakeImageRequest, "environment" | "commit" | "dirty" | "shipper" | "made" | "signal" | "log">;

/**
 * The tag for an image of this commit: with as few characters of the hash as no other commit's image has. What a tag names is read before it is set, so two commits that begin
 * the same do not overwrite each other's; a longer one is told.
 * Errors: `release/no-tag` when even the whole hash is taken, and those of the shipper.
 */
export async function freeTag(image: Image, request: TagRequest): Promise<string> {
  const { environment, commit, shipper, signal } = request;
  const tags = imageTags(environment.tagPrefix, commit.ref, commit.hash, request.dirty ? "-dirty" : "");
  const before = request.made[image.name];
  // It was looked at when it was set.
  if (before !== undefined && before.repository === image.repository && tags.includes(before.tag)) return before.tag;
  for (const tag of tags) {
    const named = await shipper.named(image.repository, tag, signal);
    if (named === null || !isAnothers(commit.hash, named.commit)) return tag;
    const whose = named.commit === null ? "something that was not built here" : `commit ${named.commit}`;
    request.log(image.name, `the tag ${tag} names ${whose}; a longer part of this commit's hash is taken`);
  }
  throw new ShiplockError({
    code: "release/no-tag",
    message: `every tag for the image "${image.name}" names something that was not built here (the last: ${image.repository}:${tags.at(-1)})`,
    remedy: "remove that tag from the registry, or give the environment another `tagPrefix`",
  });
}
