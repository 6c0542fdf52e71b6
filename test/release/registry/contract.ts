import assert from "node:assert/strict";
import { test } from "node:test";
import { assembleIndex } from "../../../src/release/registry/assemble.ts";
import { digestOf, OCI_INDEX, OCI_MANIFEST } from "../../../src/release/registry/manifest.ts";
import { isReferrersTag } from "../../../src/release/registry/reference.ts";
import { attachToImage, readReferrer, referrersOf } from "../../../src/release/registry/referrers.ts";
import type { Registry, Repository } from "../../../src/release/registry/types.ts";
import { imageBytes, json, type PutBlob, pushImage } from "./images.ts";

export type RegistryUnderTest = { registry: Registry; putBlob: PutBlob; host: string };

/** The tests that every registry passes; the sentences are those of src/release/registry/types.ts. */
export async function registryContract(start: () => Promise<RegistryUnderTest>): Promise<void> {
  const absent = `sha256:${"0".repeat(64)}`;
  let count = 0;
  async function fresh() {
    const { registry, putBlob, host } = await start();
    count += 1;
    const repository: Repository = { registry: host, repository: `shop/web-${count}` };
    const at = (tag: string | null, digest: string | null = null) => ({ ...repository, tag, digest });
    return { registry, putBlob, repository, at };
  }

  await test("an image is resolved to its manifest and configuration, the platform read from the configuration", async () => {
    const { registry, putBlob, repository, at } = await fresh();
    const image = await pushImage(registry, putBlob, repository, { content: "1", tag: "main" });
    assert.deepEqual(await registry.resolve(at("main")), { platforms: { "linux/amd64": image } });
    assert.deepEqual(await registry.resolve(at(null, image.manifest)), { platforms: { "linux/amd64": image } });
    const manifest = await registry.manifest(at("main"));
    assert.equal(manifest.digest, image.manifest);
    assert.equal(digestOf(manifest.bytes), image.manifest);
    const config = Buffer.from(await registry.blob(repository, image.config)).toString();
    assert.equal(JSON.parse(config).architecture, "amd64");
  });

  await test("an index is resolved platform by platform, attestations left out", async () => {
    const { registry, putBlob, repository, at } = await fresh();
    const amd64 = await pushImage(registry, putBlob, repository, { content: "1" });
    const arm64 = await pushImage(registry, putBlob, repository, {
      content: "1",
      architecture: "arm64",
      variant: "v8",
    });
    const armv7 = await pushImage(registry, putBlob, repository, { content: "1", architecture: "arm", variant: "v7" });
    const proof = await pushImage(registry, putBlob, repository, {
      content: "proof",
      os: "unknown",
      architecture: "unknown",
    });
    const entry = (image: typeof amd64, platform: object) => ({
      mediaType: image.mediaType,
      digest: image.manifest,
      size: image.size,
      platform,
    });
    const index = json({
      schemaVersion: 2,
      mediaType: OCI_INDEX,
      manifests: [
        entry(amd64, { os: "linux", architecture: "amd64" }),
        entry(arm64, { os: "linux", architecture: "arm64", variant: "v8" }),
        entry(armv7, { os: "linux", architecture: "arm", variant: "v7" }),
        entry(proof, { os: "unknown", architecture: "unknown" }),
      ],
    });
    const digest = await registry.putManifest(repository, { mediaType: OCI_INDEX, bytes: index, tag: "main" });
    assert.deepEqual(await registry.resolve(at("main")), {
      index: { digest, mediaType: OCI_INDEX },
      platforms: { "linux/amd64": amd64, "linux/arm64": arm64, "linux/arm/v7": armv7 },
    });
  });

  await test("a document put beside an image is found by the image's digest, twice is once, and the image stays what it is", async () => {
    const { registry, putBlob, repository, at } = await fresh();
    const image = await pushImage(registry, putBlob, repository, { content: "1", tag: "main" });
    const subject = { mediaType: image.mediaType, digest: image.manifest, size: image.size };
    const sbom = {
      artifactType: "application/vnd.cyclonedx+json",
      bytes: json({ bomFormat: "CycloneDX" }),
      at: "2026-01-01T00:00:00Z",
    };
    const proof = {
      artifactType: "application/vnd.in-toto+json",
      bytes: json({ _type: "statement" }),
      at: "2026-01-01T00:00:00Z",
    };
    assert.deepEqual(await referrersOf(registry, repository, image.manifest), []);
    for (const document of [sbom, proof, sbom]) await attachToImage(registry, repository, subject, document);

    const found = await referrersOf(registry, repository, image.manifest);
    assert.deepEqual(
      found.map(({ artifactType }) => artifactType ?? "").sort(),
      [sbom.artifactType, proof.artifactType].sort(),
    );
    const listed = found.find(({ artifactType }) => artifactType === proof.artifactType);
    const bytes = await readReferrer(registry, repository, listed?.digest ?? "");
    assert.deepEqual(JSON.parse(Buffer.from(bytes).toString("utf8")), { _type: "statement" });

    assert.deepEqual(await registry.resolve(at("main")), { platforms: { "linux/amd64": image } });
    const tags = (await registry.listTags(repository)).filter((tag) => !isReferrersTag(tag));
    assert.deepEqual(tags, ["main"]);
    await registry.tag(repository, image.manifest, "v1");
    assert.deepEqual(await registry.resolve(at("v1")), { platforms: { "linux/amd64": image } });
  });

  await test("a blob is uploaded whole, and again without harm", async () => {
    const { registry, repository } = await fresh();
    const bytes = Buffer.from(`{"note":"${"x".repeat(200_000)}"}`);
    const digest = await registry.uploadBlob(repository, bytes);
    assert.equal(await registry.uploadBlob(repository, bytes), digest);
    assert.deepEqual(Buffer.from(await registry.blob(repository, digest)), bytes);
  });

  await test("an index is assembled from manifests that are there, the same whatever order they come in", async () => {
    const { registry, putBlob, repository, at } = await fresh();
    const amd64 = await pushImage(registry, putBlob, repository, { content: "1" });
    const armv7 = await pushImage(registry, putBlob, repository, { content: "1", architecture: "arm", variant: "v7" });
    const digest = await assembleIndex(
      registry,
      repository,
      { "linux/arm/v7": armv7, "linux/amd64": amd64 },
      { tag: "v1" },
    );
    const again = await assembleIndex(registry, repository, { "linux/amd64": amd64, "linux/arm/v7": armv7 });
    assert.equal(again, digest);
    assert.deepEqual(await registry.resolve(at("v1")), {
      index: { digest, mediaType: OCI_INDEX },
      platforms: { "linux/amd64": amd64, "linux/arm/v7": armv7 },
    });
  });

  await test("an index over a manifest that is not there is refused", async () => {
    const { registry, putBlob, repository } = await fresh();
    const amd64 = await pushImage(registry, putBlob, repository, { content: "1" });
    const manifests = { "linux/amd64": amd64, "linux/arm64": { ...amd64, manifest: absent } };
    await assert.rejects(assembleIndex(registry, repository, manifests, { tag: "v1" }), { code: "registry/not-found" });
    assert.deepEqual(await registry.listTags(repository), []);
  });

  await test("a manifest whose configuration is not there is refused", async () => {
    const { registry, putBlob, repository } = await fresh();
    await pushImage(registry, putBlob, repository, { content: "1" });
    const { manifest } = imageBytes({ os: "linux", architecture: "amd64" }, "never pushed");
    const put = registry.putManifest(repository, { mediaType: OCI_MANIFEST, bytes: manifest });
    await assert.rejects(put, { code: "registry/not-found" });
  });

  await test("a tag is set and moved without touching what it names", async () => {
    const { registry, putBlob, repository, at } = await fresh();
    const first = await pushImage(registry, putBlob, repository, { content: "1", tag: "main" });
    const second = await pushImage(registry, putBlob, repository, { content: "2", tag: "next" });
    await registry.tag(repository, first.manifest, "prod-main");
    await registry.tag(repository, first.manifest, "prod-main");
    assert.equal((await registry.manifest(at("prod-main"))).digest, first.manifest);
    await registry.tag(repository, second.manifest, "prod-main");
    assert.equal((await registry.manifest(at("prod-main"))).digest, second.manifest);
    assert.equal((await registry.manifest(at("main"))).digest, first.manifest);
    assert.deepEqual(await registry.listTags(repository), ["main", "next", "prod-main"]);
    assert.equal((await registry.manifest(at("main", second.manifest))).digest, second.manifest, "the digest counts");
  });

  await test("what is not there is told so", async () => {
    const { registry, putBlob, repository, at } = await fresh();
    assert.equal(await registry.resolve(at("main")), null);
    assert.equal(await registry.exists(at("main")), false);
    assert.deepEqual(await registry.listTags(repository), []);
    const image = await pushImage(registry, putBlob, repository, { content: "1", tag: "main" });
    assert.equal(await registry.exists(at("main")), true);
    assert.equal(await registry.exists(at(null, image.manifest)), true);
    assert.equal(await registry.exists(at(null, absent)), false);
    await assert.rejects(registry.manifest(at("other")), { code: "registry/not-found" });
    await assert.rejects(registry.blob(repository, absent), { code: "registry/not-found" });
    await assert.rejects(registry.tag(repository, absent, "x"), { code: "registry/not-found" });
  });

  await test("what a tag names is told without its content", async () => {
    const { registry, putBlob, repository, at } = await fresh();
    const image = await pushImage(registry, putBlob, repository, { content: "1", tag: "main" });
    const named = { digest: image.manifest, mediaType: OCI_MANIFEST };
    assert.deepEqual(await registry.head(at("main")), named);
    assert.deepEqual(await registry.head(at(null, image.manifest)), named);
    assert.equal(await registry.head(at("other")), null);
  });

  await test("a manifest is deleted with its tags, and nothing else; once more is fine", async () => {
    const { registry, putBlob, repository, at } = await fresh();
    const first = await pushImage(registry, putBlob, repository, { content: "1", tag: "main" });
    const second = await pushImage(registry, putBlob, repository, { content: "2", tag: "next" });
    await registry.tag(repository, first.manifest, "again");
    await registry.deleteManifest(repository, first.manifest);
    await registry.deleteManifest(repository, first.manifest);
    for (const gone of [at("main"), at("again"), at(null, first.manifest)])
      assert.equal(await registry.exists(gone), false);
    assert.equal((await registry.head(at("next")))?.digest, second.manifest);
    assert.deepEqual(await registry.listTags(repository), ["next"]);
    await assert.rejects(registry.deleteManifest(repository, "main"), { code: "registry/bad-reference" });
  });

  await test("a tag that is none, and a reference that names nothing, are refused", async () => {
    const { registry, putBlob, repository, at } = await fresh();
    const image = await pushImage(registry, putBlob, repository, { content: "1" });
    await assert.rejects(registry.tag(repository, image.manifest, "a/../b"), { code: "registry/bad-reference" });
    await assert.rejects(registry.resolve(at(null)), { code: "registry/bad-reference" });
  });

  await test("a blob larger than allowed is not read to its end", async () => {
    const { registry, putBlob, repository } = await fresh();
    const digest = await putBlob(repository, Buffer.alloc(100_000));
    await assert.rejects(registry.blob(repository, digest, { maxBytes: 1000 }), { code: "registry/bad-answer" });
    assert.equal((await registry.blob(repository, digest)).byteLength, 100_000);
  });

  await test("an aborted call ends with its signal's reason", async () => {
    const { registry, at } = await fresh();
    const reason = new Error("enough");
    await assert.rejects(registry.resolve(at("main"), { signal: AbortSignal.abort(reason) }), reason);
  });
}
