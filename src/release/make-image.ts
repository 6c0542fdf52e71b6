import { join } from "node:path";
import type { Environment, Image } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Builder } from "./build.ts";
import type { PlatformImage } from "./registry/types.ts";
import type { Shipper } from "./ship.ts";
import type { Commit } from "./source.ts";
import { imageTag } from "./tags.ts";
import type { PlatformDigests, ReleaseImage } from "./types.ts";

export type MakeImageRequest = {
  environment: Environment;
  commit: Commit;
  dirty: boolean;
  /** A clean checkout of the commit. */
  checkout: string;
  builder: Builder;
  shipper: Shipper;
  /** Build arguments of an image, values filled in. */
  argumentsOf: (image: string) => Readonly<Record<string, string>>;
  /** Value of a build secret; throws when it is missing. */
  secret: (name: string) => string;
  /** Images of the same commit that were made before and belong to every environment: they are not built again. */
  made: Readonly<Record<string, ReleaseImage>>;
  /** Release of another environment that this one is made for. */
  origin: string | null;
  buildTimeoutMs: number;
  signal: AbortSignal;
  log: (image: string, line: string) => void;
};

/** Finds one image of a commit for an environment, or builds and ships it. */
export async function findOrMake(image: Image, request: MakeImageRequest): Promise<ReleaseImage> {
  const tag =
    imageTag(request.environment.tagPrefix, request.commit.ref, request.commit.hash) + (request.dirty ? "-dirty" : "");
  const made = request.dirty || image.perEnvironment ? undefined : request.made[image.name];
  if (made !== undefined && made.repository === image.repository && (await request.shipper.has(made, request.signal))) {
    // Built once for all environments; each environment that it reaches gives it a name of its own.
    if (made.tag !== tag) await request.shipper.tag(made, tag, request.signal);
    request.log(image.name, `built before as ${made.tag}`);
    return { ...made, tag };
  }
  if (made !== undefined && request.origin !== null) throw imageGone(made, request.origin);
  return buildAndShip(image, tag, request);
}

/** Building it again might make something else than what was tested. */
function imageGone(made: ReleaseImage, origin: string): ShiplockError {
  if (made.from === "engine") return carriedImageGone(made, origin);
  return new ShiplockError({
    code: "release/image-gone",
    message: `the image "${made.name}" of ${origin} is not in the registry any more (${made.repository}@${made.digest}), and a promotion builds nothing anew`,
    remedy: "push that digest again, or deploy the commit once more where it was tested and promote that",
  });
}

function carriedImageGone(made: ReleaseImage, origin: string): ShiplockError {
  return new ShiplockError({
    code: "release/image-gone",
    message: `the image "${made.name}" of ${origin} is in no registry, neither this machine nor a host that can be reached has it, and a promotion builds nothing anew`,
    remedy: `promote from ${made.builtOn ?? "the machine that built it"} if it still has the image, or deploy the commit once more where it was tested and promote that`,
  });
}

async function buildAndShip(image: Image, tag: string, request: MakeImageRequest): Promise<ReleaseImage> {
  const platforms: Record<string, PlatformImage> = {};
  const several = image.platforms.length > 1;
  const log = (line: string): void => request.log(image.name, line);
  const bounds = { timeoutMs: request.buildTimeoutMs, signal: request.signal, log };
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
      ...bounds,
    });
    platforms[platform] = await request.shipper.ship({ name: image.name, reference, platform, ...bounds });
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
  return {
    name: image.name,
    repository: image.repository,
    tag,
    digest: several ? await request.shipper.join(image.repository, platforms, tag, request.signal) : first.manifest,
    platforms: digests,
    environment: image.perEnvironment ? request.environment.name : null,
    ...request.shipper.whence(image.repository),
  };
}
