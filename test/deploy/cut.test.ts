import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { allAtOnce, startDeployer } from "../fakes/deployer.ts";
import { hostProblems, recordOf } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, restore, save } from "../fakes/world.ts";
import {
  abortAfter,
  assertBack,
  assertForward,
  begin,
  everyCut,
  firstLive,
  resumeAfter,
  type Variant,
} from "./cuts.ts";

const served = { web: 2, api: 1 };
const oneByOne = { ...allAtOnce, maxSurge: { count: 1 }, batch: { count: 1 } } as const;
const direct = { direct: true, webReplicas: 1 };

const surge: Variant = { strategy: oneByOne, history: [shop("v1")], after: shop("v2"), atLeast: served };

const variants: Readonly<Record<string, Variant>> = {
  "rolling, all at once on two hosts": {
    strategy: allAtOnce,
    history: [shop("v1")],
    after: shop("v2"),
    atLeast: served,
  },
  "rolling with one replica of surge, one host after the other": surge,
  "rolling to a release with another route and another mounted file": {
    strategy: allAtOnce,
    history: [shop("v1")],
    after: shop("v2", { moreRoutes: true, motd: "changed" }),
    atLeast: served,
  },
  "rolling to a release with one more service, which needs another router": {
    strategy: allAtOnce,
    history: [shop("v1")],
    after: shop("v2", { extraService: true }),
    atLeast: served,
  },
  "rolling to a release without a service, without a route and with another port": {
    strategy: allAtOnce,
    history: [shop("v1", { extraService: true, moreRoutes: true })],
    after: shop("v2", { port: 9090 }),
    atLeast: served,
  },
  "rolling to a third release, while the first one is kept": {
    strategy: allAtOnce,
    history: [shop("v0"), shop("v1")],
    after: shop("v2"),
    atLeast: served,
  },
  "rollback to the kept release": {
    strategy: allAtOnce,
    history: [shop("v1"), shop("v2")],
    after: shop("v1"),
    rollback: true,
    atLeast: served,
  },
  recreate: {
    strategy: { kind: "recreate", batch: { count: 1 }, parallel: 1 },
    history: [shop("v1")],
    after: shop("v2"),
    atLeast: {},
  },
  "in-place": {
    strategy: { kind: "in-place", batch: { count: 1 }, parallel: 1 },
    history: [shop("v1", direct)],
    after: shop("v2", direct),
    atLeast: {},
    direct: true,
  },
};

describe("a deployer that is killed at any instant", () => {
  let fleet: SocketFleet;
  before(async () => {
    fleet = await openSocketFleet();
  });
  after(() => fleet.close());

  for (const [name, variant] of Object.entries(variants)) {
    it(`${name}: whoever comes next finishes it or goes back, from every state the hosts can be left in`, async (context) => {
      const live = await firstLive(fleet, variant);
      const { calls, cuts, world, outcome } = await everyCut(fleet, variant, live, (deployer) =>
        begin(deployer, variant),
      );
      assert.equal(outcome?.state, "succeeded", String(outcome?.error?.stack));
      await assertForward(world, variant, "without a cut");
      const ends = { "rolled-back": 0, refused: 0, nothing: 0 };
      for (const cut of cuts) {
        await resumeAfter(fleet, variant, cut);
        ends[await abortAfter(fleet, variant, cut)] += 1;
      }
      context.diagnostic(`${calls} calls, ${cuts.length} different states; abort: ${JSON.stringify(ends)}`);
      assert.ok(ends["rolled-back"] > 20 && ends.refused > 5 && ends.nothing > 0, JSON.stringify(ends));
    });
  }

  it("the first deployment to bare hosts: resume makes it live, abort leaves no container of it and nothing recorded as live", async (context) => {
    const first: Variant = { strategy: allAtOnce, history: [shop("v1")], after: shop("v1"), atLeast: {} };
    const bare = save(createWorld(fleet, first.history));
    const { cuts } = await everyCut(fleet, first, bare, (deployer) => deployer.deploy(shop("v1")));
    for (const { snapshot, where } of cuts) {
      for (const way of ["resume", "abort"] as const) {
        const world = restore(fleet, first.history, snapshot);
        const committed = (await recordOf(world))?.state.operation?.committed === true;
        if (way === "abort" && committed) continue;
        const deployer = await startDeployer(world);
        const outcome = await deployer[way]();
        await deployer.close();
        const state = (await recordOf(world))?.state;
        assert.equal(state?.operation ?? null, null, where);
        if (state?.live?.release === "r-v1") {
          assert.deepEqual(hostProblems(world, { live: shop("v1"), kept: null }), [], `${way}, ${where}`);
          continue;
        }
        assert.ok(way === "abort" || outcome === null, `${way}, ${where}: ${outcome?.outcome}`);
        const left = world.hosts.flatMap((host) =>
          world
            .containers(host)
            .filter((container) => ["app", "migration"].includes(container.labels["shiplock.kind"] ?? "")),
        );
        assert.deepEqual(
          left.map((container) => container.name),
          [],
          `${way}, ${where}`,
        );
      }
    }
    context.diagnostic(`${cuts.length} different states`);
  });

  it("an abort that is killed itself, at any instant, is ended by another abort or by a resume", async (context) => {
    const live = await firstLive(fleet, surge);
    const { cuts } = await everyCut(fleet, surge, live, (deployer) => begin(deployer, surge));
    const switched = cuts.findLast((cut) => cut.where.startsWith("after") && cut.where.includes("proxy/live"));
    assert.ok(switched !== undefined, "a cut after the last switch of traffic");
    const aborting = await everyCut(fleet, surge, switched.snapshot, (deployer) => deployer.abort());
    assert.equal(aborting.outcome?.state, "rolled-back");
    await assertBack(aborting.world, surge, "abort", "rolled-back");
    for (const cut of aborting.cuts) {
      await resumeAfter(fleet, surge, cut);
      await abortAfter(fleet, surge, cut);
    }
    context.diagnostic(`${aborting.calls} calls, ${aborting.cuts.length} different states`);
  });
});
