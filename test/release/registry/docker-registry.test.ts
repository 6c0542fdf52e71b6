import assert from "node:assert/strict";
import { test } from "node:test";
import { inspect } from "node:util";
import { createRegistryClient } from "../../../src/release/registry/client.ts";
import type { RegistryAccess } from "../../../src/release/registry/types.ts";
import { registryContract } from "./contract.ts";
import { dockerRegistryMissing, LOGIN, startDockerRegistry } from "./docker-registry.ts";
import { pushImage } from "./images.ts";

test("the client keeps the registry's contract with Debian's docker-registry behind a login", async (context) => {
  const missing = dockerRegistryMissing();
  if (missing !== null) {
    assert.ok(!process.env.CI, missing);
    return context.skip(missing);
  }
  const server = await startDockerRegistry();
  context.after(() => server.stop());
  const clientWith = (access: RegistryAccess, attempts = 5) =>
    createRegistryClient({ access: async () => access, attempts });
  const registry = clientWith({ credentials: LOGIN, insecure: true });
  await registryContract(async () => ({ registry, putBlob: server.putBlob, host: server.host }));

  const repository = { registry: server.host, repository: "shop/api" };
  const reference = { ...repository, tag: "t7", digest: null };
  const image = await pushImage(registry, server.putBlob, repository, { content: "1" });

  await test("a wrong password, and none, are told apart from a missing image", async () => {
    const wrong = { credentials: { username: "ada", password: "wr0ng-secret" }, insecure: true };
    const encoded = Buffer.from("ada:wr0ng-secret").toString("base64");
    await assert.rejects(clientWith(wrong).resolve(reference), (error: Error & { code?: string }) => {
      assert.equal(error.code, "registry/unauthorized");
      const everything = inspect(error, { depth: 10, showHidden: true });
      assert.ok(!everything.includes("wr0ng-secret") && !everything.includes(encoded));
      return true;
    });
    const none = clientWith({ credentials: null, insecure: true });
    await assert.rejects(none.resolve(reference), { code: "registry/unauthorized" });
    assert.equal(await registry.resolve(reference), null);
  });

  await test("a registry that speaks plain http is not spoken to unless that is allowed", async () => {
    const secure = clientWith({ credentials: LOGIN, insecure: false }, 1);
    await assert.rejects(secure.resolve(reference), { code: "registry/unavailable" });
  });

  await test("all tags of a repository are listed, sorted", async () => {
    const tags = Array.from({ length: 12 }, (_, number) => `t${number}`);
    for (const tag of tags) await registry.tag(repository, image.manifest, tag);
    assert.deepEqual(await registry.listTags(repository), tags.sort());
  });
});
