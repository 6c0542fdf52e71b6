import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { startDeployer } from "../../fakes/deployer.ts";
import { shop } from "../../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../../fakes/socket-fleet.ts";
import { createWorld } from "../../fakes/world.ts";

let fleet: SocketFleet;
before(async () => {
  fleet = await openSocketFleet();
});
after(() => fleet.close());

it("an image of the release is pulled with its registry's login, had at that moment, and a public one with none", async () => {
  const world = createWorld(fleet, [shop("v1")]);
  const asked: string[] = [];
  const pulls: [string, unknown][] = [];
  world.onCall = (call) => {
    if (call.name === "engine.pullImage" && call.phase === "before") pulls.push([String(call.args[0]), call.args[1]]);
  };
  const deployer = await startDeployer(world, {
    auth: async (repository) => {
      asked.push(repository);
      return { identityToken: "t0ken", serverAddress: "registry.test" };
    },
  });
  assert.equal((await deployer.deploy(shop("v1"))).state, "succeeded");
  await deployer.close();
  const references = (wanted: boolean) =>
    new Set(pulls.filter(([, login]) => (login !== undefined) === wanted).map(([name]) => name.split("@")[0] ?? ""));
  const own = new Set(["api", "web", "worker"].map((name) => `registry.test/shop/${name}`));
  assert.deepEqual(references(true), own);
  assert.deepEqual(new Set(asked), own);
  assert.deepEqual(references(false), new Set(["caddy:2", "postgres:17"]));
  assert.ok(!JSON.stringify(deployer.events).includes("t0ken"));
});
