import { createHash } from "node:crypto";
import type { Config } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import { checkArguments } from "./build-image.ts";
import { findOrMake, type MadeImage, type MakeImageRequest } from "./make-image.ts";
import { allOrNone } from "./parallel.ts";
import type { Release, ReleaseImage } from "./types.ts";

export type MakeReleaseRequest = MakeImageRequest & { config: Config };

/** A release, and how each of its images was come by, in the order of their names. */
export type MadeRelease = { release: Release; made: readonly MadeImage[] };

/**
 * Finds or makes the images of a commit for an environment, side by side: builds what was not built, ships it, and reads where it went what it is. What comes back is named by
 * digests alone; an image that holds values of the environment belongs to that environment. The first image that fails ends the others.
 */
export async function makeRelease(request: MakeReleaseRequest): Promise<MadeRelease> {
  const names = [...new Set(Object.values(request.config.services).map((service) => service.image))].sort();
  const wanted = names.map((name) => {
    const image = request.config.images[name];
    if (image !== undefined) return image;
    throw new ShiplockError({ code: "release/no-image", blame: "bug", message: `no image "${name}"` });
  });
  checkArguments(wanted, request);
  const made = await allOrNone(wanted, request.signal, (image, signal) => findOrMake(image, { ...request, signal }));
  const images: Record<string, ReleaseImage> = Object.fromEntries(made.map(({ image }) => [image.name, image]));
  const environment = made.some(({ image }) => image.environment !== null) ? request.environment.name : null;
  const { commit } = request;
  const release: Release = {
    version: 1,
    id: releaseId(commit.hash, images, request.dirty),
    project: request.config.project,
    commit: commit.hash,
    commitTime: commit.time,
    subject: commit.subject,
    ref: commit.ref,
    refKind: commit.refKind ?? null,
    dirty: request.dirty,
    createdAt: request.clock.now().toISOString(),
    environment,
    images,
    origin: environment === null ? null : request.origin,
    scan: null,
  };
  return { release, made };
}

/** A release's id says which commit it is and that its images are these and no others. */
export function releaseId(commit: string, images: Readonly<Record<string, ReleaseImage>>, dirty: boolean): string {
  const digests = Object.entries(images).map(([name, image]) => [name, image.digest]);
  const hash = createHash("sha256")
    .update(JSON.stringify([commit, digests]))
    .digest("hex");
  return `${commit.slice(0, 7)}-${hash.slice(0, 6)}${dirty ? "-dirty" : ""}`;
}
