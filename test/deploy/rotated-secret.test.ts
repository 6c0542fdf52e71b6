import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { label } from "../../src/targets/compose/layout.ts";
import type { StrategyOptions } from "../../src/deploy/strategies/types.ts";
import { startDeployer } from "../fakes/deployer.ts";
import { recordReader } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, type World } from "../fakes/world.ts";

const document = shop("v1");
const oneByOne = { batch: { count: 1 }, parallel: 1 };
const strategies: readonly StrategyOptions[] = [
  { kind: "rolling", maxSurge: { percent: 100 }, maxUnavailable: { count: 0 }, ...oneByOne },
  { kind: "recreate", ...oneByOne },
  { kind: "in-place", ...oneByOne },
];

describe("a release that is live and deployed again with a new value of its secret", () => {
  let fleet: SocketFleet;
  before(async () => {
    fleet = await openSocketFleet();
  });
  after(() => fleet.close());

  for (const strategy of strategies)
    it(`runs with the new value, and never in containers that an earlier deployment left (${strategy.kind})`, async () => {
      const world = createWorld(fleet, [document]);
      const deployer = await startDeployer(world);
      const before = new Set<string>();
      // At the third, a slot still has the release with the first value, ready to be gone back to.
      for (const [at, secret] of ["first-value", "second-value", "third-value"].entries()) {
        const outcome = await deployer.deploy(document, { deployment: `d-${at}`, strategy, secret });
        assert.equal(outcome.state, "succeeded", outcome.error?.message);
        const live = recordReader(world);
        const place = (await live.read())?.state.live?.place;
        const configurations = configurationsOf(world, place);
        assert.ok(configurations.size > 0);
        assert.deepEqual(
          [...configurations].filter((one) => before.has(one)),
          [],
          `what runs after ${secret} was made before`,
        );
        for (const one of configurations) before.add(one);
      }
      await deployer.close();
    });
});

/** The configurations, of which the values of secrets are a part, of what runs in a slot or in place; the worker has no secret. */
function configurationsOf(world: World, place: string | undefined): Set<string> {
  const running = world.hosts.flatMap((host) =>
    world
      .containers(host)
      .filter(
        ({ state, labels }) =>
          state.running &&
          labels[label.kind] === "app" &&
          labels[label.place] === place &&
          labels[label.service] !== "worker",
      )
      .map(({ labels }) => `${host} ${labels["com.docker.compose.config-hash"]}`),
  );
  return new Set(running);
}
