import assert from "node:assert/strict";
import { test } from "node:test";
import { createFakeRegistry } from "../../../src/release/registry/fake.ts";
import { registryContract } from "./contract.ts";
import { pushImage } from "./images.ts";

test("the fake registry keeps the contract", async () => {
  await registryContract(async () => {
    const registry = createFakeRegistry();
    return { registry, host: "registry.example.com", putBlob: async (at, bytes) => registry.putBlob(at, bytes) };
  });
});

test("the fake registry keeps the contract with a referrers API too", async () => {
  await registryContract(async () => {
    const registry = createFakeRegistry({ referrersApi: true });
    return { registry, host: "registry.example.com", putBlob: async (at, bytes) => registry.putBlob(at, bytes) };
  });
});

test("the fake registry can be told to fail and to lose an image", async () => {
  const registry = createFakeRegistry();
  const repository = { registry: "registry.example.com", repository: "shop/web" };
  const putBlob = async (at: typeof repository, bytes: Uint8Array) => registry.putBlob(at, bytes);
  const image = await pushImage(registry, putBlob, repository, { content: "1", tag: "main" });
  const reference = { ...repository, tag: "main", digest: null };
  registry.failWith(new Error("gone"));
  await assert.rejects(registry.resolve(reference), /gone/);
  registry.failWith(null);
  registry.remove(repository, image.manifest);
  assert.equal(await registry.resolve(reference), null);
  assert.equal(registry.calls.at(-1), "manifest registry.example.com/shop/web:main");
});
