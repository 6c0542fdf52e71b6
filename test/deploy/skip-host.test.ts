import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { behindSentences } from "../../src/cli/behind.ts";
import { ShiplockError } from "../../src/errors.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { label } from "../../src/targets/compose/layout.ts";
import type { Purpose } from "../../src/targets/types.ts";
import { type DeployOptions, startDeployer } from "../fakes/deployer.ts";
import { hostProblems, recordOf, servingProblems } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, restore, save, type World, type WorldSnapshot } from "../fakes/world.ts";

const [v1, v2, v3, v4] = ["v1", "v2", "v3", "v4"].map((version) => shop(version)) as [
  ReleaseDocument,
  ReleaseDocument,
  ReleaseDocument,
  ReleaseDocument,
];
const engineIsDown = new ShiplockError({ code: "engine/unreachable", message: "nothing listens on the socket" });
const withoutTwo: Purpose = { kind: "deploy", skip: ["two"] };

describe("a host that is down", () => {
  let fleet: SocketFleet;
  let live: WorldSnapshot;
  before(async () => {
    fleet = await openSocketFleet();
    const world = createWorld(fleet, [v1, v2, v3, v4]);
    await deployed(world, v1, { kind: "deploy", skip: [] }, { deployment: "d-1" });
    live = save(world);
  });
  after(() => fleet.close());

  /** The first version is live on both hosts, and the second host is down. */
  function halfWorld(): World {
    const world = restore(fleet, [v1, v2, v3, v4], live);
    world.fake.machine("two").down();
    return world;
  }

  it("blocks a deployment, which says how to leave it out", async () => {
    const world = halfWorld();
    await assert.rejects(startDeployer(world), {
      code: "ssh/unreachable",
      remedy: /--skip-host two/,
    });
  });

  it("is left out with --skip-host: the others get the release, the plan says so, and it is recorded as behind", async () => {
    const world = halfWorld();
    const before = save(world).machines.get("two");
    const outcome = await deployed(world, v2, withoutTwo);
    assert.deepEqual([outcome.plan.hosts, outcome.plan.skipped], [["one"], ["two"]]);
    assert.match(outcome.plan.notes.join("\n"), /two is skipped: .* recorded as behind/);
    assert.match(outcome.outcome, /r-v2 is live; two was skipped and is behind/);
    assert.deepEqual(save(world).machines.get("two"), before);
    assert.deepEqual(releasesOn(world, "one"), ["r-v2"]);
    const state = (await recordOf(world))?.state;
    assert.deepEqual(state?.behind, [{ host: "two", since: state?.live?.at, release: "r-v1" }]);
  });

  it("stays behind since it was first skipped, with what it was left with then", async () => {
    const world = halfWorld();
    await deployed(world, v2, withoutTwo);
    const first = (await recordOf(world))?.state.behind;
    await deployed(world, v3, withoutTwo, { deployment: "d-3" });
    assert.deepEqual((await recordOf(world))?.state.behind, first);
  });

  it("is not behind where the deployment that skipped it was taken back", async () => {
    const world = halfWorld();
    world.behaviours.set("r-v2", { unhealthy: true });
    const deployer = await startDeployer(world, { purpose: withoutTwo });
    assert.equal((await deployer.deploy(v2)).state, "rolled-back");
    await deployer.close();
    assert.deepEqual((await recordOf(world))?.state.behind, []);
  });

  for (const [what, missed, next] of [
    ["one release, and the same is deployed again", [v2], v2],
    ["one release, and another is deployed", [v2], v3],
    ["two releases", [v2, v3], v4],
  ] as const) {
    it(`is brought up to date by the next deployment without --skip-host, having missed ${what}`, async () => {
      const world = halfWorld();
      for (const [index, document] of missed.entries()) {
        await deployed(world, document, withoutTwo, { deployment: `d-2${index}` });
        world.clock.milliseconds += 60_000;
      }
      world.fake.machine("two").up();
      const outcome = await deployed(world, next, { kind: "deploy", skip: [] }, { deployment: "d-9" });
      assert.match(outcome.plan.notes.join("\n"), /two was skipped since .* brought up to date/);
      assert.deepEqual((await recordOf(world))?.state.behind, []);
      for (const host of world.hosts) assert.deepEqual(releasesOn(world, host), [next.release.id]);
      assert.deepEqual(servingProblems(world, { web: 2, api: 1 }), []);
      const wrong = hostProblems(world, { live: next, kept: missed.at(-1) ?? null });
      // What the host was left with has been removed there: it is not what a rollback would start.
      assert.deepEqual(
        wrong.filter((problem) => !/two/.test(problem) || !/kept/.test(problem)),
        [],
      );
    });
  }

  it("that takes requests against the rule loses none of them while it is brought up to date", async () => {
    const world = halfWorld();
    await deployed(world, v2, withoutTwo);
    world.fake.machine("two").up();
    const complaints: string[] = [];
    world.onCall = () => void complaints.push(...servingProblems(world, { web: 2, api: 1 }));
    const outcome = await deployed(world, v3, { kind: "deploy", skip: [] }, { deployment: "d-9" });
    world.onCall = undefined;
    assert.deepEqual([complaints.slice(0, 3), world.losses], [[], []]);
    assert.ok(outcome.plan.steps.some((step) => step.id === "two/drain-old"));
  });

  for (const way of ["resume", "abort"] as const) {
    it(`is not needed by ${way} of a deployment that skipped it, nor touched when it is back`, async () => {
      for (const isBack of [false, true]) {
        const world = halfWorld();
        const killed = await startDeployer(world, { purpose: withoutTwo });
        world.onCall = (call) => {
          if (call.name === "engine.startContainer" && call.phase === "after") killed.cut();
        };
        await killed.deploy(v2).catch(() => null);
        world.onCall = undefined;
        await killed.close();
        if (isBack) world.fake.machine("two").up();
        const before = save(world).machines.get("two");
        const next = await startDeployer(world, { purpose: { kind: "finish" } });
        assert.deepEqual([next.session.hosts, next.session.skipped], [["one"], ["two"]]);
        const outcome = await next[way]();
        await next.close();
        assert.equal(outcome?.state, way === "resume" ? "succeeded" : "rolled-back", outcome?.outcome);
        assert.deepEqual(save(world).machines.get("two"), before);
        const behind = (await recordOf(world))?.state.behind.map((entry) => entry.host);
        assert.deepEqual(behind, way === "resume" ? ["two"] : []);
      }
    });
  }

  it("is needed to end the deployment that was bringing it up to date", async () => {
    const world = halfWorld();
    await deployed(world, v2, withoutTwo);
    world.fake.machine("two").up();
    const killed = await startDeployer(world);
    world.onCall = (call) => {
      if (call.name === "engine.createContainer" && call.host === "two") world.fake.machine("two").down();
    };
    await killed.deploy(v3, { deployment: "d-3" }).catch(() => null);
    await killed.close();
    world.onCall = undefined;
    await assert.rejects(startDeployer(world, { purpose: { kind: "finish" } }), { code: "ssh/unreachable" });
    // Looking is possible all the same.
    const reader = await startDeployer(world, { purpose: { kind: "read" } });
    assert.deepEqual(reader.session.skipped, ["two"]);
    await reader.close();
  });

  it("is done without when somebody looks, once it is known to be behind, and it is named", async () => {
    const world = halfWorld();
    await assert.rejects(startDeployer(world, { purpose: { kind: "read" } }), { code: "ssh/unreachable" });
    await deployed(world, v2, withoutTwo);
    const reader = await startDeployer(world, { purpose: { kind: "read" } });
    assert.deepEqual([reader.session.hosts, reader.session.skipped], [["one"], ["two"]]);
    const state = (await reader.session.record.read())?.state ?? null;
    const [told] = behindSentences(state, reader.session.skipped);
    assert.equal(told?.host, "two");
    assert.match(
      told?.sentence ?? "",
      /behind: skipped since .*, left with r-v1, and cannot be reached; keep traffic away/,
    );
    await reader.close();
    world.fake.machine("two").up();
    const again = await startDeployer(world, { purpose: { kind: "read" } });
    assert.deepEqual(again.session.skipped, []);
    const seen = await again.session.observe(state, v2);
    assert.ok(seen.find((each) => each.host === "two")?.drift.length !== 0);
    await again.close();
  });
});

