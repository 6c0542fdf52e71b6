import type { Clock } from "../clock.ts";
import type { Environment, Image } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Built } from "./build.ts";
import { buildPlatform, type BuildSource, noPlatform } from "./build-image.ts";
import type { BuiltImage } from "./evidence.ts";
import { freeTag } from "./free-tag.ts";
import type { KnownInputs } from "./inputs/of-image.ts";
import { allOrNone } from "./parallel.ts";
import { refusePublic } from "./public-image.ts";
import type { PlatformImage } from "./registry/types.ts";
import type { Shipper } from "./ship.ts";
import type { PlatformDigests, ReleaseImage } from "./types.ts";

export type MakeImageRequest = BuildSource & {
  environment: Environment;
  dirty: boolean;
  shipper: Shipper;
  /** Looks at what was built before it goes anywhere; throws when it must not. */
  examine: (built: BuiltImage) => Promise<void>;
  /** Hash of all that decides what an image holds, read anew with every call. */
  inputsOf: (image: Image) => Promise<KnownInputs>;
  /** Images of earlier releases, the newest first, from one place after the other: a later place is asked only when the ones before have no image that fits. */
  known: readonly (() => Promise<readonly ReleaseImage[]>)[];
  /** Images of the same commit that were made before and belong to every environment: they are not built again. */
  made: Readonly<Record<string, ReleaseImage>>;
  /** Release of another environment that this one is made for. */
  origin: string | null;
  clock: Clock;
  log: (image: string, line: string) => void;
};

/** How an image of a release was come by. */
export type MadeImage = {
  image: ReleaseImage;
  /** `built` now; `found` as an image of this very commit; `reused` from a release of another commit with the same inputs. */
  how: "built" | "found" | "reused";
  ms: number;
  /** By platform, for what was built. */
  builds: Readonly<Record<string, Built>>;
};

/** Finds one image of a commit for an environment, takes over one with the same inputs, or builds and ships it. */
export async function findOrMake(image: Image, request: MakeImageRequest): Promise<MadeImage> {
  const began = request.clock.elapsed();
  const done = (made: ReleaseImage, how: MadeImage["how"], builds: MadeImage["builds"] = {}): MadeImage => ({
    image: made,
    how,
    ms: Math.round(request.clock.elapsed() - began),
    builds,
  });
  const tag = await freeTag(image, request);
  const made = request.dirty || image.perEnvironment || request.noCache ? undefined : request.made[image.name];
  if (made !== undefined && made.repository === image.repository && (await request.shipper.has(made, request.signal))) {
    request.log(image.name, `built before as ${made.tag}`);
    return done(await named(made, tag, request), "found");
  }
  if (made !== undefined && request.origin !== null) throw imageGone(made, request.origin);

  const inputs = await request.inputsOf(image);
  const same = request.noCache || inputs.hash === null ? null : await withInputs(image, inputs.hash, request);
  if (same !== null) {
    await refusePublic(image, same.digest, request);
    request.log(image.name, `unchanged since ${same.tag}`);
    return done(await named(same, tag, request), "reused");
  }
  if (inputs.hash === null)
    request.log(image.name, `built in any case, since what goes into it is not known: ${inputs.why}`);
  await refusePublic(image, null, request);
  const { shipped, builds } = await buildAndShip(image, tag, request);
  await refusePublic(image, shipped.digest, request);
  // A working tree may have changed while it was built.
  const still = request.dirty ? await request.inputsOf(image) : inputs;
  return done({ ...shipped, inputs: still.hash === inputs.hash ? inputs.hash : null }, "built", builds);
}

/** Each environment that an image reaches gives it a name of its own. */
async function named(made: ReleaseImage, tag: string, request: MakeImageRequest): Promise<ReleaseImage> {
  if (made.tag !== tag) await request.shipper.tag(made, tag, request.signal);
  return { ...made, tag };
}

/** An image that some release has, that holds what this one would hold, and that is still there. */
async function withInputs(image: Image, inputs: string, request: MakeImageRequest): Promise<ReleaseImage | null> {
  const belongsTo = image.perEnvironment ? request.environment.name : null;
  const tried = new Set<string>();
  for (const place of request.known) {
    for (const candidate of await place()) {
      // Records of an earlier Shiplock do not have inputs.
      if (candidate.inputs !== inputs || candidate.name !== image.name || tried.has(candidate.digest)) continue;
      if (candidate.repository !== image.repository || candidate.environment !== belongsTo) continue;
      tried.add(candidate.digest);
      if (await request.shipper.has(candidate, request.signal)) return candidate;
    }
  }
  return null;
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

type Shipped = { platform: string; digests: PlatformImage; built: Built };

async function buildAndShip(
  image: Image,
  tag: string,
  request: MakeImageRequest,
): Promise<{ shipped: Omit<ReleaseImage, "inputs">; builds: Record<string, Built> }> {
  const several = image.platforms.length > 1;
  const all = await allOrNone(image.platforms, request.signal, (platform, signal) => {
    const reference = `${image.repository}:${several ? `${tag}-${platform.replaceAll("/", "-")}` : tag}`;
    return shipPlatform(image, platform, reference, { ...request, signal });
  });
  const [first] = all;
  if (first === undefined) throw noPlatform(image.name);
  const platforms = Object.fromEntries(all.map(({ platform, digests }) => [platform, digests]));
  const digest = several
    ? await request.shipper.join(image.repository, platforms, tag, request.signal)
    : first.digests.manifest;
  const shipped = {
    name: image.name,
    repository: image.repository,
    tag,
    digest,
    platforms: Object.fromEntries(
      all.map(({ platform, digests: { manifest, config } }): [string, PlatformDigests] => [
        platform,
        { manifest, config },
      ]),
    ),
    environment: image.perEnvironment ? request.environment.name : null,
    ...request.shipper.whence(image.repository),
  };
  return { shipped, builds: Object.fromEntries(all.map(({ platform, built }) => [platform, built])) };
}

async function shipPlatform(
  image: Image,
  platform: string,
  reference: string,
  request: MakeImageRequest,
): Promise<Shipped> {
  const built = await buildPlatform(image, platform, { reference, purpose: "keep" }, request);
  // It is in the builder's engine, under its reference, and nowhere else yet.
  await request.examine({ image, platform, reference, signal: request.signal });
  const digests = await request.shipper.ship({
    name: image.name,
    reference,
    platform,
    timeoutMs: request.buildTimeoutMs,
    signal: request.signal,
    log: (line) => request.log(image.name, line),
  });
  return { platform, digests, built };
}
