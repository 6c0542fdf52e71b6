import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type Hook, hookPoints, type Hooks } from "../../src/deploy/hooks/types.ts";
import { assemblePlan, type PlanFacts, type PlanHost, stepsBeforeCommit } from "../../src/deploy/plan.ts";
import type { StrategyOptions, StrategyService } from "../../src/deploy/strategies/types.ts";
import type { Plan, Step, StepKind } from "../../src/deploy/types.ts";

const amount = fc.oneof(fc.record({ count: fc.nat(4) }), fc.record({ percent: fc.nat(100) }));

const strategyArbitrary: fc.Arbitrary<StrategyOptions> = fc.oneof(
  fc.record({
    kind: fc.constant("rolling" as const),
    maxSurge: amount,
    maxUnavailable: amount,
    batch: amount,
    parallel: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant("recreate" as const), batch: amount, parallel: fc.integer({ min: 1, max: 5 }) }),
  fc.record({ kind: fc.constant("in-place" as const), batch: amount, parallel: fc.integer({ min: 1, max: 5 }) }),
);

const servicesArbitrary = fc
  .array(fc.record({ replicas: fc.integer({ min: 1, max: 4 }), takesTraffic: fc.boolean(), drainMs: fc.nat(1_000) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((list) => list.map((service, index): StrategyService => ({ name: `s${index}`, ...service })));

/** Up to two hooks at each point. */
const hooksArbitrary: fc.Arbitrary<Hooks> = fc
  .tuple(...hookPoints.map(() => fc.nat(2)))
  .map(
    (counts): Hooks =>
      Object.fromEntries(
        hookPoints.map((point, at) => [
          point,
          Array.from({ length: counts[at] ?? 0 }, (_, index) => hookOf(point, index)),
        ]),
      ) as Record<(typeof hookPoints)[number], Hook[]>,
  );

function hookOf(point: string, index: number): Hook {
  const run = { kind: "arguments", arguments: ["echo"] } as const;
  return { name: `${point} ${index}`, run, timeoutMs: 1_000, onFailure: "continue", environment: {}, secrets: [] };
}

const factsArbitrary: fc.Arbitrary<PlanFacts> = fc
  .record({
    strategy: strategyArbitrary,
    hosts: fc.array(
      fc.record({
        backing: fc.boolean(),
        proxy: fc.constantFrom<PlanHost["proxy"]>("ready", "set-up", "replace"),
        settleProxy: fc.boolean(),
        isNew: fc.boolean(),
      }),
      { minLength: 1, maxLength: 6 },
    ),
    services: servicesArbitrary,
    old: fc.option(servicesArbitrary),
    migrates: fc.boolean(),
    warm: fc.boolean(),
    bakeMs: fc.nat(10_000),
    hooks: fc.option(hooksArbitrary),
  })
  .map(({ strategy, hosts, services, old, migrates, warm, bakeMs, hooks }): PlanFacts => {
    const inPlace = strategy.kind === "in-place";
    const livePlace = inPlace ? "direct" : "a";
    return {
      ...{
        deployment: "d-1",
        kind: "deploy",
        project: "shop",
        environment: "production",
        createdAt: "2026-11-20T10:00:00Z",
        homeHost: "host-1",
        bakeMs,
        warm,
        strategy,
        notes: [],
        skipped: [],
      },
      origin: { who: "ada", from: "laptop", command: "deploy", reason: null },
      hosts: hosts.map(({ backing, proxy, settleProxy, isNew }, index) => ({
        name: `host-${index + 1}`,
        assignment:
          old === null || isNew || inPlace
            ? {}
            : Object.fromEntries(
                old
                  .filter((service) => service.takesTraffic)
                  .map((service) => [service.name, [{ slot: "a" as const, replica: 1, weight: 1 }]]),
              ),
        missingBacking: backing ? ["db"] : [],
        proxy,
        settleProxy,
        shortage: null,
        live: old === null || isNew ? null : { place: livePlace, services: old },
      })),
      release: {
        id: "r-2",
        images: ["web"],
        services,
        migration: migrates ? { service: "s0", command: ["migrate"], timeoutMs: 1_000 } : null,
      },
      live: old === null ? null : { release: "r-1", place: livePlace },
      place: inPlace ? "direct" : "b",
      ...(hooks === null ? {} : { hooks }),
    };
  });

/** Every step that has to end before a step begins. */
function before(plan: Plan, step: Step): Set<string> {
  const byId = new Map(plan.steps.map((each) => [each.id, each]));
  const found = new Set<string>();
  const visit = (id: string): void => {
    if (found.has(id)) return;
    found.add(id);
    for (const need of byId.get(id)?.needs ?? []) visit(need);
  };
  for (const need of step.needs) visit(need);
  return found;
}

const ofKind = (plan: Plan, ...kinds: StepKind[]): Step[] =>
  plan.steps.filter((step) => kinds.includes(step.action.kind));

function forEveryPlan(check: (plan: Plan, facts: PlanFacts) => void): void {
  fc.assert(
    fc.property(factsArbitrary, (facts) => check(assemblePlan(facts), facts)),
    { numRuns: 300 },
  );
}

describe("every plan", () => {
  it("has steps of different names, each of which needs only steps that stand before it", () => {
    forEveryPlan((plan) => {
      const seen = new Set<string>();
      for (const step of plan.steps) {
        assert.ok(!seen.has(step.id), `${step.id} stands twice`);
        for (const need of step.needs) assert.ok(seen.has(need), `${step.id} needs ${need}`);
        seen.add(step.id);
      }
    });
  });

  it("has exactly one commit point, which waits for everything before it and comes before everything after it", () => {
    forEveryPlan((plan) => {
      const [commit, ...others] = ofKind(plan, "commit");
      assert.ok(commit !== undefined && others.length === 0);
      const earlier = before(plan, commit);
      assert.deepEqual(
        [...earlier].sort(),
        stepsBeforeCommit(plan)
          .map((step) => step.id)
          .sort(),
      );
      for (const step of plan.steps.slice(plan.steps.indexOf(commit) + 1))
        assert.ok(before(plan, step).has(commit.id), step.id);
    });
  });

  it("removes and retires nothing before the commit point", () => {
    forEveryPlan((plan) => {
      const kinds = new Set(stepsBeforeCommit(plan).map((step) => step.action.kind));
      for (const kind of ["retire", "tidy", "publish", "close"] as const) assert.ok(!kinds.has(kind), kind);
    });
  });

  it("verifies every host right before it commits, and closes when every host is cleaned up", () => {
    forEveryPlan((plan, facts) => {
      const [verify] = ofKind(plan, "verify");
      const [commit] = ofKind(plan, "commit");
      assert.deepEqual(commit?.needs, [verify?.id]);
      assert.equal(plan.steps.at(-1)?.action.kind, "close");
      const last = plan.steps.at(-1);
      const done = last === undefined ? new Set() : before(plan, last);
      for (const host of facts.hosts) assert.ok(done.has(`${host.name}/tidy`));
    });
  });

  it("migrates once, when every host has the images, and before any container is made", () => {
    forEveryPlan((plan, facts) => {
      const migrations = ofKind(plan, "migrate");
      assert.equal(migrations.length, facts.release.migration === null ? 0 : 1);
      const [migration] = migrations;
      if (migration === undefined) return;
      assert.equal(migration.host, facts.homeHost);
      const earlier = before(plan, migration);
      for (const pull of ofKind(plan, "pull")) assert.ok(earlier.has(pull.id));
      for (const step of ofKind(plan, "create", "start", "stop", "shift"))
        assert.ok(before(plan, step).has(migration.id), step.id);
    });
  });

  it("pulls on every host before anything stops or starts on any", () => {
    forEveryPlan((plan) => {
      const pulls = ofKind(plan, "pull").map((step) => step.id);
      for (const step of ofKind(plan, "create", "start", "stop", "shift")) {
        const earlier = before(plan, step);
        for (const pull of pulls) assert.ok(earlier.has(pull), `${step.id} before ${pull}`);
      }
    });
  });

  it("finishes one batch of hosts before it touches the next", () => {
    forEveryPlan((plan, facts) => {
      const { batch } = facts.strategy;
      const size = Math.max(1, "count" in batch ? batch.count : Math.ceil((batch.percent * facts.hosts.length) / 100));
      const replacing = ofKind(plan, "create", "start", "ready", "shift", "stop");
      const batchOf = (step: Step): number =>
        Math.floor(facts.hosts.findIndex((host) => host.name === step.host) / size);
      for (const step of replacing) {
        const earlier = before(plan, step);
        for (const other of replacing) {
          if (batchOf(other) < batchOf(step))
            assert.ok(earlier.has(other.id), `${step.id} does not wait for ${other.id}`);
          // Hooks before traffic wait for the first containers of a whole batch.
          if (hookSteps(plan, "beforeTraffic").length > 0) continue;
          if (batchOf(other) === batchOf(step) && other.host !== step.host)
            assert.ok(!earlier.has(other.id), `${step.id} waits for ${other.id} of its own batch`);
        }
      }
    });
  });

  it("starts only what it made before, and gives traffic only to what was ready before", () => {
    forEveryPlan((plan) => {
      for (const host of plan.hosts) {
        const done = { create: new Set<string>(), ready: new Set<string>() };
        for (const { action } of plan.steps.filter((step) => step.host === host)) {
          if (action.kind === "create")
            for (const replica of action.replicas) done.create.add(`${replica.service} ${replica.replica}`);
          if (action.kind === "ready")
            for (const replica of action.replicas) done.ready.add(`${replica.service} ${replica.replica}`);
          if (action.kind === "start")
            for (const replica of action.replicas) assert.ok(done.create.has(`${replica.service} ${replica.replica}`));
          if (action.kind !== "shift") continue;
          for (const [service, shares] of Object.entries(action.after)) {
            for (const share of shares)
              if (share.slot === plan.place) assert.ok(done.ready.has(`${service} ${share.replica}`));
          }
        }
      }
    });
  });

  it("is the same for the same facts, and can be written down and read again", () => {
    forEveryPlan((plan, facts) => {
      assert.deepEqual(assemblePlan(facts), plan);
      assert.deepEqual(JSON.parse(JSON.stringify(plan)), plan);
    });
  });
});

describe("what a plan tells beforehand", () => {
  const facts = fc.sample(factsArbitrary, { numRuns: 1, seed: 1 })[0] as PlanFacts;
  const hosts: PlanHost[] = [
    {
      name: "host-1",
      assignment: {},
      missingBacking: [],
      proxy: "ready",
      settleProxy: false,
      live: null,
      shortage: null,
    },
  ];

  it("a strategy with a gap says so when something is live, and not on the first deployment", () => {
    const gapOf = (kind: "recreate" | "in-place", live: PlanFacts["live"]): readonly string[] =>
      assemblePlan({
        ...facts,
        hosts,
        live,
        place: kind === "in-place" ? "direct" : "b",
        strategy: { kind, batch: { count: 1 }, parallel: 1 },
      }).notes;
    for (const kind of ["recreate", "in-place"] as const) {
      assert.match(gapOf(kind, { release: "r-1", place: "a" }).join(), /nothing answers between/);
      assert.deepEqual(gapOf(kind, null), []);
    }
  });

  it("too little room for both releases makes a rolling deployment a recreate, with the figures", () => {
    const live = { place: "a" as const, services: facts.release.services };
    const short = [
      { ...(hosts[0] as PlanHost), live },
      { ...(hosts[0] as PlanHost), live, name: "host-2", shortage: "host-2 has 1 MB of memory free" },
    ];
    const rolling = {
      ...{ maxSurge: { percent: 100 }, maxUnavailable: { count: 0 } },
      parallel: 3,
      batch: { count: 1 },
    };
    const plan = assemblePlan({
      ...facts,
      hosts: short,
      live: { release: "r-1", place: "a" },
      place: "b",
      strategy: { kind: "rolling", ...rolling },
    });
    assert.equal(plan.strategy, "recreate");
    assert.match(plan.notes.join(), /nothing answers between.*host-2 has 1 MB of memory free: .*recreate.*onShortage/);
    for (const host of plan.hosts) {
      const kinds = plan.steps.filter((step) => step.host === host).map((step) => step.action.kind);
      assert.ok(kinds.indexOf("stop") < kinds.indexOf("start"), `${host}: ${kinds.join()}`);
    }
    const [first, second] = ["host-1", "host-2"].map((host) => plan.steps.find((step) => step.id === `${host}/stop`));
    assert.ok(second !== undefined && first !== undefined && before(plan, second).has(first.id), "batches are kept");
  });

  it("another router is announced with the hosts it takes over on", () => {
    const plan = assemblePlan({
      ...facts,
      place: "b",
      strategy: { kind: "recreate", batch: { count: 1 }, parallel: 1 },
      hosts: [{ ...(hosts[0] as PlanHost), proxy: "replace" }],
    });
    assert.match(plan.notes.join(), /on host-1 another router takes over/);
  });
});

const hookSteps = (plan: Plan, point: string): Step[] =>
  plan.steps.filter(({ action }) => action.kind === "hook" && action.point === point);

/** Whether a step gives a replica of the new release traffic that it had not. */
function givesTraffic({ action }: Step, place: string): boolean {
  if (action.kind !== "shift") return false;
  return Object.entries(action.after).some(([service, shares]) =>
    shares.some(
      ({ slot, replica }) =>
        slot === place &&
        action.before[service]?.some((share) => share.slot === slot && share.replica === replica) !== true,
    ),
  );
}

describe("the hooks of every plan", () => {
  it("are all in it, at each point one after another in the order of the configuration", () => {
    forEveryPlan((plan, { hooks }) => {
      for (const point of hookPoints) {
        const named = hookSteps(plan, point).map(({ action }) => (action.kind === "hook" ? action.hook.name : ""));
        const wanted = (hooks?.[point] ?? []).map(({ name }) => name);
        if (point === "afterFailure")
          assert.deepEqual([named, (plan.afterFailure ?? []).map(({ name }) => name)], [[], wanted]);
        else assert.deepEqual(named, wanted);
        for (const [index, step] of hookSteps(plan, point).entries()) {
          const earlier = hookSteps(plan, point)[index - 1];
          if (earlier !== undefined)
            assert.ok(before(plan, step).has(earlier.id), `${step.id} runs beside ${earlier.id}`);
        }
      }
    });
  });

  it("`before` lies before every other step", () => {
    forEveryPlan((plan) => {
      const hooks = hookSteps(plan, "before");
      for (const step of plan.steps) {
        if (hooks.includes(step)) continue;
        for (const hook of hooks) assert.ok(before(plan, step).has(hook.id), `${step.id} does not wait for ${hook.id}`);
      }
    });
  });

  it("`beforeTraffic` lies before every step that gives the new release traffic, and behind a replica that is ready", () => {
    forEveryPlan((plan) => {
      for (const hook of hookSteps(plan, "beforeTraffic")) {
        const waited = before(plan, hook);
        assert.ok(
          ofKind(plan, "ready").some(({ id }) => waited.has(id)),
          "nothing is ready yet",
        );
        for (const step of plan.steps.filter((each) => givesTraffic(each, plan.place)))
          assert.ok(before(plan, step).has(hook.id), `${step.id} does not wait for ${hook.id}`);
      }
    });
  });

  it("`afterTraffic` lies behind all traffic and before the last look, `after` behind everything but the closing", () => {
    forEveryPlan((plan) => {
      const [verify] = ofKind(plan, "verify");
      const [close] = ofKind(plan, "close");
      assert.ok(verify !== undefined && close !== undefined);
      for (const hook of hookSteps(plan, "afterTraffic")) {
        assert.ok(before(plan, verify).has(hook.id));
        for (const move of ofKind(plan, "shift")) assert.ok(before(plan, hook).has(move.id), `before ${move.id}`);
      }
      const after = hookSteps(plan, "after");
      for (const hook of after) {
        assert.ok(before(plan, close).has(hook.id));
        const waited = before(plan, hook);
        for (const step of plan.steps)
          if (step !== close && !after.includes(step))
            assert.ok(waited.has(step.id), `${hook.id} runs beside ${step.id}`);
      }
    });
  });
});
