import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { planPrune } from "../../src/deploy/prune.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { keepName } from "../../src/targets/compose/steps/images.ts";
import { builder, carriedShop } from "../fakes/carried.ts";
import { type Deployer, type DeployerOptions, startDeployer } from "../fakes/deployer.ts";
import { hostProblems, recordOf, servingProblems } from "../fakes/look.ts";
import { folder } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, type World } from "../fakes/world.ts";

const [v1, v2] = ["v1", "v2"].map(carriedShop) as [ReleaseDocument, ReleaseDocument];

describe("a release that is in no registry", () => {
  let fleet: SocketFleet;
  before(async () => {
    fleet = await openSocketFleet();
  });
  after(() => fleet.close());

  async function working<T>(
    world: World,
    options: DeployerOptions,
    work: (deployer: Deployer) => Promise<T>,
  ): Promise<T> {
    const deployer = await startDeployer(world, options);
    try {
      return await work(deployer);
    } finally {
      await deployer.close();
    }
  }

  /** The first version is live, deployed from a machine that built both. */
  async function liveWorld(): Promise<World> {
    const world = createWorld(fleet, []);
    await working(world, { images: [builder(world, [v1, v2])] }, async (ada) => {
      const outcome = await ada.deploy(v1, { deployment: "d-1" });
      assert.equal(outcome.error, null, outcome.outcome);
    });
    return world;
  }

  const lines = ({ events }: Deployer): string =>
    events
      .flatMap((event) => (event.kind === "step" && event.event.kind === "step-log" ? [event.event.text] : []))
      .join("\n");
  const idsOn = (world: World, host: string): string[] => [...world.fake.machine(host).engine.images.keys()];
  function dotenvOn(world: World, host: string): string {
    const node = world.fake.machine(host).disk.get(`${folder}/.env`);
    return node?.kind === "file" ? new TextDecoder().decode(node.data) : "";
  }

  it("comes to every host from the machine that built it, is live there, and is kept under our own tag", async () => {
    const world = await liveWorld();
    assert.deepEqual(hostProblems(world, { live: v1, kept: null }), []);
    for (const host of world.hosts)
      for (const image of Object.values(v1.release.images)) {
        const there = world.fake.machine(host).engine.images.get(image.digest);
        assert.deepEqual(
          there?.repoTags,
          [`${keepName("shop-production", image.name)}:r-v1`],
          `${image.name} on ${host}`,
        );
      }
  });

  it("sends a host nothing but the layers it lacks, and the plan says how much that is", async () => {
    const world = await liveWorld();
    await working(world, { images: [builder(world, [v1, v2])] }, async (ada) => {
      const outcome = await ada.deploy(v2);
      assert.equal(outcome.error, null, outcome.outcome);
      assert.match(
        outcome.plan.notes.join("\n"),
        /two gets about 4 kB over SSH, before compression, from this machine: web 1 of 3 layers, api 1 of 3 layers, worker 1 of 3 layers/,
      );
      assert.match(lines(ada), /web: 1 of 3 layers came from this machine: \d kB, \d kB on the line/);
    });
    assert.deepEqual(hostProblems(world, { live: v2, kept: v1 }), []);
  });

  it("stands in the files for working by hand by ids that nothing can pull and nothing can move", async () => {
    const world = await liveWorld();
    const id = v1.release.images["web"]?.digest ?? "";
    assert.match(id, /^sha256:/);
    assert.ok(dotenvOn(world, "one").includes(`SHIPLOCK_IMAGE_WEB='${id}'`), dotenvOn(world, "one"));
  });

  it("is pruned without a question about registries, which other environments would have to answer", async () => {
    const world = await liveWorld();
    await working(world, {}, async (ada) => {
      const readRegistry = () => assert.fail("nothing of it lies in a registry");
      const planned = await planPrune({ keep: 2, readRegistry }, ada.session);
      assert.deepEqual([planned?.kept.length, planned?.registry, planned?.stays], [1, [], []]);
    });
  });

  it("is rolled back to from a machine that never had it, and a host that lost it gets it from another one", async () => {
    const world = await liveWorld();
    await working(world, { images: [builder(world, [v1, v2])] }, async (ada) => {
      assert.equal((await ada.deploy(v2)).error, null);
    });
    const two = world.fake.machine("two").engine;
    for (const [id, container] of two.containers)
      if (container.labels["shiplock.release"] === "r-v1") two.containers.delete(id);
    for (const { digest } of Object.values(v1.release.images)) two.images.delete(digest);
    await working(world, {}, async (grace) => {
      assert.deepEqual(await grace.session.missingImages(v1), []);
      const outcome = await grace.rollback(null, { deployment: "d-3", who: "grace" });
      assert.equal(outcome.error, null, outcome.outcome);
      assert.match(lines(grace), /web: 1 of 3 layers came from one/);
    });
    assert.deepEqual(hostProblems(world, { live: v1, kept: v2 }), []);
  });

  it("is refused before anything is touched where no machine has it, with the name of the one that built it", async () => {
    const world = await liveWorld();
    await working(world, {}, async (grace) => {
      assert.equal((await grace.session.missingImages(v2)).length, 3);
      await assert.rejects(grace.deploy(v2), {
        code: "image/nowhere",
        message: /(one|two) needs the image "\w+" .* in no registry.*built on adas-laptop/,
        remedy: /run the command on adas-laptop/,
      });
    });
    assert.equal((await recordOf(world))?.state.operation, null);
    assert.deepEqual(hostProblems(world, { live: v1, kept: null }), []);
  });

  it("has its name as soon as it is there, so that a prune by hand does not take it for left over", async () => {
    const world = createWorld(fleet, [], ["one"]);
    const unnamed: string[] = [];
    world.onCall = (call) => {
      if (call.name !== "engine.saveImages" || call.phase !== "before") return;
      for (const { id, repoTags } of world.fake.machine("one").engine.images.values())
        if (repoTags.length === 0) unnamed.push(id);
    };
    await working(world, { images: [builder(world, [v1])] }, async (ada) => {
      assert.equal((await ada.deploy(v1)).error, null);
    });
    assert.deepEqual(unnamed, []);
  });

  for (const [what, name] of [
    ["the host takes it in", "engine.loadImages"],
    ["it is read where it was built", "engine.saveImages"],
  ] as const) {
    it(`is taken back when the line is cut while ${what}; the old one serves, and the next attempt brings it`, async () => {
      const world = await liveWorld();
      const images = [builder(world, [v1, v2])];
      let cuts = 0;
      world.onCall = (call) => {
        // Reading it once tells what is in it; that is the plan's.
        if (call.name !== name || call.phase !== "before" || cuts > 2) return;
        cuts += 1;
        if (name === "engine.loadImages" || cuts > 1) throw new Error("the line was cut");
      };
      await working(world, { images }, async (ada) => {
        const outcome = await ada.deploy(v2).catch((error: unknown) => ({ error, state: "refused" }));
        assert.notEqual(outcome.error, null);
      });
      world.onCall = undefined;
      assert.deepEqual(servingProblems(world, { web: 2, api: 1 }), []);
      assert.deepEqual(hostProblems(world, { live: v1, kept: null }), []);
      await working(world, { images }, async (ada) => {
        const outcome = await ada.deploy(v2, { deployment: "d-3" });
        assert.equal(outcome.error, null, outcome.outcome);
      });
      assert.deepEqual(hostProblems(world, { live: v2, kept: v1 }), []);
    });
  }

  it("leaves the hosts when no rollback needs it any more", async () => {
    const world = createWorld(fleet, []);
    const versions = ["v1", "v2", "v3", "v4", "v5", "v6"].map(carriedShop);
    await working(world, { images: [builder(world, versions)] }, async (ada) => {
      for (const [index, version] of versions.entries())
        assert.equal((await ada.deploy(version, { deployment: `d-${index}` })).error, null);
    });
    const ids = idsOn(world, "two");
    const kept = versions.map(({ release }) => ids.includes(release.images["web"]?.digest ?? ""));
    assert.deepEqual(kept, [false, false, true, true, true, true]);
  });
});
