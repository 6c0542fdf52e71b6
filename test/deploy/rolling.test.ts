import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { rolling } from "../../src/deploy/strategies/rolling.ts";
import {
  amountOf,
  type DraftStep,
  type StrategyFacts,
  type StrategyOptions,
  type StrategyService,
} from "../../src/deploy/strategies/types.ts";
import type { Assignment, ReplicaRef } from "../../src/deploy/types.ts";

type RollingOptions = Extract<StrategyOptions, { kind: "rolling" }>;

const amount = fc.oneof(fc.record({ count: fc.nat(5) }), fc.record({ percent: fc.nat(100) }));
const optionsArbitrary = fc
  .record({ maxSurge: amount, maxUnavailable: amount })
  .map((amounts): RollingOptions => ({ kind: "rolling", ...amounts, batch: { count: 1 }, parallel: 1 }));

const names = ["web", "api", "worker"];
const servicesArbitrary = (least: number) =>
  fc.array(fc.record({ replicas: fc.integer({ min: 1, max: 6 }) }), { minLength: least, maxLength: 3 }).map((list) =>
    list.map(
      ({ replicas }, index): StrategyService => ({
        name: names[index] ?? "",
        replicas,
        takesTraffic: index !== 2,
        drainMs: 1_000,
      }),
    ),
  );

const factsArbitrary = fc.record({ services: servicesArbitrary(1), old: fc.option(servicesArbitrary(1)) }).map(
  ({ services, old }): StrategyFacts => ({
    place: "b",
    services,
    live: old === null ? null : { place: "a", services: old },
    assignment: old === null ? {} : allOf("a", old),
  }),
);

function allOf(slot: "a" | "b", services: readonly StrategyService[]): Assignment {
  const entries = services
    .filter((service) => service.takesTraffic)
    .map(
      (service) =>
        [
          service.name,
          Array.from({ length: service.replicas }, (_, index) => ({ slot, replica: index + 1, weight: 1 })),
        ] as const,
    );
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}

const key = (
  replica: { service?: string; place?: string; slot?: string; replica: number },
  service = replica.service,
): string => `${service}-${replica.place ?? replica.slot}-${replica.replica}`;

/** Plays the steps and shows the state after each. */
function play(
  facts: StrategyFacts,
  options: RollingOptions,
  look: (state: {
    step: DraftStep;
    running: Set<string>;
    ready: Set<string>;
    assignment: Assignment;
    last: boolean;
  }) => void,
): Assignment {
  const old: ReplicaRef[] = (facts.live?.services ?? []).flatMap((service) =>
    Array.from({ length: service.replicas }, (_, index) => ({
      service: service.name,
      place: "a" as const,
      replica: index + 1,
    })),
  );
  const running = new Set(old.map((replica) => key(replica)));
  const ready = new Set(running);
  let assignment = facts.assignment;
  const steps = rolling.steps(facts, options);
  const lastShift = steps.findLastIndex((step) => step.action.kind === "shift");
  for (const [index, step] of steps.entries()) {
    const { action } = step;
    if (action.kind === "start") for (const replica of action.replicas) running.add(key(replica));
    if (action.kind === "ready") for (const replica of action.replicas) ready.add(key(replica));
    if (action.kind === "stop") {
      for (const replica of action.replicas) {
        running.delete(key(replica));
        ready.delete(key(replica));
      }
    }
    if (action.kind === "shift") {
      assert.deepEqual(action.before, assignment, "a switch says what was before it");
      assignment = action.after;
    }
    look({ step, running, ready, assignment, last: index >= lastShift });
  }
  return assignment;
}

function unavailableOf(options: RollingOptions, service: StrategyService): number {
  const { maxUnavailable } = options;
  // A share of replicas that may be missing is rounded down: a quarter of two is none.
  return "count" in maxUnavailable
    ? maxUnavailable.count
    : Math.floor((maxUnavailable.percent * service.replicas) / 100);
}

