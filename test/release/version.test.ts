import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { registryError } from "../../src/release/registry/errors.ts";
import { createFakeRegistry, type FakeRegistry } from "../../src/release/registry/fake.ts";
import { digestOf, OCI_MANIFEST } from "../../src/release/registry/manifest.ts";
import { imageTag } from "../../src/release/tags.ts";
import type { Release, ReleaseImage } from "../../src/release/types.ts";
import { beforeSentence, checkVersion, lookBeforeNaming, nameImages } from "../../src/release/version.ts";
import { json } from "./registry/images.ts";

const signal = new AbortController().signal;
const commit = "c0ffee0123456789abcdef0123456789abcdef01";

async function put(registry: FakeRegistry, name: string, tag: string, revision: string): Promise<string> {
  const at = { registry: "registry.example.com", repository: `shop/${name}` };
  const labels = { "org.opencontainers.image.revision": revision };
  const config = json({ os: "linux", architecture: "amd64", config: { Labels: labels } });
  registry.putBlob(at, config);
  const entry = {
    mediaType: "application/vnd.oci.image.config.v1+json",
    digest: digestOf(config),
    size: config.byteLength,
  };
  const bytes = json({ schemaVersion: 2, mediaType: OCI_MANIFEST, config: entry, layers: [] });
  return registry.putManifest(at, { mediaType: OCI_MANIFEST, bytes, tag });
}

async function releaseIn(registry: FakeRegistry, revision = commit): Promise<Release> {
  const names = ["api", "web"];
  const images = await Promise.all(
    names.map(async (name): Promise<[string, ReleaseImage]> => {
      const tag = `production-main-${revision.slice(0, 7)}`;
      const digest = await put(registry, name, tag, revision);
      const repository = `registry.example.com/shop/${name}`;
      return [
        name,
        {
          name,
          repository,
          tag,
          digest,
          platforms: {},
          environment: null,
          from: "registry",
          builtOn: null,
          inputs: null,
        },
      ];
    }),
  );
  return { id: `r-${revision.slice(0, 7)}`, commit: revision, images: Object.fromEntries(images) } as Release;
}

async function named(registry: FakeRegistry, name: string, version: string): Promise<string | undefined> {
  const at = { registry: "registry.example.com", repository: `shop/${name}`, tag: version, digest: null };
  return (await registry.head(at))?.digest;
}

async function name(registry: FakeRegistry, release: Release, version: string, force = false): Promise<number> {
  return nameImages(await lookBeforeNaming(release, version, force, registry, signal), version, registry);
}

