import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DeploymentOutcome } from "../../src/deploy/request.ts";
import { ShiplockError } from "../../src/errors.ts";
import type { FakeHost } from "../../src/hosts/fake.ts";
import type { JsonObject } from "../../src/hosts/json.ts";
import { allAtOnce, startDeployer } from "../fakes/deployer.ts";
import { hostProblems, recordOf } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { changes, restore, type World, type WorldSnapshot } from "../fakes/world.ts";
import { assertBack, assertForward, firstLive, type Variant, watch } from "./cuts.ts";

const variant: Variant = { strategy: allAtOnce, history: [shop("v1")], after: shop("v2"), atLeast: { web: 2, api: 1 } };
const leaseTtlMs = 15_000;

describe("two deployers of one environment", () => {
  let fleet: SocketFleet;
  let live: WorldSnapshot;
  before(async () => {
    fleet = await openSocketFleet();
    live = await firstLive(fleet, variant);
  });
  after(() => fleet.close());

  function freshWorld(): World {
    return restore(fleet, [...variant.history, variant.after], live);
  }

  it("of two that start at the same moment one works, and the other says who holds the environment, from where, since when and with what", async () => {
    const world = freshWorld();
    const [ada, grace] = await Promise.all([startDeployer(world), startDeployer(world)]);
    const settled = await Promise.allSettled([
      ada.deploy(variant.after, { who: "ada" }),
      grace.deploy(variant.after, { who: "grace" }),
    ]);
    await Promise.all([ada.close(), grace.close()]);
    const refused = settled.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
    assert.equal(refused.length, 1);
    const [error] = refused;
    assert.ok(error instanceof ShiplockError);
    assert.equal(error.code, "lease/held");
    assert.match(error.message, /by (ada|grace) from laptop since 2026-11-20T.*`shiplock deploy production`/);
    await assertForward(world, variant, "the one that works");
  });

  it("one that waits goes on when the other has ended, and finds out what is live then", async () => {
    const world = freshWorld();
    const [ada, grace] = await Promise.all([startDeployer(world), startDeployer(world)]);
    const [first, second] = await Promise.all([
      ada.deploy(variant.after, { who: "ada" }),
      grace.deploy(variant.after, { who: "grace", wait: true, deployment: "d-3" }),
    ]);
    await Promise.all([ada.close(), grace.close()]);
    assert.deepEqual([first.state, second.state], ["succeeded", "succeeded"]);
    assert.equal(second.from, variant.after.release.id);
    assert.ok(grace.events.some((event) => event.kind === "lease-held"));
  });

  it("no lease is left behind on any host by the one that was refused", async () => {
    const world = freshWorld();
    const [ada, grace] = await Promise.all([startDeployer(world), startDeployer(world)]);
    await Promise.allSettled([ada.deploy(variant.after), grace.deploy(variant.after)]);
    await Promise.all([ada.close(), grace.close()]);
    const third = await startDeployer(world);
    assert.equal(await third.session.leaseHolder(), null);
    await third.close();
  });

  for (const way of ["resume", "abort"] as const) {
    it(`one that is frozen in a step is taken over by ${way}, and when it wakes it changes nothing`, async () => {
      const world = freshWorld();
      const frozen = await startDeployer(world);
      const complaints = watch(world, variant);
      const watching = world.onCall;
      const asleep = Promise.withResolvers<void>();
      const awake = Promise.withResolvers<void>();
      const late: string[] = [];
      let woken = false;
      let begun = 0;
      world.onCall = async (call) => {
        await watching?.(call);
        const isFrozen =
          frozen.connections.some((connection: FakeHost) => connection.name === call.host) && call.connection <= 2;
        if (!isFrozen) return;
        if (woken && changes(call) && call.phase === "after") late.push(`${call.name} on ${call.host}`);
        if (call.name !== "engine.startContainer" || call.phase !== "before") return;
        begun += 1;
        if (begun === 4) {
          for (const connection of frozen.connections) connection.freeze();
          asleep.resolve();
        }
        if (begun >= 4) await awake.promise;
      };
      const sleeping = frozen.deploy(variant.after).then(stateOf, codeOf);
      await asleep.promise;

      const early = await startDeployer(world);
      await assert.rejects(early[way](), { code: "lease/held" });
      await early.close();
      world.clock.milliseconds += leaseTtlMs + 1_000;

      const next = await startDeployer(world);
      const outcome = await next[way]();
      await next.close();
      assert.equal(outcome?.state, way === "resume" ? "succeeded" : "rolled-back", outcome?.outcome);
      const taken = next.events.find((event) => event.kind === "lease-taken");
      assert.equal(taken?.kind === "lease-taken" ? taken.tookOver?.who : null, "ada");

      woken = true;
      for (const connection of frozen.connections) connection.thaw();
      awake.resolve();
      assert.ok(["interrupted", "host/lost"].includes(await sleeping), await sleeping);
      await frozen.close();
      assert.deepEqual(late, []);
      assert.deepEqual(complaints.slice(0, 3), []);
      if (way === "resume") await assertForward(world, variant, way);
      else await assertBack(world, variant, way, "rolled-back");
    });
  }

  it("one whose frozen session cannot be ended is not taken over: a person is told which host", async () => {
    const world = freshWorld();
    const frozen = await startDeployer(world);
    world.onCall = (call) => {
      if (call.name !== "engine.createContainer" || call.phase !== "before") return;
      for (const connection of frozen.connections) connection.freeze({ endable: false });
      frozen.connections[1]?.cut();
    };
    await frozen.deploy(variant.after).then(stateOf, codeOf);
    world.onCall = undefined;
    world.clock.milliseconds += leaseTtlMs + 1_000;
    const next = await startDeployer(world);
    await assert.rejects(next.resume(), { code: "lease/stuck", blame: "person" });
    await next.close();
    assert.notEqual((await recordOf(world))?.state.operation, null);
    await frozen.close();
  });

  it("a container that the engine makes after its deployer was given up is swept by the next deployment, and never has traffic", async () => {
    const third = shop("v3");
    const world = restore(fleet, [...variant.history, variant.after, third], live);
    const first = await startDeployer(world);
    const accepted: { host: string; name: string; body: JsonObject }[] = [];
    world.onCall = (call) => {
      if (call.name !== "engine.createContainer" || call.phase !== "before" || accepted.length > 0) return;
      accepted.push({ host: call.host, name: String(call.args[0]), body: call.args[1] as JsonObject });
      first.cut();
    };
    await first.deploy(variant.after).then(stateOf, codeOf);
    world.onCall = undefined;
    const second = await startDeployer(world);
    assert.equal((await second.abort())?.state, "rolled-back");
    await second.close();
    for (const { host, name, body } of accepted) {
      const engine = await world.fake.connector.connect({ kind: "ssh", name: host, destination: host });
      await engine.engine.createContainer(name, body);
      await engine.close();
    }
    const next = await startDeployer(world);
    assert.equal((await next.deploy(third, { deployment: "d-3" })).state, "succeeded");
    await next.close();
    assert.equal(accepted.length, 1);
    assert.deepEqual(hostProblems(world, { live: third, kept: shop("v1") }), []);
  });
});

function stateOf(outcome: DeploymentOutcome): string {
  return outcome.state;
}

function codeOf(error: unknown): string {
  return error instanceof ShiplockError ? error.code : String(error);
}
