import { fakeImage, type FakeImage } from "../../src/hosts/fake.ts";
import { localRepository } from "../../src/config/local-repository.ts";
import type { ReleaseDocument, ReleaseImage } from "../../src/release/types.ts";
import type { ImagePlace } from "../../src/hosts/image-places.ts";
import { makeDocument } from "../../src/release/snapshot.ts";
import { project, shop } from "./shop.ts";
import type { World } from "./world.ts";

/** An image as a release has it that was built without a registry. */
export function carriedImage(image: ReleaseImage): ReleaseImage {
  const config = image.platforms["linux/amd64"]?.config ?? "";
  return {
    ...image,
    repository: localRepository(project, image.name),
    digest: config,
    platforms: { "linux/amd64": { manifest: config, config } },
    from: "engine",
    builtOn: "adas-laptop",
  };
}

/** A version of the shop whose images are in no registry. */
export function carriedShop(version: string): ReleaseDocument {
  const { release, snapshot } = shop(version);
  const images = Object.fromEntries(Object.values(release.images).map((image) => [image.name, carriedImage(image)]));
  return makeDocument({ ...release, images }, snapshot);
}

/** The image as an engine has it: a base that all share, what one service's versions share, and what is the version's own. */
export function engineImage({ name, digest, tag, repository }: ReleaseImage): FakeImage {
  const layers = ["base", name, `${name} ${tag}`].map((layer) => `sha256:${layer}`);
  return fakeImage(`${repository}:${tag}`, { id: digest, layers });
}

/** A machine that has what was built for these releases, and is no host of the environment. */
export function builder(world: World, documents: readonly ReleaseDocument[], name = "this machine"): ImagePlace {
  const machine = world.fake.machine(name);
  for (const document of documents)
    for (const image of Object.values(document.release.images)) machine.addImage(engineImage(image));
  return {
    name,
    engine: async () => (await world.fake.connector.connect({ kind: "ssh", name, destination: name })).engine,
  };
}
