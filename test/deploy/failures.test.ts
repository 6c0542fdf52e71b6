import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { DeploymentOutcome } from "../../src/deploy/request.ts";
import { runSetup } from "../../src/deploy/setup.ts";
import type { FakeCall } from "../../src/hosts/fake.ts";
import type { Behaviour } from "../fakes/behaviour.ts";
import { type Begun, allAtOnce, startDeployer } from "../fakes/deployer.ts";
import { hostProblems, recordOf } from "../fakes/look.ts";
import { containerOf, publicHost, root, shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { changes, restore, save, type World, type WorldSnapshot } from "../fakes/world.ts";
import { assertBack, assertForward, firstLive, resumeAfter, type Variant, watch } from "./cuts.ts";

const variant: Variant = {
  strategy: { ...allAtOnce, batch: { count: 1 } },
  history: [shop("v1")],
  after: shop("v2"),
  atLeast: { web: 2, api: 1 },
};

let fleet: SocketFleet;
let live: WorldSnapshot;
before(async () => {
  fleet = await openSocketFleet();
  live = await firstLive(fleet, variant);
});
after(() => fleet.close());

function freshWorld(behaviour: Behaviour = {}): World {
  const world = restore(fleet, [...variant.history, variant.after], live);
  world.behaviours.set(variant.after.release.id, behaviour);
  return world;
}

/** Deploys the second version, with what happens at each call; nobody outside may notice, except of what `expected` fits. */
async function deployWith(
  world: World,
  happens: (call: FakeCall) => void = () => undefined,
  bakeMs = 0,
  expected = /$^/,
): Promise<Begun> {
  const complaints = watch(world, variant);
  const watching = world.onCall;
  world.onCall = async (call) => {
    await watching?.(call);
    happens(call);
  };
  const deployer = await startDeployer(world);
  try {
    return await deployer.deploy(variant.after, { strategy: variant.strategy, bakeMs });
  } finally {
    world.onCall = undefined;
    await deployer.close();
    assert.deepEqual(complaints.filter((complaint) => !expected.test(complaint)).slice(0, 5), [], "users noticed");
  }
}

async function assertRefused(world: World, outcome: DeploymentOutcome, code: string): Promise<void> {
  assert.equal(outcome.state, "rolled-back", `${outcome.outcome} ${outcome.error?.details.join("\n")}`);
  assert.equal(outcome.error?.code, code, outcome.outcome);
  assert.match(outcome.outcome, /everything is as it was: r-v1 serves/);
  await assertBack(world, variant, code, "rolled-back");
}

const isLiveLink = (call: FakeCall): boolean =>
  call.name === "files.symlinkAtomic" && String(call.args[1]).endsWith("proxy/live");

/** A world whose deployer's connections broke when traffic was to move: its deployment was never ended. */
async function interruptedWorld(): Promise<World> {
  const world = freshWorld();
  const deployer = await startDeployer(world);
  world.onCall = (call) => {
    if (isLiveLink(call)) deployer.cut();
  };
  await deployer.deploy(variant.after).then((outcome) => assert.equal(outcome.state, "interrupted"), isLost);
  world.onCall = undefined;
  return world;
}

describe("a release that cannot go live", () => {
  it("one that never answers healthily is taken away again, and its last lines are shown", async () => {
    const world = freshWorld({ unhealthy: true });
    const outcome = await deployWith(world);
    await assertRefused(world, outcome, "health/not-healthy");
    assert.match(outcome.outcome, /GET \/health answered 500/);
    assert.match(String(outcome.error?.details), /starts/);
  });

  it("one whose process exits is noticed before its health check runs out", async () => {
    const world = freshWorld({ exitsAtOnce: true });
    const started = world.clock.milliseconds;
    const outcome = await deployWith(world);
    await assertRefused(
      world,
      outcome,
      outcome.error?.code === "health/restarting" ? "health/restarting" : "health/exited",
    );
    assert.match(String(outcome.error?.details), /cannot read its configuration/);
    assert.ok(world.clock.milliseconds - started < 5_000);
  });

  it("one whose smoke test meets something else gets no traffic", async () => {
    const world = freshWorld({ smokeFails: true });
    await assertRefused(world, await deployWith(world), "smoke/failed");
  });

  it("one whose migration fails starts no container, and says with which exit code", async () => {
    const world = freshWorld({ migration: 7 });
    let created = 0;
    const outcome = await deployWith(world, (call) => {
      if (call.name === "engine.createContainer" && String(call.args[0]).includes("-b-")) created += 1;
    });
    await assertRefused(world, outcome, "migration/failed");
    assert.match(outcome.outcome, /exit code 7/);
    assert.deepEqual(outcome.error?.details, ["migrating"]);
    assert.equal(created, 0);
  });

  it("a host that refuses to create a container brings every host back, also the batch before it", async () => {
    const world = freshWorld();
    const outcome = await deployWith(world, (call) => {
      if (call.host === "two" && call.name === "engine.createContainer" && call.phase === "before") {
        throw new Error("no space left on device");
      }
    });
    await assertRefused(world, outcome, "deploy/unexpected");
    assert.match(outcome.outcome, /no space left on device/);
  });

  it("a switch of traffic that fails on the second host is taken back on the first", async () => {
    const world = freshWorld();
    let failed = false;
    const outcome = await deployWith(world, (call) => {
      if (failed || call.host !== "two" || call.phase !== "before" || !isLiveLink(call)) return;
      failed = true;
      throw new Error("the disk is read-only");
    });
    assert.ok(failed);
    await assertRefused(world, outcome, "deploy/unexpected");
  });

  it("a container that dies while it is watched brings the old release back", async () => {
    const world = freshWorld();
    let ended = false;
    const complaints: string[] = [];
    const deployer = await startDeployer(world);
    world.onCall = (call) => {
      // Its restart policy starts it again at once: users meet the other replica, and the watch sees the restart.
      if (ended || call.phase !== "after" || call.host !== "two" || !isLiveLink(call)) return;
      ended = true;
      const container = world.containers("two").find((each) => each.name === containerOf("web", "b", 1));
      if (container !== undefined) container.behaviour = { exit: { code: 1, afterMs: 2_000 } };
    };
    const outcome = await deployer.deploy(variant.after, { strategy: variant.strategy, bakeMs: 10_000 });
    await deployer.close();
    assert.deepEqual(complaints, []);
    await assertRefused(world, outcome, "verify/restarted");
  });

  it("one whose public address leads nowhere is not taken for live", async () => {
    const world = freshWorld();
    // Somebody removes the host name's link by hand while the release is watched.
    const sabotage = (call: FakeCall): void => {
      if (call.host === "two" && call.phase === "after" && isLiveLink(call))
        world.fake.machine("two").disk.delete(`${root}/edge/routes/${publicHost}`);
    };
    const outcome = await deployWith(world, sabotage, 0, /on two is answered with 404/);
    assert.deepEqual([outcome.state, outcome.error?.code], ["rolled-back", "verify/public"]);
    assert.match(outcome.outcome, /shop\.example\.com\/ answers 404 on two/);
  });

  it("an image that is something else than what was built is refused before anything starts", async () => {
    const world = freshWorld();
    for (const [reference, image] of world.fake.registry.images) {
      if (reference.includes("/web@"))
        world.fake.registry.images.set(reference, { ...image, id: `sha256:${"e".repeat(64)}` });
    }
    await assertRefused(world, await deployWith(world), "image/digest-mismatch");
  });

  it("a person who interrupts gets the old release back; after the commit point the new one is finished", async () => {
    for (const [moment, state] of [
      ["two/shift", "rolled-back"],
      ["one/publish", "succeeded"],
    ] as const) {
      const world = freshWorld();
      const interrupted = new AbortController();
      const complaints = watch(world, variant);
      const watching = world.onCall;
      world.onCall = async (call) => {
        await watching?.(call);
        if (
          call.name === "files.append" &&
          call.phase === "after" &&
          String(call.args[1]).includes(`"${moment}","event":"began"`)
        )
          interrupted.abort("SIGINT");
      };
      const deployer = await startDeployer(world);
      const outcome = await deployer.deploy(variant.after, { strategy: variant.strategy, signal: interrupted.signal });
      await deployer.close();
      assert.ok(interrupted.signal.aborted, moment);
      assert.equal(outcome.state, state, moment);
      assert.deepEqual(complaints, []);
      if (state === "succeeded") await assertForward(world, variant, moment);
      else await assertRefused(world, outcome, "deploy/interrupted");
    }
  });
});

describe("another router", () => {
  it("is told in the plan when a release has a service more, and the one before has left at the end", async () => {
    const after = shop("v2", { extraService: true });
    const world = restore(fleet, [...variant.history, after], live);
    const deployer = await startDeployer(world);
    const outcome = await deployer.deploy(after, { strategy: variant.strategy });
    await deployer.close();
    assert.equal(outcome.state, "succeeded");
    assert.match(outcome.plan.notes.join("\n"), /on one, two another router takes over beside the one that runs/);
    assert.deepEqual(hostProblems(world, { live: after, kept: variant.history[0] }), []);
  });

  it("is neither started nor told where names and routes stay, and no step touches the proxy", async () => {
    const outcome = await deployWith(freshWorld());
    assert.deepEqual(outcome.plan.notes, []);
    assert.deepEqual(
      outcome.plan.steps.filter((step) => step.action.kind === "proxy"),
      [],
    );
  });
});

describe("a deployment that needs a person", () => {
  it("when it is not certain whether the commit was written, nothing is undone, and resume finds out", async () => {
    for (const phase of ["before", "after"] as const) {
      const world = freshWorld();
      let seen = 0;
      const outcome = await deployWith(world, (call) => {
        if (call.name !== "files.createExclusive" || call.phase !== phase) return;
        seen += 1;
        // The first one is the beginning of the operation, the second one the commit.
        if (seen === 2) throw new Error("the answer was lost");
      });
      assert.equal(outcome.state, "failed", outcome.outcome);
      assert.equal(outcome.error?.code, "deploy/needs-person");
      assert.match(outcome.error?.remedy ?? "", /shiplock resume production/);
      assert.match(outcome.outcome, /not certain/);
      const deployer = await startDeployer(world);
      assert.equal((await deployer.resume({ strategy: variant.strategy }))?.state, "succeeded");
      await deployer.close();
      await assertForward(world, variant, phase);
    }
  });

  it("when going back fails, it says at which step, and abort finishes once that is mended", async () => {
    const world = freshWorld({ unhealthy: true });
    const outcome = await deployWith(world, (call) => {
      const container = world.containers(call.host).find((each) => each.id === call.args[0]);
      if (call.name !== "engine.removeContainer" || call.phase !== "before") return;
      if (container?.name === containerOf("web", "b", 1)) throw new Error("device or resource busy");
    });
    assert.equal(outcome.state, "failed");
    assert.equal(outcome.error?.code, "deploy/needs-person");
    assert.match(String(outcome.error?.details), /going back at one\/create.*device or resource busy/);
    assert.notEqual((await recordOf(world))?.state.operation, null);
    const deployer = await startDeployer(world);
    assert.equal((await deployer.abort())?.state, "rolled-back");
    await deployer.close();
    await assertBack(world, variant, "mended", "rolled-back");
  });

  it("a new deployment is refused until the unfinished one was ended", async () => {
    const world = await interruptedWorld();
    const second = await startDeployer(world);
    await assert.rejects(second.deploy(variant.after, { deployment: "d-3" }), { code: "deploy/unfinished" });
    await second.close();
  });

  it("hosts are not set up for something else before the unfinished deployment was ended", async () => {
    const world = await interruptedWorld();
    const { session, request, close } = await startDeployer(world);
    const other = shop("v3", { extraService: true });
    const setup = { ...request(other, { deployment: "d-3" }), snapshot: other.snapshot, images: [] };
    const ports = { session, clock: world.clock, signal: new AbortController().signal, tell: () => undefined };
    const before = world.containers("one").length;
    await assert.rejects(runSetup(setup, ports), { code: "deploy/unfinished" });
    await close();
    assert.equal(world.containers("one").length, before);
  });

  it("after the commit point a release that falls ill is not undone by resume: the way is forward or a rollback", async () => {
    const world = freshWorld();
    const first = await startDeployer(world);
    world.onCall = (call) => {
      if (call.name === "engine.stopContainer" && call.phase === "after") first.cut();
    };
    await first
      .deploy(variant.after, { strategy: variant.strategy })
      .then((outcome) => assert.equal(outcome.state, "interrupted"), isLost);
    world.onCall = undefined;
    assert.equal((await recordOf(world))?.state.operation?.committed, true);
    world.behaviours.set(variant.after.release.id, { unhealthy: true });
    const before = (await recordOf(world))?.state.live?.release;
    const second = await startDeployer(world);
    const outcome = await second.resume({ strategy: variant.strategy });
    await second.close();
    assert.equal(outcome?.state, "failed", outcome?.outcome);
    assert.equal((await recordOf(world))?.state.live?.release, before);
    for (const host of world.hosts) {
      const names = world.street.answering(host, "web").map((container) => container?.name);
      assert.deepEqual(names, [containerOf("web", "b", 1), containerOf("web", "b", 2)], `traffic on ${host}`);
    }
    world.behaviours.delete(variant.after.release.id);
    const third = await startDeployer(world);
    assert.equal((await third.resume({ strategy: variant.strategy }))?.state, "succeeded");
    await third.close();
    await assertForward(world, variant, "well again");
  });
});

function isLost(error: unknown): void {
  assert.ok(error instanceof Error && "code" in error && error.code === "host/lost", String(error));
}

describe("a deployer that loses a host", () => {
  it("begins nothing any more, on no host, whichever connection breaks at whichever call", async (context) => {
    const moments = await changingCalls();
    const ends = new Map<string, number>();
    for (const [index, moment] of moments.entries()) {
      const world = freshWorld();
      const deployer = await startDeployer(world);
      const complaints = watch(world, variant);
      const watching = world.onCall;
      let seen = 0;
      let told = Number.POSITIVE_INFINITY;
      world.onCall = async (call) => {
        await watching?.(call);
        if (!changes(call) || call.phase !== "before") return;
        seen += 1;
        if (seen !== moment) return;
        told = deployer.events.length;
        deployer.connections[index % 2]?.cut();
      };
      const end = await deployer.deploy(variant.after, { strategy: variant.strategy }).then(
        ({ state }) => state,
        (error: unknown) => (isLost(error), "host/lost"),
      );
      ends.set(end, (ends.get(end) ?? 0) + 1);
      await deployer.close();
      world.onCall = undefined;
      const late = deployer.events
        .slice(told)
        .flatMap((event) => (event.kind === "step" && /began/.test(event.event.kind) ? [event.event.step.id] : []));
      assert.deepEqual(late, [], `begun after the loss at call ${moment}`);
      assert.deepEqual(complaints.slice(0, 3), [], `call ${moment}`);
      if (index % 4 === 0) await resumeAfter(fleet, variant, { where: `call ${moment}`, snapshot: save(world) });
    }
    context.diagnostic(`${moments.length} moments: ${JSON.stringify([...ends])}`);
    // Giving the lease back is the last call of all; a line that breaks there breaks nothing.
    const unexpected = [...ends].filter(
      ([end, count]) => !["interrupted", "host/lost"].includes(end) && !(end === "succeeded" && count <= 2),
    );
    assert.deepEqual(unexpected, []);
  });
});

/** The calls of one deployment that change something, counted from 1. */
async function changingCalls(): Promise<number[]> {
  const world = freshWorld();
  let count = 0;
  await deployWith(world, (call) => {
    if (call.phase === "before" && changes(call)) count += 1;
  });
  return Array.from({ length: count }, (_, index) => index + 1);
}