describe("--skip-host is refused", () => {
  let fleet: SocketFleet;
  before(async () => {
    fleet = await openSocketFleet();
  });
  after(() => fleet.close());

  const skipping = (world: World, ...skip: string[]) => startDeployer(world, { purpose: { kind: "deploy", skip } });

  it("for a host that nobody configured, with the names of those that are", async () => {
    await assert.rejects(skipping(createWorld(fleet, [v1]), "tow"), {
      code: "host/skip-unknown",
      blame: "usage",
      remedy: /one, two/,
    });
  });

  it("for the home host, and so for all of them, whether or not they are down", async () => {
    const world = createWorld(fleet, [v1]);
    for (const host of world.hosts) world.fake.machine(host).down();
    for (const names of [["one"], ["one", "two"]])
      await assert.rejects(skipping(world, ...names), { code: "host/skip-home", blame: "usage" });
  });

  it("for a host that answers, since it would go on serving the old release", async () => {
    const world = createWorld(fleet, [v1]);
    await assert.rejects(skipping(world, "two"), { code: "host/not-down", blame: "usage", message: /two answers/ });
  });

  it("but not for one whose engine is down", async () => {
    const world = createWorld(fleet, [v1]);
    world.onCall = (call) => {
      if (call.host === "two" && call.name === "engine.ping") throw engineIsDown;
    };
    const deployer = await skipping(world, "two");
    assert.deepEqual(deployer.session.skipped, ["two"]);
    await deployer.close();
  });
});

async function deployed(world: World, document: ReleaseDocument, purpose: Purpose, options: DeployOptions = {}) {
  const deployer = await startDeployer(world, { purpose });
  const outcome = await deployer.deploy(document, options);
  await deployer.close();
  assert.equal(outcome.state, "succeeded", `${outcome.outcome} ${outcome.error?.details.join("\n") ?? ""}`);
  return outcome;
}

/** The releases whose containers run on a host. */
function releasesOn(world: World, host: string): string[] {
  const running = world
    .containers(host)
    .filter((container) => container.labels[label.kind] === "app" && container.state.running);
  return [...new Set(running.map((container) => container.labels[label.release] ?? ""))];
}