describe("rolling", () => {
  it("traffic only ever goes to replicas that were started, are ready and were not stopped", () => {
    fc.assert(
      fc.property(factsArbitrary, optionsArbitrary, (facts, options) => {
        play(facts, options, ({ ready, assignment, step }) => {
          for (const [service, shares] of Object.entries(assignment)) {
            for (const share of shares)
              assert.ok(ready.has(key(share, service)), `${key(share, service)} at "${step.title}"`);
          }
        });
      }),
    );
  });

  it("at every moment as many replicas answer as there were, less what may be missing; in the end as many as are wanted", () => {
    fc.assert(
      fc.property(factsArbitrary, optionsArbitrary, (facts, options) => {
        if (facts.live === null) return;
        const old = new Map(facts.live.services.map((service) => [service.name, service.replicas]));
        play(facts, options, ({ assignment, last, step }) => {
          for (const service of facts.services) {
            const before = old.get(service.name);
            if (!service.takesTraffic || before === undefined) continue;
            const seen = assignment[service.name]?.length ?? 0;
            // One that is wanted in fewer replicas may go down to that number, never below it.
            const wanted = last ? service.replicas : Math.min(before, service.replicas);
            assert.ok(
              seen >= wanted - unavailableOf(options, service),
              `${service.name}: ${seen} of ${wanted} at "${step.title}"`,
            );
          }
        });
      }),
    );
  });

  it("never more containers run than the larger release and the surge, but for the one without which nothing would move", () => {
    fc.assert(
      fc.property(factsArbitrary, optionsArbitrary, (facts, options) => {
        const old = new Map((facts.live?.services ?? []).map((service) => [service.name, service.replicas]));
        play(facts, options, ({ running, step }) => {
          for (const service of facts.services) {
            const most =
              Math.max(service.replicas, old.get(service.name) ?? 0) + amountOf(options.maxSurge, service.replicas);
            const count = [...running].filter((name) => name.startsWith(`${service.name}-`)).length;
            assert.ok(
              count <= Math.max(most, Math.max(service.replicas, old.get(service.name) ?? 0) + 1),
              `${service.name}: ${count} at "${step.title}"`,
            );
          }
        });
      }),
    );
  });

  it("ends with every replica of the new release started and all traffic on it", () => {
    fc.assert(
      fc.property(factsArbitrary, optionsArbitrary, (facts, options) => {
        let started = 0;
        const end = play(facts, options, ({ step }) => {
          if (step.action.kind === "start") started += step.action.replicas.length;
        });
        assert.equal(
          started,
          facts.services.reduce((sum, service) => sum + service.replicas, 0),
        );
        for (const [service, shares] of Object.entries(allOf("b", facts.services)))
          assert.deepEqual(end[service], shares);
      }),
    );
  });

  it("nothing is stopped that was not drained before, unless it takes no traffic", () => {
    fc.assert(
      fc.property(factsArbitrary, optionsArbitrary, (facts, options) => {
        const drained = new Set<string>();
        play(facts, options, ({ step: { action } }) => {
          if (action.kind === "drain") for (const replica of action.replicas) drained.add(key(replica));
          if (action.kind !== "stop") return;
          for (const replica of action.replicas) {
            const takesTraffic = facts.live?.services.some(
              (service) => service.name === replica.service && service.takesTraffic,
            );
            assert.ok(takesTraffic !== true || drained.has(key(replica)), key(replica));
          }
        });
      }),
    );
  });

  it("with the default surge it is one wave and one switch, and the old release stays up until the commit point", () => {
    fc.assert(
      fc.property(factsArbitrary, (facts) => {
        const options: RollingOptions = {
          kind: "rolling",
          maxSurge: { percent: 100 },
          maxUnavailable: { count: 0 },
          batch: { percent: 100 },
          parallel: 10,
        };
        if (
          facts.live?.services.some(
            (old) =>
              old.replicas >
              (facts.services.find((service) => service.name === old.name)?.replicas ?? Number.POSITIVE_INFINITY),
          ) === true
        )
          return;
        const kinds = rolling.steps(facts, options).map((step) => step.action.kind);
        assert.deepEqual(
          kinds.filter((kind) => kind === "stop"),
          [],
        );
        assert.ok(kinds.filter((kind) => kind === "shift").length <= 1);
      }),
    );
  });

  it("traffic of a service that is in neither release any more is not carried along", () => {
    const services = [{ name: "web", replicas: 1, takesTraffic: true, drainMs: 0 }];
    const assignment: Assignment = { ...allOf("a", services), long_gone: [{ slot: "c", replica: 1, weight: 1 }] };
    const steps = rolling.steps(
      { place: "b", services, live: { place: "a", services }, assignment },
      { kind: "rolling", maxSurge: { count: 1 }, maxUnavailable: { count: 0 }, batch: { count: 1 }, parallel: 1 },
    );
    const shift = steps.findLast((step) => step.action.kind === "shift");
    assert.deepEqual(shift?.action.kind === "shift" ? Object.keys(shift.action.after) : [], ["web"]);
  });
});
