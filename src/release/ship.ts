import { isLocalRepository } from "../config/local-repository.ts";
import { ShiplockError } from "../errors.ts";
import type { Engine } from "../hosts/engine.ts";
import { assembleIndex } from "./registry/assemble.ts";
import { isReadable, namedImage } from "./registry/named.ts";
import { parseReference } from "./registry/reference.ts";
import type { EngineLogin, PlatformImage, Registry } from "./registry/types.ts";
import type { ReleaseImage } from "./types.ts";

export type ShipRequest = {
  /** Name of the image in the configuration, for errors. */
  name: string;
  /** `repository:tag` under which the builder's engine has it. */
  reference: string;
  platform: string;
  timeoutMs: number;
  signal: AbortSignal;
  log: (line: string) => void;
};

/**
 * Where built images go, so that hosts can get them by digest.
 *
 * - **What may be repeated.** Everything; shipping what is there already moves nothing and answers the same.
 * - **What comes back** was read where the image went, never where it came from.
 * - **After a failure** a tag stands where it stood; layers without a name may be left behind.
 */
export type Shipper = {
  /** Whether what a release recorded is still there. */
  has(image: ReleaseImage, signal: AbortSignal): Promise<boolean>;
  /** What a tag names now, and of which commit that is (`null` where it does not say); `null` where the tag is free. */
  named(repository: string, tag: string, signal: AbortSignal): Promise<{ commit: string | null } | null>;
  /** Whether anybody can get an image without a login; without a digest, whether anybody can see what the repository has. */
  isPublic(repository: string, digest: string | null, signal: AbortSignal): Promise<boolean>;
  /** Gives what is there another tag; nothing is moved. */
  tag(image: ReleaseImage, tag: string, signal: AbortSignal): Promise<void>;
  /** Ships one platform of an image. Errors: `release/push-not-seen`, and those of engine and registry. */
  ship(request: ShipRequest): Promise<PlatformImage>;
  /** One name for an image of several platforms that were shipped; answers the digest that stands for all. */
  join(
    repository: string,
    platforms: Readonly<Record<string, PlatformImage>>,
    tag: string,
    signal: AbortSignal,
  ): Promise<string>;
  /** What a release records of where its hosts get an image. */
  whence(repository: string): Pick<ReleaseImage, "from" | "builtOn">;
};

/**
 * Ships to an OCI registry: the builder's engine pushes, and the registry is asked what it has.
 * @param anonymous the same registry as it answers without a login
 */
export function registryShipper(
  engine: Engine,
  registry: Registry,
  auth: EngineLogin | null,
  anonymous: Pick<Registry, "exists" | "listTags">,
): Shipper {
  return {
    named: (repository, tag, signal) =>
      namedImage(registry, { ...parseReference(repository), tag, digest: null }, { signal }),
    isPublic: (repository, digest, signal) =>
      isReadable(anonymous, { ...parseReference(repository), tag: null, digest }, { signal }),
    has: (image, signal) =>
      registry.exists({ ...parseReference(image.repository), tag: null, digest: image.digest }, { signal }),
    tag: (image, tag, signal) => registry.tag(parseReference(image.repository), image.digest, tag, { signal }),
    ship: (request) => push(engine, registry, auth, request),
    join: (repository, platforms, tag, signal) =>
      assembleIndex(registry, parseReference(repository), platforms, { tag, signal }),
    whence: () => ({ from: "registry", builtOn: null }),
  };
}

/** Ships each image the way that its name says: to its registry, or not at all before a host wants it. */
export function shipperByName(toRegistry: Shipper, toHosts: Shipper): Shipper {
  const by = (repository: string): Shipper => (isLocalRepository(repository) ? toHosts : toRegistry);
  return {
    named: (repository, tag, signal) => by(repository).named(repository, tag, signal),
    isPublic: (repository, digest, signal) => by(repository).isPublic(repository, digest, signal),
    has: (image, signal) => by(image.repository).has(image, signal),
    tag: (image, tag, signal) => by(image.repository).tag(image, tag, signal),
    ship: (request) => by(request.reference).ship(request),
    join: (repository, platforms, tag, signal) => by(repository).join(repository, platforms, tag, signal),
    whence: (repository) => by(repository).whence(repository),
  };
}

async function push(
  engine: Engine,
  registry: Registry,
  auth: EngineLogin | null,
  { reference, platform, timeoutMs, signal, log }: ShipRequest,
): Promise<PlatformImage> {
  const parsed = parseReference(reference);
  const login = await auth?.(`${parsed.registry}/${parsed.repository}`);
  const digest = await engine.pushImage(reference, login, undefined, { signal, timeoutMs });
  const resolved = await registry.resolve(
    { ...parsed, tag: digest === "" ? parsed.tag : null, digest: digest === "" ? null : digest },
    { signal },
  );
  const found = resolved?.platforms[platform];
  if (found !== undefined) {
    log(`pushed ${reference}`);
    return found;
  }
  throw new ShiplockError({
    code: "release/push-not-seen",
    message: `${reference} was pushed, but the registry does not have it for ${platform}`,
    remedy: "check image.platforms and the registry; nothing was deployed",
  });
}
