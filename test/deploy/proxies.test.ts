import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { FakeCall } from "../../src/hosts/fake.ts";
import type { FakeContainer } from "../../src/hosts/fake-engine-state.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { label } from "../../src/targets/compose/layout.ts";
import { edgeName } from "../../src/targets/compose/steps/edge.ts";
import { allAtOnce, startDeployer } from "../fakes/deployer.ts";
import { hostProblems } from "../fakes/look.ts";
import { publicHost, root, shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, restore, type World, type WorldSnapshot } from "../fakes/world.ts";
import { assertBack, firstLive, type Variant } from "./cuts.ts";

/** Another router than the first release's is wanted for each of these. */
const variant: Variant = {
  strategy: allAtOnce,
  history: [shop("v1")],
  after: shop("v2", { extraService: true }),
  atLeast: {},
};

let fleet: SocketFleet;
let live: WorldSnapshot;
before(async () => {
  fleet = await openSocketFleet();
  live = await firstLive(fleet, variant);
});
after(() => fleet.close());

function freshWorld(document: ReleaseDocument = variant.after): World {
  return restore(fleet, [...variant.history, document], live);
}

/** Deploys with something that happens at each call. */
async function deploy(
  world: World,
  document: ReleaseDocument,
  happens: (call: FakeCall) => void | Promise<void> = () => undefined,
) {
  const deployer = await startDeployer(world);
  world.onCall = happens;
  try {
    return await deployer.deploy(document);
  } finally {
    world.onCall = undefined;
    await deployer.close();
  }
}

function routersOn(world: World, host: string): FakeContainer[] {
  return world.containers(host).filter((container) => container.labels[label.kind] === "router");
}

