import { createHash } from "node:crypto";
import type { Config } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import { findOrMake, type MakeImageRequest } from "./make-image.ts";
import type { Release, ReleaseImage } from "./types.ts";

export type MakeReleaseRequest = MakeImageRequest & { config: Config; now: Date };

/**
 * Finds or makes the images of a commit for an environment: builds what was not built, ships it, and reads where it went what it is. What comes back is named by digests
 * alone; an image that holds values of the environment belongs to that environment.
 */
export async function makeRelease(request: MakeReleaseRequest): Promise<Release> {
  const used = [...new Set(Object.values(request.config.services).map((service) => service.image))].sort();
  const images: Record<string, ReleaseImage> = {};
  for (const name of used) {
    const image = request.config.images[name];
    if (image === undefined)
      throw new ShiplockError({ code: "release/no-image", blame: "bug", message: `no image "${name}"` });
    images[name] = await findOrMake(image, request);
  }
  const environment = Object.values(images).some((image) => image.environment !== null)
    ? request.environment.name
    : null;
  const { commit } = request;
  return {
    version: 1,
    id: releaseId(commit.hash, images, request.dirty),
    project: request.config.project,
    commit: commit.hash,
    commitTime: commit.time,
    subject: commit.subject,
    ref: commit.ref,
    dirty: request.dirty,
    createdAt: request.now.toISOString(),
    environment,
    images,
    origin: environment === null ? null : request.origin,
  };
}

/** A release's id says which commit it is and that its images are these and no others. */
export function releaseId(commit: string, images: Readonly<Record<string, ReleaseImage>>, dirty: boolean): string {
  const digests = Object.entries(images).map(([name, image]) => [name, image.digest]);
  const hash = createHash("sha256")
    .update(JSON.stringify([commit, digests]))
    .digest("hex");
  return `${commit.slice(0, 7)}-${hash.slice(0, 6)}${dirty ? "-dirty" : ""}`;
}
