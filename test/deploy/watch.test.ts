import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { type WatchNews, watchRelease } from "../../src/deploy/watch.ts";
import type { HostLook, Look, WatchEnd } from "../../src/environments/watch/types.ts";
import { allAtOnce, type Deployer, startDeployer } from "../fakes/deployer.ts";
import { jumpingClock } from "../fakes/jumping-clock.ts";
import { containerOf, shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { restore, type World, type WorldSnapshot } from "../fakes/world.ts";
import { firstLive, type Variant } from "./cuts.ts";

const policy = { forMs: 10_000, everyMs: 1_000, failures: 2, restarts: 0 };
const fine: Omit<Look, "afterMs"> = {
  hosts: [{ host: "one", seen: true, problems: [], containers: [] }],
  urls: [],
  superseded: null,
};
const bad: Omit<Look, "afterMs"> = {
  ...fine,
  hosts: [{ host: "one", seen: true, problems: ["sick"], containers: [] }],
};

/** Watches a release that is, look by look, as `looks` say, and fine afterwards. */
async function watchThrough(
  looks: readonly Omit<Look, "afterMs">[],
  stop: { at: number; signal: AbortController } | null = null,
): Promise<{ end: WatchEnd; news: WatchNews[]; looked: number; tookMs: number }> {
  const clock = jumpingClock();
  const began = clock.milliseconds;
  const news: WatchNews[] = [];
  let looked = 0;
  const end = await watchRelease(policy, {
    clock,
    signal: stop?.signal.signal ?? new AbortController().signal,
    look: async () => {
      looked += 1;
      if (looked === stop?.at) stop.signal.abort("SIGINT");
      return looks[looked - 1] ?? fine;
    },
    tell: (one) => void news.push(one),
  });
  return { end, news, looked, tookMs: clock.milliseconds - began };
}

describe("watching a release", () => {
  it("looks as often as was said, for as long as was said, and tells nothing as long as nothing changes", async () => {
    const { end, news, looked, tookMs } = await watchThrough([]);
    assert.deepEqual([end.how, news, looked, tookMs], ["healthy", [], 10, 10_000]);
  });

  it("ends when it is bad, and tells each change of what is seen once", async () => {
    const { end, news, looked } = await watchThrough([fine, bad, fine, fine, bad, bad]);
    assert.deepEqual([end, looked], [{ how: "bad", said: "2 times in a row: sick" }, 6]);
    assert.deepEqual(
      news.map((one) => (one.kind === "saw" ? one.problems : one.kind)),
      [["sick"], [], ["sick"]],
    );
  });

  it("that is interrupted ends without a word about the release, also when its last look was bad", async () => {
    const { end, looked } = await watchThrough([bad, bad], { at: 2, signal: new AbortController() });
    assert.deepEqual([end.how, looked], ["interrupted", 2]);
  });
});

const variant: Variant = { strategy: allAtOnce, history: [shop("v1")], after: shop("v2"), atLeast: {} };

describe("a look at what is live", () => {
  let fleet: SocketFleet;
  let live: WorldSnapshot;
  before(async () => {
    fleet = await openSocketFleet();
    live = await firstLive(fleet, variant);
  });
  after(() => fleet.close());

  async function lookAt(happens: (world: World, deployer: Deployer) => void): Promise<HostLook[]> {
    const world = restore(fleet, [...variant.history, variant.after], live);
    const deployer = await startDeployer(world, { purpose: { kind: "read" } });
    try {
      happens(world, deployer);
      return await deployer.session.look({
        ...{ document: variant.history[0], place: "a", mask: (text) => text },
        signal: new AbortController().signal,
      });
    } finally {
      await deployer.close();
    }
  }

  const problemsOf = (looks: readonly HostLook[]): string[] =>
    looks.flatMap((look) => (look.seen ? look.problems : []));

  it("finds nothing wrong with a release that runs, and counts the restarts of all its containers", async () => {
    const looks = await lookAt(() => undefined);
    assert.deepEqual(problemsOf(looks), []);
    for (const look of looks)
      assert.deepEqual(look.seen ? look.containers.map(({ restarts }) => restarts) : look, [0, 0, 0, 0]);
  });

  it("asks by each service's own health check, without the lease and without a deployment", async () => {
    const problems = problemsOf(await lookAt((world) => world.behaviours.set("r-v1", { unhealthy: true })));
    const wanted = `${containerOf("web", "a", 2)} on two is not healthy: GET /health answered 500`;
    assert.ok(problems.includes(wanted), problems.join("\n"));
  });

  it("misses a container that stopped or is gone", async () => {
    const problems = problemsOf(
      await lookAt((world) => {
        const [first, second] = world.containers("one").filter(({ name }) => name.includes("-web-a-"));
        if (first !== undefined) Object.assign(first.state, { running: false, status: "exited" });
        if (second !== undefined) second.name = "renamed-by-hand";
      }),
    );
    assert.deepEqual(problems.toSorted(), [
      `${containerOf("web", "a", 1)} on one does not run (exited)`,
      `${containerOf("web", "a", 2)} is gone from one`,
    ]);
  });

  it("says that it did not see a host whose connection is gone, and nothing else about it", async () => {
    const looks = await lookAt((_world, deployer) => deployer.cut());
    assert.deepEqual(
      looks.map(({ host, seen }) => [host, seen]),
      [
        ["one", false],
        ["two", false],
      ],
    );
  });
});
