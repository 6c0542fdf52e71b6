import { ShiplockError } from "../../errors.ts";
import type { EngineInfo } from "../../hosts/engine.ts";
import type { PlatformDigests, ReleaseImage } from "../../release/types.ts";

type EngineKind = Pick<EngineInfo, "os" | "architecture" | "containerdImageStore">;

/**
 * The digests of an image on the platform that a host runs.
 * @throws ShiplockError `image/no-platform`
 */
export function digestsOn(image: ReleaseImage, { os, architecture }: EngineKind, host: string): PlatformDigests {
  const own = `${os}/${architecture}`;
  const platforms = Object.keys(image.platforms);
  const platform = platforms.find((each) => each === own) ?? platforms.find((each) => each.startsWith(`${own}/`));
  const digests = image.platforms[platform ?? ""];
  if (digests !== undefined) return digests;
  throw new ShiplockError({
    code: "image/no-platform",
    blame: "usage",
    message: `${host} runs ${own}, and the image "${image.name}" was built for ${platforms.join(", ") || "nothing"}`,
    remedy: `add ${own} to the platforms of images.${image.name}, and commit`,
  });
}

/**
 * The id that an image which is in no registry has in the engine of a host: the digest of its configuration, or, with the containerd store, that of its manifest.
 * @throws ShiplockError `image/no-platform`, `image/other-store`
 */
export function imageIdOn(image: ReleaseImage, engine: EngineKind, host: string): string {
  const { manifest, config } = digestsOn(image, engine, host);
  if (!engine.containerdImageStore) return config;
  // Such an engine would make up a manifest for what was built without one, which nobody could compare with anything.
  if (manifest !== config) return manifest;
  throw new ShiplockError({
    code: "image/other-store",
    blame: "usage",
    message: `the engine of ${host} keeps images in the containerd store, and the one that built "${image.name}" does not, so nothing would say that they are the same`,
    remedy:
      "let both engines store images the same way (`containerd-snapshotter` in daemon.json), or name a registry in shiplock.yml",
  });
}

/** What a container of a host is created from: a digest in a registry, or the id of what came from another engine. Neither can come to mean something else. */
export function imageReferenceOn(image: ReleaseImage, engine: EngineKind, host: string): string {
  return image.from === "engine" ? imageIdOn(image, engine, host) : `${image.repository}@${image.digest}`;
}
