import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Environment, Image } from "../../src/config/types.ts";
import { ShiplockError } from "../../src/errors.ts";
import type { Engine } from "../../src/hosts/engine.ts";
import { freeTag } from "../../src/release/free-tag.ts";
import { refusePublic } from "../../src/release/public-image.ts";
import { registryError } from "../../src/release/registry/errors.ts";
import { createFakeRegistry, type FakeRegistry } from "../../src/release/registry/fake.ts";
import { digestOf, OCI_MANIFEST } from "../../src/release/registry/manifest.ts";
import { registryShipper } from "../../src/release/ship.ts";
import type { ReleaseImage } from "../../src/release/types.ts";
import { json } from "./registry/images.ts";

const repository = "registry.example.com/shop/web";
const place = { registry: "registry.example.com", repository: "shop/web" };
const commit = `abc1234${"0".repeat(33)}`;
const twin = `abc1234${"1".repeat(33)}`;
const signal = new AbortController().signal;
const image = { name: "web", repository, perEnvironment: true, public: false } as Image;

/** Puts an image there whose label names its commit, or nothing. */
async function put(registry: FakeRegistry, tag: string, revision: string | null, content = ""): Promise<string> {
  const labels = revision === null ? {} : { "org.opencontainers.image.revision": revision };
  const config = json({ os: "linux", architecture: "amd64", config: { Labels: { ...labels, content } } });
  registry.putBlob(place, config);
  const descriptor = {
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: digestOf(config),
    size: config.byteLength,
  };
  const bytes = json({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: descriptor, layers: [] });
  return registry.putManifest(place, { mediaType: OCI_MANIFEST, bytes, tag });
}

function requestOf(registry: FakeRegistry, anonymous: Pick<FakeRegistry, "exists" | "listTags"> = registry) {
  const said: string[] = [];
  return {
    said,
    environment: { name: "staging", tagPrefix: "staging" } as Environment,
    commit: { hash: commit, ref: "main", time: "", subject: "" },
    dirty: false,
    made: {} as Record<string, ReleaseImage>,
    shipper: registryShipper({} as Engine, registry, null, anonymous),
    signal,
    log: (_name: string, line: string) => void said.push(line),
  };
}

describe("the tag for an image that is built now", () => {
  it("has seven characters of the commit where they are free or this commit's own, built again or not", async () => {
    const registry = createFakeRegistry();
    const request = requestOf(registry);
    assert.equal(await freeTag(image, request), "staging-main-abc1234");
    await put(registry, "staging-main-abc1234", commit);
    assert.equal(await freeTag(image, request), "staging-main-abc1234");
    assert.deepEqual(request.said, []);
  });

  it("has more of them where another commit's image has that tag, which stays where it was; and that is told", async () => {
    const registry = createFakeRegistry();
    const digest = await put(registry, "staging-main-abc1234", twin);
    const request = requestOf(registry);
    assert.equal(await freeTag(image, request), "staging-main-abc1234000");
    assert.deepEqual(request.said, [
      `the tag staging-main-abc1234 names commit ${twin}; a longer part of this commit's hash is taken`,
    ]);
    assert.equal((await registry.head({ ...place, tag: "staging-main-abc1234", digest: null }))?.digest, digest);
  });

  it("has more of them where something has that tag which was not built here, and is refused when all are taken", async () => {
    const registry = createFakeRegistry();
    await put(registry, "staging-main-abc1234", null);
    const request = requestOf(registry);
    assert.equal(await freeTag(image, request), "staging-main-abc1234000");
    for (const length of [10, 14, 20, 28, 40]) await put(registry, `staging-main-${commit.slice(0, length)}`, null);
    await assert.rejects(freeTag(image, request), { code: "release/no-tag" });
  });

  it("has seven characters where the repository is denied before its first push (as Docker Hub's), and no tag with a wrong login", async () => {
    const failing = (code: "registry/denied" | "registry/unauthorized") => {
      const registry = createFakeRegistry();
      registry.failWith(registryError(code, "requested access to the resource is denied"));
      return requestOf(registry);
    };
    assert.equal(await freeTag(image, failing("registry/denied")), "staging-main-abc1234");
    await assert.rejects(freeTag(image, failing("registry/unauthorized")), { code: "registry/unauthorized" });
  });

  it("stays with an image of an earlier commit that has not changed since", async () => {
    const registry = createFakeRegistry();
    await put(registry, "staging-main-abc1234", "e".repeat(40));
    assert.equal(await freeTag(image, requestOf(registry)), "staging-main-abc1234");
  });

  it("is the one that was recorded, without asking again", async () => {
    const registry = createFakeRegistry();
    const request = requestOf(registry);
    request.made = { web: { name: "web", repository, tag: "staging-main-abc1234000" } as ReleaseImage };
    assert.equal(await freeTag(image, request), "staging-main-abc1234000");
    assert.deepEqual(registry.calls, []);
  });
});

describe("an image with values of an environment", () => {
  const refusal = { code: "release/image-public", blame: "gate", remedy: /public: true/ } as const;
  /** A registry as who has no login meets it: everything is hidden. */
  const closed = (code: "registry/unauthorized" | "registry/denied" | "registry/unavailable") => {
    const refuse = async () => {
      throw registryError(code, "no");
    };
    return { exists: refuse, listTags: refuse };
  };

  it("is refused before it is built where anybody can see what the repository has", async () => {
    const registry = createFakeRegistry();
    await put(registry, "older", "e".repeat(40));
    await assert.rejects(refusePublic(image, null, requestOf(registry)), {
      ...refusal,
      message: /nothing was built or pushed/,
    });
  });

  it("is refused after the push where anybody can pull it", async () => {
    const registry = createFakeRegistry();
    await refusePublic(image, null, requestOf(registry));
    const digest = await put(registry, "staging-main-abc1234", commit);
    await assert.rejects(refusePublic(image, digest, requestOf(registry)), { ...refusal, message: /is not deployed/ });
  });

  it("is taken where the registry wants a login, and where the configuration allows that everybody knows it", async () => {
    const registry = createFakeRegistry();
    const digest = await put(registry, "staging-main-abc1234", commit);
    for (const code of ["registry/unauthorized", "registry/denied"] as const)
      for (const asked of [null, digest]) await refusePublic(image, asked, requestOf(registry, closed(code)));
    await refusePublic({ ...image, public: true }, digest, requestOf(registry));
    await refusePublic({ ...image, perEnvironment: false }, digest, requestOf(registry));
  });

  it("is not taken for private when that cannot be found out", async () => {
    const request = requestOf(createFakeRegistry(), closed("registry/unavailable"));
    await assert.rejects(
      refusePublic(image, `sha256:${"0".repeat(64)}`, request),
      (error) => error instanceof ShiplockError && error.code === "registry/unavailable",
    );
  });
});
