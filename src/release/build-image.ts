import { join } from "node:path";
import type { Image } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { BuildEvent, Builder, Built, BuildRequest, RemoteCache } from "./build.ts";
import type { Places } from "./parallel.ts";
import type { Commit } from "./source.ts";

/** What every build of a commit has in common. */
export type BuildSource = {
  commit: Commit;
  /** A clean checkout of the commit, or the working tree. */
  checkout: string;
  builder: Builder;
  /** How many builds run at the same moment. */
  places: Places;
  /** Build arguments of an image, values filled in. Errors: `build/secret-argument`, `config/unset-variable`. */
  argumentsOf: (image: string) => Readonly<Record<string, string>>;
  /** Values of an image's build secrets; throws when one is missing, naming all of them. */
  secretsOf: (image: Image) => Promise<Readonly<Record<string, string>>>;
  /** Every instruction is run again, and no image of another release is taken. */
  noCache: boolean;
  /** Where the layer cache of an image lies in a registry; null for nowhere. */
  cacheOf: (image: Image, platform: string) => RemoteCache | null;
  buildTimeoutMs: number;
  signal: AbortSignal;
  tell: (image: string, platform: string, event: BuildEvent) => void;
};

/** Builds one platform of an image, as soon as there is a place. */
export function buildPlatform(
  image: Image,
  platform: string,
  { reference, purpose }: Pick<BuildRequest, "reference" | "purpose">,
  source: BuildSource,
): Promise<Built> {
  return source.places.take(async () => {
    source.signal.throwIfAborted();
    return source.builder.build({
      name: image.name,
      context: join(source.checkout, image.context),
      dockerfile: image.dockerfile,
      target: image.target ?? null,
      platform,
      args: source.argumentsOf(image.name),
      secrets: await source.secretsOf(image),
      network: image.network ?? null,
      commit: source.commit,
      reference,
      purpose,
      noCache: source.noCache,
      cache: source.cacheOf(image, platform),
      timeoutMs: source.buildTimeoutMs,
      signal: source.signal,
      tell: (event) => source.tell(image.name, platform, event),
    });
  });
}

/** Looks that the arguments of all images can be had and hold no secret, before the first is built. */
export function checkArguments(images: readonly Image[], source: Pick<BuildSource, "argumentsOf">): void {
  for (const image of images) source.argumentsOf(image.name);
}

export function noPlatform(image: string): ShiplockError {
  return new ShiplockError({
    code: "release/no-platform",
    blame: "usage",
    message: `the image "${image}" names no platform`,
  });
}
