import assert from "node:assert/strict";
import { test } from "node:test";
import type { PlatformImage } from "../../src/release/registry/types.ts";
import type { Shipper, ShipRequest } from "../../src/release/ship.ts";
import type { ReleaseImage } from "../../src/release/types.ts";

export type ShipperUnderTest = {
  shipper: Shipper;
  repository: string;
  /** Builds an image for a platform and keeps it in the builder's engine under its reference. */
  build(reference: string, platform: string): Promise<void>;
  /** Takes an image away from wherever the shipper brought it. */
  lose(image: ReleaseImage): Promise<void>;
  /** Whether a tag of the repository is known where the shipper brings images. */
  knowsTag(tag: string): Promise<boolean>;
};

/** The tests that every shipper passes; the sentences are those of src/release/ship.ts. */
export async function shipperContract(start: () => Promise<ShipperUnderTest>): Promise<void> {
  const signal = new AbortController().signal;
  const requestFor = (repository: string, platform: string, tag: string): ShipRequest => ({
    ...{ name: "web", reference: `${repository}:${tag}`, platform, timeoutMs: 5_000, signal },
    log: () => undefined,
  });

  async function shipped(given: ShipperUnderTest, platform: string, tag = "main"): Promise<PlatformImage> {
    const request = requestFor(given.repository, platform, tag);
    await given.build(request.reference, platform);
    return given.shipper.ship(request);
  }

  function recorded(
    { shipper, repository }: ShipperUnderTest,
    digest: string,
    platforms: Readonly<Record<string, PlatformImage>>,
  ): ReleaseImage {
    const digests = Object.entries(platforms).map(([name, { manifest, config }]) => [name, { manifest, config }]);
    return {
      ...{ name: "web", repository, tag: "main", digest, environment: null, inputs: null },
      platforms: Object.fromEntries(digests),
      ...shipper.whence(repository),
    };
  }

  await test("what was shipped is there by its digests, and shipping it again answers the same", async () => {
    const given = await start();
    const first = await shipped(given, "linux/amd64");
    assert.match(`${first.manifest} ${first.config}`, /^sha256:[0-9a-f]{64} sha256:[0-9a-f]{64}$/);
    assert.deepEqual(await given.shipper.ship(requestFor(given.repository, "linux/amd64", "main")), first);
    assert.equal(await given.shipper.has(recorded(given, first.manifest, { "linux/amd64": first }), signal), true);
  });

  await test("what was lost is not there", async () => {
    const given = await start();
    const first = await shipped(given, "linux/amd64");
    const image = recorded(given, first.manifest, { "linux/amd64": first });
    await given.lose(image);
    assert.equal(await given.shipper.has(image, signal), false);
  });

  await test("a tag is a further name, and nothing is moved", async () => {
    const given = await start();
    const first = await shipped(given, "linux/amd64");
    await given.shipper.tag(recorded(given, first.manifest, { "linux/amd64": first }), "production-main", signal);
    assert.deepEqual([await given.knowsTag("main"), await given.knowsTag("production-main")], [true, true]);
  });

  await test("an image that is not of its platform is refused, with what to do", async () => {
    const given = await start();
    const request = requestFor(given.repository, "linux/arm64", "main");
    await given.build(request.reference, "linux/amd64");
    await assert.rejects(given.shipper.ship(request), { remedy: /image\.platforms/ });
  });

  await test("several platforms have one digest, the same whatever order they come in, and are there together", async () => {
    const given = await start();
    const amd64 = await shipped(given, "linux/amd64", "main-amd64");
    const arm64 = await shipped(given, "linux/arm64", "main-arm64");
    assert.notEqual(amd64.config, arm64.config);
    const platforms = { "linux/amd64": amd64, "linux/arm64": arm64 };
    const digest = await given.shipper.join(given.repository, platforms, "main", signal);
    const other = { "linux/arm64": arm64, "linux/amd64": amd64 };
    assert.equal(await given.shipper.join(given.repository, other, "main", signal), digest);
    assert.ok(![amd64.manifest, arm64.manifest].includes(digest));
    assert.equal(await given.shipper.has(recorded(given, digest, platforms), signal), true);
  });
}
