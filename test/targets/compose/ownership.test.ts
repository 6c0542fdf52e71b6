import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { JsonObject } from "../../../src/json.ts";
import type { ReleaseDocument } from "../../../src/release/types.ts";
import { makeDocument } from "../../../src/release/snapshot.ts";
import { startDeployer } from "../../fakes/deployer.ts";
import { shop } from "../../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../../fakes/socket-fleet.ts";
import { createWorld, type World } from "../../fakes/world.ts";

/** Both are called `shop-eu-live` on a host. */
const first = { project: "shop", environment: "eu-live" };
const second = { project: "shop-eu", environment: "live" };

const strategy = { kind: "in-place", batch: { count: 1 }, parallel: 1 } as const;

const refusal = {
  code: "environment/name-taken",
  blame: "usage",
  message: /shop-eu-live on (one|two) is the environment eu-live of the project shop, and live of shop-eu would have/,
  remedy: /^rename the project or the environment of one of them/,
} as const;

describe("two environments whose names join to the same", () => {
  let fleet: SocketFleet;
  before(async () => {
    fleet = await openSocketFleet();
  });
  after(() => fleet.close());

  const newWorld = (): World => createWorld(fleet, [releaseOf(first), releaseOf(second)]);

  it("once one is deployed, every command of the other ends when it opens the hosts, having only read", async () => {
    const world = newWorld();
    await deployed(world, first);
    const changed: string[] = [];
    world.onCall = (call) => void changed.push(call.name);
    await assert.rejects(startDeployer(world, { whose: second }), refusal);
    assert.deepEqual([...new Set(changed)], ["engine.info", "files.read"]);
    await deployed(world, first, "d-3");
  });

  it("of two first deployments that begin at once, one is done and the other refused before it touches anything", async () => {
    const world = newWorld();
    const [ada, grace] = await Promise.all([
      startDeployer(world, { whose: first }),
      startDeployer(world, { whose: second }),
    ]);
    const [done, refused] = await Promise.allSettled([
      ada.deploy(releaseOf(first), { wait: true, strategy }),
      grace.deploy(releaseOf(second), { wait: true, strategy, deployment: "d-3" }),
    ]);
    assert.equal(done.status === "fulfilled" && done.value.state, "succeeded");
    assert.ok(refused.status === "rejected");
    assert.throws(() => {
      throw refused.reason;
    }, refusal);
    assert.equal(await ada.session.leaseHolder(), null);
    for (const host of world.hosts)
      for (const container of world.containers(host)) assert.notEqual(container.labels["shiplock.project"], "shop-eu");
    await Promise.all([ada.close(), grace.close()]);
  });

  it("one whose folder was made before folders said whose they are is known by its record", async () => {
    const world = newWorld();
    await deployed(world, first);
    for (const host of world.hosts) {
      const { disk } = world.fake.machine(host);
      for (const path of [...disk.keys()]) if (path.endsWith("/environment.json")) disk.delete(path);
    }
    const other = await startDeployer(world, { whose: second });
    await assert.rejects(other.session.record.read(), refusal);
    await other.close();
  });

  it("another root on the same host does not make two of them, since their Compose project would be one", async () => {
    const world = newWorld();
    await deployed(world, first);
    const other = await startDeployer(world, { whose: second, root: "/home/deploy/elsewhere" });
    await assert.rejects(other.deploy(releaseOf(second), { strategy }), refusal);
    await other.close();
  });
});

async function deployed(world: World, whose: typeof first, deployment = "d-1"): Promise<void> {
  const deployer = await startDeployer(world, { whose });
  const outcome = await deployer.deploy(releaseOf(whose), { deployment, strategy });
  await deployer.close();
  assert.equal(outcome.state, "succeeded", outcome.outcome);
}

function releaseOf(whose: typeof first): ReleaseDocument {
  const { release, snapshot } = shop(`of-${whose.project}`, { migration: false, direct: true, webReplicas: 1 });
  const model = JSON.parse(JSON.stringify(snapshot.model).replaceAll("shop-production", "shop-eu-live")) as JsonObject;
  return makeDocument({ ...release, project: whose.project }, { ...snapshot, model, environment: whose.environment });
}