describe("naming a version", () => {
  it("every image of the release gets the name, and nothing is built, pulled or uploaded", async () => {
    const registry = createFakeRegistry();
    const release = await releaseIn(registry);
    const before = registry.calls.length;
    assert.equal(await name(registry, release, "v1.2.0"), 2);
    for (const image of ["api", "web"])
      assert.equal(await named(registry, image, "v1.2.0"), release.images[image]?.digest);
    const writes = registry.calls.slice(before).filter((call) => /^(put|tag)/.test(call));
    assert.deepEqual(
      writes.map((call) => call.split(" ")[0]),
      ["tag", "tag"],
    );
    assert.equal(await name(registry, release, "v1.2.0"), 0, "once more changes nothing");
  });

  it("a name that stands for something else is not moved, unless forced; then it is told what it stood for", async () => {
    const registry = createFakeRegistry();
    const older = await releaseIn(registry, "f".repeat(40));
    await name(registry, older, "v1.2.0");
    const newer = await releaseIn(registry);
    await assert.rejects(name(registry, newer, "v1.2.0"), (error: Error & { code?: string; details?: string[] }) => {
      assert.equal(error.code, "tag/exists");
      assert.match(error.details?.join("\n") ?? "", /shop\/api: sha256:[0-9a-f]+ of commit fffffff/);
      return true;
    });
    assert.equal(await named(registry, "api", "v1.2.0"), older.images["api"]?.digest);
    const looked = await lookBeforeNaming(newer, "v1.2.0", true, registry, signal);
    assert.match(looked.map(beforeSentence).join("\n"), /of commit fffffff/);
    assert.equal(await nameImages(looked, "v1.2.0", registry), 2);
    assert.equal(await named(registry, "api", "v1.2.0"), newer.images["api"]?.digest);
  });

  it("an image that is gone leaves every image without the name", async () => {
    const registry = createFakeRegistry();
    const release = await releaseIn(registry);
    registry.remove({ registry: "registry.example.com", repository: "shop/web" }, release.images["web"]?.digest ?? "");
    await assert.rejects(name(registry, release, "v1.2.0"), { code: "tag/image-gone" });
    assert.equal(await named(registry, "api", "v1.2.0"), undefined);
  });

  it("a failure in the middle is told with what has the name and what has not, and the same command finishes it", async () => {
    const registry = createFakeRegistry();
    const release = await releaseIn(registry);
    let left = 1;
    const failing: typeof registry = {
      ...registry,
      tag: async (...given) => {
        if (left-- <= 0) throw registryError("registry/unavailable", "registry.example.com (status 503)");
        return registry.tag(...given);
      },
    };
    await assert.rejects(name(failing, release, "v1.2.0"), {
      code: "tag/partial",
      message: /v1\.2\.0 was given to api and not yet to web: .*status 503/,
      remedy: /same command again/,
    });
    assert.equal(await name(registry, release, "v1.2.0"), 1);
    assert.equal(await named(registry, "web", "v1.2.0"), release.images["web"]?.digest);
  });

  it("a failure before anything is told as it is", async () => {
    const registry = createFakeRegistry();
    const release = await releaseIn(registry);
    const failing = { ...registry, tag: async () => Promise.reject(registryError("registry/denied", "read only")) };
    await assert.rejects(name(failing, release, "v1.2.0"), { code: "registry/denied" });
  });

  it("an image that lies in no registry cannot have a name there", async () => {
    const registry = createFakeRegistry();
    const release = await releaseIn(registry);
    const [api, web] = [release.images["api"], release.images["web"]] as [ReleaseImage, ReleaseImage];
    const carried = { ...release, images: { api, web: { ...web, from: "engine" as const, builtOn: "laptop" } } };
    await assert.rejects(name(registry, carried, "v1.2.0"), {
      code: "tag/no-registry",
      message: /web/,
      remedy: /--to/,
    });
    assert.equal(await named(registry, "api", "v1.2.0"), undefined);
  });

  it("two images in one repository cannot have one name", async () => {
    const registry = createFakeRegistry();
    const release = await releaseIn(registry);
    const [api, web] = [release.images["api"], release.images["web"]] as [ReleaseImage, ReleaseImage];
    const shared = {
      ...release,
      images: { api, web: { ...web, repository: api.repository, digest: `sha256:${"0".repeat(64)}` } },
    };
    await assert.rejects(name(registry, shared, "v1.2.0"), { code: "tag/one-repository" });
  });
});

describe("the name of a version", () => {
  const prefixes = ["staging", "prod"];

  it("is a tag like v1.2.0", () => {
    for (const good of ["v1.2.0", "1.2.0-rc.1", "2026-11-21", "spring_release"])
      assert.equal(checkVersion(good, prefixes), good);
  });

  it("is none that says nothing, that is no tag, that belongs to an environment, or that reads like a commit", () => {
    for (const bad of [
      "latest",
      "Latest",
      "",
      "a b",
      "v1/2",
      "-v1",
      "é",
      "staging-main-abc1234",
      "prod-1",
      "sha256-aa",
      "c0ffee0",
      "x".repeat(129),
    ])
      assert.throws(() => checkVersion(bad, prefixes), { code: "tag/bad-name", blame: "usage" }, bad);
  });

  it("is never the tag that an image of an environment has", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...prefixes),
        fc.option(fc.string({ minLength: 1, maxLength: 40 })),
        (prefix, ref) => {
          assert.throws(() => checkVersion(imageTag(prefix, ref, commit), prefixes), { code: "tag/bad-name" });
        },
      ),
    );
  });
});
