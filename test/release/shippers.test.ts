import assert from "node:assert/strict";
import { describe, it, test } from "node:test";
import { localRepository } from "../../src/config/local-repository.ts";
import { createFakeWorld, fakeImage } from "../../src/hosts/fake.ts";
import { createFakeRegistry } from "../../src/release/registry/fake.ts";
import { formatReference, parseReference } from "../../src/release/registry/reference.ts";
import { engineShipper } from "../../src/release/ship-from-engine.ts";
import { registryShipper, shipperByName, type Shipper } from "../../src/release/ship.ts";
import type { Engine } from "../../src/hosts/engine.ts";
import { imageBytes, pushImage } from "./registry/images.ts";
import { digestOf } from "../../src/release/registry/manifest.ts";
import { shipperContract, type ShipperUnderTest } from "./shipper-contract.ts";

const signal = new AbortController().signal;

/** An engine in memory, and what a build leaves in it. */
async function builder() {
  const world = createFakeWorld({ now: () => 0 });
  const { engine } = await world.connector.connect({ kind: "ssh", name: "laptop", destination: "laptop" });
  const build = async (reference: string, platform: string): Promise<void> => {
    const [os = "", architecture = ""] = platform.split("/");
    const id = digestOf(imageBytes({ os, architecture }, reference).config);
    world.machine("laptop").addImage(fakeImage(reference, { id, os, architecture, layers: [`sha256:${reference}`] }));
  };
  return { world, engine, build };
}

async function toRegistry(): Promise<ShipperUnderTest> {
  const { engine, build } = await builder();
  const registry = createFakeRegistry();
  const at = parseReference("registry.example.com/shop/web");
  const pushing: Engine = {
    ...engine,
    pushImage: async (reference) => {
      const image = await engine.inspectImage(reference);
      const { tag } = parseReference(reference);
      const options = { os: image?.os ?? "", architecture: image?.architecture ?? "", content: reference };
      const pushed = await pushImage(registry, async (where, bytes) => registry.putBlob(where, bytes), at, {
        ...options,
        ...(tag === null ? {} : { tag }),
      });
      return pushed.manifest;
    },
  };
  return {
    shipper: registryShipper(pushing, registry, null, registry),
    repository: formatReference({ ...at, tag: null, digest: null }),
    build,
    lose: async ({ digest }) => registry.remove(at, digest),
    knowsTag: async (tag) => (await registry.listTags(at)).includes(tag),
  };
}

async function toHosts(): Promise<ShipperUnderTest> {
  const { engine, build } = await builder();
  const repository = localRepository("shop", "web");
  return {
    shipper: engineShipper(engine, [{ name: "this machine", engine: async () => engine }], "laptop"),
    repository,
    build,
    lose: async (image) => {
      for (const { config } of Object.values(image.platforms)) await engine.removeImage(config);
    },
    knowsTag: async (tag) => (await engine.inspectImage(`${repository}:${tag}`)) !== null,
  };
}

test("the shipper to a registry keeps the contract", () => shipperContract(toRegistry));
test("the shipper that leaves images in the builder's engine keeps the contract", () => shipperContract(toHosts));

describe("without a registry", () => {
  it("an image that this machine lost is there as long as a host has it", async () => {
    const { world, engine, build } = await builder();
    const there = (await world.connector.connect({ kind: "ssh", name: "host-1", destination: "host-1" })).engine;
    const reference = `${localRepository("shop", "web")}:main`;
    await build(reference, "linux/amd64");
    const places = [
      { name: "this machine", engine: async () => engine },
      { name: "gone", engine: async () => null },
      { name: "host-1", engine: async () => there },
    ];
    const shipper = engineShipper(engine, places, "laptop");
    const bounds = { platform: "linux/amd64", timeoutMs: 5_000, signal, log: () => undefined };
    const platforms = { "linux/amd64": await shipper.ship({ name: "web", reference, ...bounds }) };
    const image = {
      ...{
        name: "web",
        repository: localRepository("shop", "web"),
        tag: "main",
        digest: "",
        environment: null,
        inputs: null,
      },
      platforms,
      ...shipper.whence(""),
    };
    await there.loadImages(engine.saveImages([platforms["linux/amd64"].config]));
    await engine.removeImage(reference);
    assert.equal(await shipper.has(image, signal), true);
    // A name on an engine that does not have the image would be none.
    await shipper.tag(image, "production-main", signal);
    assert.equal(await engine.inspectImage(`${localRepository("shop", "web")}:production-main`), null);
    await there.removeImage(platforms["linux/amd64"].config);
    assert.equal(await shipper.has(image, signal), false);
    assert.deepEqual([image.from, image.builtOn], ["engine", "laptop"]);
  });

  it("images that name a place in a registry still go there, beside others that do not", async () => {
    const called: string[] = [];
    const recording = (name: string): Shipper => ({
      named: async () => null,
      isPublic: async () => false,
      has: async () => called.push(`${name} has`) > 0,
      tag: async () => void called.push(`${name} tag`),
      ship: async () => {
        called.push(`${name} ship`);
        return { manifest: "", config: "", size: 0, mediaType: "" };
      },
      join: async () => `${name} join`,
      whence: () => ({ from: "engine", builtOn: name }),
    });
    const shipper = shipperByName(recording("registry"), recording("hosts"));
    const bounds = { name: "web", platform: "linux/amd64", timeoutMs: 1, signal, log: () => undefined };
    await shipper.ship({ ...bounds, reference: "registry.example.com/shop/web:main" });
    await shipper.ship({ ...bounds, reference: `${localRepository("shop", "web")}:main` });
    assert.deepEqual(called, ["registry ship", "hosts ship"]);
    assert.equal(shipper.whence(localRepository("shop", "web")).builtOn, "hosts");
    assert.equal(await shipper.join("registry.example.com/shop/web", {}, "main", signal), "registry join");
  });
});
