import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { allAtOnce, startDeployer } from "../fakes/deployer.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { restore, type World, type WorldSnapshot } from "../fakes/world.ts";
import { assertBack, firstLive, type Variant } from "./cuts.ts";

const variant: Variant = { strategy: allAtOnce, history: [shop("v1")], after: shop("v2"), atLeast: { web: 2, api: 1 } };

describe("a migration", () => {
  let fleet: SocketFleet;
  let live: WorldSnapshot;
  before(async () => {
    fleet = await openSocketFleet();
    live = await firstLive(fleet, variant);
  });
  after(() => fleet.close());

  const freshWorld = (): World => restore(fleet, [...variant.history, variant.after], live);

  /** The states of the migrations' containers on all hosts. */
  const migrationsIn = (world: World): string[] =>
    world.hosts.flatMap((host) =>
      world
        .containers(host)
        .filter((container) => container.labels["shiplock.kind"] === "migration")
        .map((container) => container.state.status),
    );

  it("is a step of a deployment, and of no rollback", async () => {
    const world = freshWorld();
    const deployer = await startDeployer(world);
    const there = await deployer.deploy(variant.after);
    const back = await deployer.rollback(null, { deployment: "d-3" });
    await deployer.close();
    assert.deepEqual([there.state, back.state], ["succeeded", "succeeded"]);
    const migrations = [there, back].map(
      ({ plan }) => plan.steps.filter((step) => step.action.kind === "migrate").length,
    );
    assert.deepEqual(migrations, [1, 0]);
  });

  it("that runs when its deployer dies is left to its end by abort, and is gone afterwards", async () => {
    const world = freshWorld();
    const first = await startDeployer(world);
    world.onCall = (call) => {
      if (call.name === "engine.startContainer" && call.phase === "after" && migrationsIn(world).includes("running"))
        first.cut();
    };
    await assert.rejects(async () => {
      const { error } = await first.deploy(variant.after);
      throw error ?? new Error("it was not cut");
    }, /lost|gone|connection/i);
    assert.deepEqual(migrationsIn(world), ["running"]);
    const second = await startDeployer(world);
    const ended: string[] = [];
    world.onCall = (call) => {
      const acts = call.name === "engine.stopContainer" || call.name === "engine.removeContainer";
      if (acts && call.phase === "before") ended.push(`${call.name} while ${migrationsIn(world).join()}`);
    };
    assert.equal((await second.abort())?.state, "rolled-back");
    await second.close();
    assert.deepEqual(ended, ["engine.removeContainer while exited"]);
    await assertBack(world, variant, "abort", "rolled-back");
  });
});
