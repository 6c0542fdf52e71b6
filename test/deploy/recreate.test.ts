import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inPlace, recreate } from "../../src/deploy/strategies/recreate.ts";
import type { StrategyFacts, StrategyService } from "../../src/deploy/strategies/types.ts";
import type { Place } from "../../src/deploy/types.ts";

const services: StrategyService[] = [
  { name: "web", replicas: 2, takesTraffic: true, drainMs: 0 },
  { name: "worker", replicas: 1, takesTraffic: false, drainMs: 0 },
];
const options = { kind: "recreate", batch: { count: 1 }, parallel: 1 } as const;

function facts(place: Place, live: Place | null): StrategyFacts {
  const web = live === "a" ? [{ slot: live, replica: 1, weight: 1 } as const] : [];
  return {
    place,
    services,
    live: live === null ? null : { place: live, services },
    assignment: live === "a" ? { web } : {},
  };
}

describe("recreate", () => {
  it("stops the old release, starts the new one, waits until it is well, and only then sends it traffic", () => {
    const steps = recreate.steps(facts("b", "a"), options);
    assert.deepEqual(
      steps.map((step) => step.action.kind),
      ["stop", "start", "ready", "shift"],
    );
    const shift = steps.at(-1)?.action;
    assert.deepEqual(shift?.kind === "shift" ? shift.after : null, {
      web: [1, 2].map((replica) => ({ slot: "b", replica, weight: 1 })),
    });
  });

  it("stops nothing on the first deployment", () => {
    assert.deepEqual(
      recreate.steps(facts("a", null), options).map((step) => step.action.kind),
      ["start", "ready", "shift"],
    );
  });

  it("says beforehand that nothing answers for a while", () => {
    assert.match(recreate.gap(options) ?? "", /nothing answers/);
  });
});

describe("in-place", () => {
  it("makes the new container only after the old one gave up its name, and moves no traffic, as no proxy stands before it", () => {
    const steps = inPlace.steps(facts("direct", "direct"), { ...options, kind: "in-place" });
    assert.deepEqual(
      steps.map((step) => step.action.kind),
      ["stop", "create", "start", "ready"],
    );
    assert.equal(inPlace.proxied, false);
  });
});