describe("routers, ports and the edge of a host", () => {
  it("a router that serves is not removed because the engine did not answer when it was to be started", async () => {
    const world = freshWorld();
    world.behaviours.set(variant.after.release.id, { unhealthy: true });
    const serving = routersOn(world, "one")[0]?.id;
    const outcome = await deploy(world, variant.after, (call) => {
      if (call.name === "engine.startContainer" && call.phase === "before" && call.args[0] === serving)
        throw new Error("the engine did not answer");
    });
    assert.equal(outcome.state, "failed");
    assert.match(String(outcome.error?.details), /going back at one\/proxy: the engine did not answer/);
    assert.ok(routersOn(world, "one").some((router) => router.id === serving && router.state.running));
    const deployer = await startDeployer(world);
    assert.equal((await deployer.abort())?.state, "rolled-back");
    await deployer.close();
    await assertBack(world, variant, "aborted", "rolled-back");
  });

  it("going back works where somebody removed the router of before: the one that answers for both releases stays", async () => {
    const world = freshWorld();
    world.behaviours.set(variant.after.release.id, { unhealthy: true });
    const before = routersOn(world, "one")[0]?.id ?? "";
    const outcome = await deploy(world, variant.after, (call) => {
      const isFirstOfNew = call.name === "engine.createContainer" && String(call.args[0]).includes("-b-");
      if (call.host === "one" && isFirstOfNew) world.fake.machine("one").engine.containers.delete(before);
    });
    assert.equal(outcome.state, "rolled-back", String(outcome.error?.details));
    assert.deepEqual(
      routersOn(world, "one").map((router) => router.state.running),
      [true],
    );
    assert.equal(world.street.visit("one", publicHost, "/").status, 200);
  });

  it("a router that left takes its folders with it, also when its deployer died in the middle of that", async () => {
    const world = freshWorld();
    let died = false;
    const outcome = await deploy(world, variant.after, (call) => {
      const isRouters = /\/(?:proxy\/routers|fronts\/[^/]+)\/[^/]+$/.test(String(call.args[0]));
      if (died || call.name !== "files.removeTree" || !isRouters || call.phase !== "after") return;
      died = true;
      throw new Error("killed");
    });
    assert.deepEqual([died, outcome.state], [true, "failed"]);
    const deployer = await startDeployer(world);
    assert.equal((await deployer.resume())?.state, "succeeded");
    await deployer.close();
    for (const host of world.hosts) {
      const left = [...world.fake.machine(host).disk.keys()].filter((path) =>
        /(?:proxy\/routers|fronts\/[^/]+)\/[0-9a-f]{8}$/.test(path),
      );
      assert.equal(left.length, 2, left.join(", "));
    }
  });

  it("an edge that was stopped is started as it was set up, whatever the environment that needs it wants", async () => {
    const world = freshWorld();
    const { disk } = world.fake.machine("one");
    const config = `${root}/edge/caddy.json`;
    disk.set(config, { kind: "file", data: Buffer.from("of another"), mode: 0o644, mtimeMs: 0 });
    world.fake.machine("one").endContainer(edgeName, 0);
    const outcome = await deploy(world, variant.after);
    assert.equal(outcome.state, "succeeded", String(outcome.error?.stack));
    const node = disk.get(config);
    assert.equal(node?.kind === "file" ? Buffer.from(node.data).toString() : null, "of another");
  });

  it("of two environments that want a host name at the same moment, the first one keeps it", async () => {
    const world = freshWorld();
    const theirs = "../fronts/blog-production/current/front.sock";
    const path = `${root}/edge/routes/${publicHost}`;
    for (const host of world.hosts) world.fake.machine(host).disk.delete(path);
    let planned = false;
    const outcome = await deploy(world, variant.after, (call) => {
      planned ||= call.name === "files.createExclusive";
      // The claim itself saw that nobody has it.
      if (
        planned &&
        call.host === "one" &&
        call.name === "files.list" &&
        call.phase === "after" &&
        String(call.args[0]).endsWith("edge/routes")
      )
        world.fake.machine("one").disk.set(path, { kind: "symlink", target: theirs, mtimeMs: 0 });
    });
    assert.deepEqual([outcome.state, outcome.error?.code], ["rolled-back", "route/taken"]);
    const node = world.fake.machine("one").disk.get(path);
    assert.equal(node?.kind === "symlink" ? node.target : null, theirs);
  });

  it("a published port that moves to another address of the host is the old release's until the commit point", async () => {
    const document = shop("v2", { bind: "127.0.0.1" });
    const world = freshWorld(document);
    const outcome = await deploy(world, document);
    assert.equal(outcome.state, "succeeded", `${outcome.outcome} ${String(outcome.error?.details)}`);
    assert.deepEqual(hostProblems(world, { live: document, kept: shop("v1") }), []);
    const holders = world.containers("one").filter(({ labels }) => labels[label.kind] === "port");
    assert.deepEqual(
      holders.map(({ name }) => name),
      ["shop-production-shiplock-port-8080-127-0-0-1-1"],
    );
  });

  it("from slots to in-place there is no way that leaves both answering: refused, until nothing runs any more", async () => {
    const direct = shop("v2", { direct: true, webReplicas: 1 });
    const world = freshWorld(direct);
    const inPlace = { strategy: { kind: "in-place", batch: { count: 1 }, parallel: 1 } } as const;
    const deployer = await startDeployer(world);
    await assert.rejects(deployer.deploy(direct, inPlace), { code: "strategy/other-place", blame: "usage" });
    await deployer.close();
    assert.deepEqual(hostProblems(world, { live: variant.history[0], kept: null }), []);
    // As `docker compose down` leaves it.
    for (const host of world.hosts) {
      for (const container of world.containers(host))
        if (["app", "router", "port"].includes(container.labels[label.kind] ?? ""))
          world.fake.machine(host).engine.containers.delete(container.id);
    }
    const again = await startDeployer(world);
    const outcome = await again.deploy(direct, { ...inPlace, deployment: "d-3" });
    await again.close();
    assert.equal(outcome.state, "succeeded", String(outcome.error?.stack));
  });

  it("two environments that meet in the first deployment to a host share the edge that one of them makes", async () => {
    const world = createWorld(fleet, variant.history, ["one"]);
    const other = await world.fake.connector.connect(
      { kind: "ssh", name: "one", destination: "one" },
      { connectTimeoutMs: 1_000 },
    );
    let met = false;
    const outcome = await deploy(world, variant.history[0], async (call) => {
      if (met || call.name !== "engine.createContainer" || call.phase !== "before" || call.args[0] !== edgeName) return;
      met = true;
      await other.engine.createContainer(edgeName, { Image: "caddy:2", Labels: { [label.kind]: "edge" } });
    });
    await other.close();
    assert.equal(outcome.state, "succeeded", String(outcome.error?.stack));
    assert.equal(met, true);
  });
});
