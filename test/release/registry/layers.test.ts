import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFakeRegistry } from "../../../src/release/registry/fake.ts";
import { layerSource } from "../../../src/release/registry/layers.ts";
import { OCI_MANIFEST } from "../../../src/release/registry/manifest.ts";
import type { ReleaseImage } from "../../../src/release/types.ts";
import { hasCode } from "../../hosts/contract.ts";
import { json } from "./images.ts";

const at = { registry: "registry.test", repository: "shop/web" };

async function pushed() {
  const registry = createFakeRegistry();
  const layers = ["base", "application"].map((content) => Buffer.from(content));
  const config = registry.putBlob(at, json({ rootfs: { diff_ids: ["sha256:b", "sha256:a"] } }));
  const described = layers.map((bytes) => ({
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
    digest: registry.putBlob(at, bytes),
    size: bytes.byteLength,
  }));
  const descriptor = { mediaType: "application/vnd.oci.image.config.v1+json", digest: config, size: 1 };
  const bytes = json({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: described });
  const manifest = await registry.putManifest(at, { mediaType: OCI_MANIFEST, bytes });
  const image: ReleaseImage = {
    ...{
      name: "web",
      repository: "registry.test/shop/web",
      tag: "v1",
      digest: manifest,
      environment: null,
      from: "registry",
      builtOn: null,
      inputs: null,
    },
    platforms: { "linux/amd64": { manifest, config } },
  };
  return { registry, image, digests: described.map(({ digest }) => digest) };
}

describe("the layers of a released image", () => {
  it("come with their compressed sizes and with the digests that an engine knows them by", async () => {
    const { registry, image, digests } = await pushed();
    const source = layerSource(registry);
    assert.deepEqual(await source.layers(image, "linux/amd64"), [
      { digest: digests[0], size: 4 },
      { digest: digests[1], size: 11 },
    ]);
    assert.deepEqual(await source.unpacked(image, "linux/amd64"), ["sha256:b", "sha256:a"]);
  });

  it("are asked for once, however many hosts want to know", async () => {
    const { registry, image } = await pushed();
    const source = layerSource(registry);
    const before = registry.calls.length;
    await Promise.all([1, 2, 3].map(() => source.layers(image, "linux/amd64")));
    assert.equal(registry.calls.length, before + 1);
  });

  it("of a platform that was not built are an error and no empty list", async () => {
    const { registry, image } = await pushed();
    assert.throws(() => layerSource(registry).layers(image, "linux/arm64"), hasCode("registry/not-found"));
  });
});
