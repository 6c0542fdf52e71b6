import { createHash } from "node:crypto";
import { join } from "node:path";
import type { Config, Environment, Image } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Builder } from "./build.ts";
import { assembleIndex } from "./registry/assemble.ts";
import { parseReference } from "./registry/reference.ts";
import type { PlatformImage, Registry, RegistryLogin } from "./registry/types.ts";
import type { Commit } from "./source.ts";
import { imageTag } from "./tags.ts";
import type { PlatformDigests, Release, ReleaseImage } from "./types.ts";

export type MakeReleaseRequest = {
  config: Config;
  environment: Environment;
  commit: Commit;
  dirty: boolean;
  /** A clean checkout of the commit. */
  checkout: string;
  builder: Builder;
  registry: Registry;
  auth: RegistryLogin | null;
  /** Build arguments of an image, values filled in. */
  argumentsOf: (image: string) => Readonly<Record<string, string>>;
  /** Value of a build secret; throws when it is missing. */
  secret: (name: string) => string;
  /** Images of the same commit that were made before and belong to every environment: they are not built again. */
  made: Readonly<Record<string, ReleaseImage>>;
  /** Release of another environment that this one is made for. */
  origin: string | null;
  now: Date;
  buildTimeoutMs: number;
  signal: AbortSignal;
  log: (image: string, line: string) => void;
};

/**
 * Finds or makes the images of a commit for an environment: builds what was not built, pushes it, and reads from the registry what it is. What comes back is named by digests
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

async function findOrMake(image: Image, request: MakeReleaseRequest): Promise<ReleaseImage> {
  const tag =
    imageTag(request.environment.tagPrefix, request.commit.ref, request.commit.hash) + (request.dirty ? "-dirty" : "");
  const made = request.dirty || image.perEnvironment ? undefined : request.made[image.name];
  const reference = parseReference(`${image.repository}:${tag}`);
  if (
    made !== undefined &&
    made.repository === image.repository &&
    (await request.registry.exists({ ...reference, tag: null, digest: made.digest }, { signal: request.signal }))
  ) {
    // Built once for all environments; each environment that it reaches gives it a name of its own.
    if (made.tag !== tag) await request.registry.tag(reference, made.digest, tag, { signal: request.signal });
    request.log(image.name, `built before as ${made.tag}`);
    return { ...made, tag };
  }
  if (made !== undefined && request.origin !== null) throw imageGone(made, request.origin);
  return buildAndPush(image, tag, request);
}

/** Building it again might make something else than what was tested. */
function imageGone(made: ReleaseImage, origin: string): ShiplockError {
  return new ShiplockError({
    code: "release/image-gone",
    message: `the image "${made.name}" of ${origin} is not in the registry any more (${made.repository}@${made.digest}), and a promotion builds nothing anew`,
    remedy: "push that digest again, or deploy the commit once more where it was tested and promote that",
  });
}

async function buildAndPush(image: Image, tag: string, request: MakeReleaseRequest): Promise<ReleaseImage> {
  const platforms: Record<string, PlatformImage> = {};
  const several = image.platforms.length > 1;
  for (const platform of image.platforms) {
    const reference = `${image.repository}:${several ? `${tag}-${platform.replaceAll("/", "-")}` : tag}`;
    await request.builder.build({
      name: image.name,
      context: join(request.checkout, image.context),
      dockerfile: image.dockerfile,
      target: image.target ?? null,
      platform,
      args: request.argumentsOf(image.name),
      secrets: Object.fromEntries(image.secrets.map((name) => [name, request.secret(name)])),
      network: image.network ?? null,
      commit: request.commit,
      reference,
      timeoutMs: request.buildTimeoutMs,
      signal: request.signal,
      log: (line) => request.log(image.name, line),
    });
    platforms[platform] = await push(image, reference, platform, request);
  }
  const digests: Record<string, PlatformDigests> = Object.fromEntries(
    Object.entries(platforms).map(([platform, { manifest, config }]) => [platform, { manifest, config }]),
  );
  const [first] = Object.values(digests);
  if (first === undefined)
    throw new ShiplockError({
      code: "release/no-platform",
      blame: "usage",
      message: `the image "${image.name}" names no platform`,
    });
  const digest = several
    ? await assembleIndex(request.registry, parseReference(image.repository), platforms, {
        tag,
        signal: request.signal,
      })
    : first.manifest;
  return {
    name: image.name,
    repository: image.repository,
    tag,
    digest,
    platforms: digests,
    environment: image.perEnvironment ? request.environment.name : null,
  };
}

/** What was pushed is what the registry says it has, not what the engine says it sent. */
async function push(
  image: Image,
  reference: string,
  platform: string,
  request: MakeReleaseRequest,
): Promise<PlatformImage> {
  const { auth } = request;
  const login =
    auth === null
      ? undefined
      : { username: auth.username, password: auth.password, serverAddress: auth.address.split("/")[0] ?? auth.address };
  const digest = await request.builder.engine.pushImage(reference, login, undefined, {
    signal: request.signal,
    timeoutMs: request.buildTimeoutMs,
  });
  const parsed = parseReference(reference);
  const resolved = await request.registry.resolve(
    { ...parsed, tag: digest === "" ? parsed.tag : null, digest: digest === "" ? null : digest },
    { signal: request.signal },
  );
  const found = resolved?.platforms[platform];
  if (found !== undefined) {
    request.log(image.name, `pushed ${reference}`);
    return found;
  }
  throw new ShiplockError({
    code: "release/push-not-seen",
    message: `${reference} was pushed, but the registry does not have it for ${platform}`,
    remedy: "check image.platforms and the registry; nothing was deployed",
  });
}
