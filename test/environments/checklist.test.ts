import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { gateNames } from "../../src/config/types-gates.ts";
import { type ChecklistFacts, type ChecklistRow, makeChecklist } from "../../src/environments/checklist.ts";
import type { GateDecision } from "../../src/environments/gates/types.ts";
import { shop } from "../fakes/shop.ts";
import { history, rollBack } from "./states.ts";

function factsOf(change: Partial<ChecklistFacts> = {}, decisions: readonly GateDecision[] = []): ChecklistFacts {
  return {
    ...{ kind: "deploy", document: shop("v3"), previous: shop("v2"), state: history("v1", "v2") },
    judgement: { at: "", decisions, answer: "pass", passedByEmergency: [] },
    seen: { drift: [], containers: [{ name: "web-a-1", status: "running", health: "healthy" }] },
    ...{ migratedBefore: null, wayBackLacks: [], shortages: [] },
    ...change,
  };
}

function rowOf(item: string, facts: ChecklistFacts): Omit<ChecklistRow, "item"> | undefined {
  const found = makeChecklist(facts).find((row) => row.item === item);
  return found === undefined ? undefined : { state: found.state, text: found.text };
}

describe("the readiness checklist", () => {
  it("names the same things each time, also those that nothing demands and nobody measures", () => {
    assert.deepEqual(
      makeChecklist(factsOf()).map(({ item, state }) => `${item}: ${state}`),
      [
        ...[
          "checks: not-asked",
          "coverage: not-asked",
          "review: not-asked",
          "approvals: not-asked",
          "leaks: not-asked",
        ],
        ...["scan: not-asked", "migration: ok", "configuration: ok", "order: not-asked", "freeze: not-asked"],
        ...["hold: not-asked", "drift: ok", "health: ok", "way back: ok", "room: ok"],
      ],
    );
  });

  it("has the word of every gate: what passes, what is against it, and what an emergency passed over", () => {
    const freeze: GateDecision = { gate: "freeze", answer: "pass", reason: "no freeze now" };
    const reviewers: GateDecision = { gate: "reviewers", answer: "wait", reason: "needs one", until: null, on: "ada" };
    const order: GateDecision = { gate: "order", answer: "block", reason: "not in staging", remedy: "" };
    const facts = factsOf({}, [freeze, reviewers, { gate: "order", answer: "pass", reason: "passed as an emergency" }]);
    const emergency = { ...facts, judgement: { ...facts.judgement, passedByEmergency: [order] } };
    assert.deepEqual(rowOf("freeze", emergency), { state: "ok", text: "no freeze now" });
    assert.deepEqual(rowOf("approvals", emergency), { state: "not-ok", text: "needs one" });
    assert.deepEqual(rowOf("order", emergency), { state: "passed-by-emergency", text: "not in staging" });
  });

  it("no gate that has something against a deployment is left out, whichever", () => {
    fc.assert(
      fc.property(fc.constantFrom(...gateNames), fc.boolean(), (gate, over) => {
        const decision: GateDecision = { gate, answer: "block", reason: `${gate} says no`, remedy: "" };
        const facts = factsOf({}, [over ? { gate, answer: "pass", reason: "emergency" } : decision]);
        const judgement = { ...facts.judgement, passedByEmergency: over ? [decision] : [] };
        const found = makeChecklist({ ...facts, judgement }).filter(({ text }) => text.includes(`${gate} says no`));
        assert.deepEqual(
          found.map(({ state }) => state),
          [over ? "passed-by-emergency" : "not-ok"],
        );
      }),
    );
  });

  it("coverage is what the checks measured, and the configuration's changes are named without their values", () => {
    const document = shop("v3", { webReplicas: 7 });
    const checks = { definitions: "d", passed: ["test"], at: "", coverage: { test: 81.234 } };
    const facts = factsOf({ document: { ...document, release: { ...document.release, checks } } });
    assert.deepEqual(rowOf("coverage", facts), { state: "ok", text: "test covers 81.2 % of the lines" });
    assert.match(rowOf("configuration", facts)?.text ?? "", /^\d+ changes?: .*services\.web\.replicas/);
    assert.equal(rowOf("configuration", factsOf({ previous: shop("v3") }))?.text, "as it is live");
    assert.equal(rowOf("configuration", factsOf({ previous: null }))?.text, "the first here");
  });

  it("a migration: none, once, ran before, failed before; none on the way back", () => {
    const text = (change: Partial<ChecklistFacts>): string | undefined => rowOf("migration", factsOf(change))?.text;
    assert.equal(text({ document: shop("v3", { migration: false }) }), "none");
    assert.match(text({}) ?? "", /^runs once: .+ in /);
    assert.match(text({ migratedBefore: true }) ?? "", /does not run again/);
    assert.equal(rowOf("migration", factsOf({ migratedBefore: false }))?.state, "not-ok");
    assert.match(text({ kind: "rollback" }) ?? "", /none runs on the way back/);
  });

  it("drift and bad health of what runs are told; what could not be seen is not taken for good", () => {
    const seen = {
      drift: ["one: web: 1 of 2 containers run", "a", "b", "c"],
      containers: [
        { name: "web-a-1", status: "running", health: "unhealthy" },
        { name: "web-a-2", status: "exited", health: null },
      ],
    };
    assert.deepEqual(rowOf("drift", factsOf({ seen })), {
      state: "not-ok",
      text: "one: web: 1 of 2 containers run; a; b; 1 more",
    });
    assert.deepEqual(rowOf("health", factsOf({ seen })), {
      state: "not-ok",
      text: "web-a-1 is unhealthy, web-a-2 is exited",
    });
    for (const item of ["drift", "health"]) {
      assert.equal(rowOf(item, factsOf({ seen: { unknown: "the host is gone" } }))?.state, "not-ok");
      assert.equal(rowOf(item, factsOf({ seen: null, previous: null, state: history() }))?.state, "not-asked");
    }
    assert.equal(rowOf("health", factsOf({ seen: { drift: [], containers: [] } }))?.state, "not-ok");
  });

  it("the way back is what a rollback would choose afterwards: what is live now, never what is withdrawn", () => {
    const text = (change: Partial<ChecklistFacts>): string | undefined => rowOf("way back", factsOf(change))?.text;
    assert.equal(text({}), "r-v2, whose images are on the hosts");
    assert.equal(text({ document: shop("v2") }), "r-v1, whose images are on the hosts");
    assert.equal(text({ wayBackLacks: ["web"] }), "r-v2; hosts would have to get web anew");
    assert.match(text({ wayBackLacks: null }) ?? "", /could not be seen/);
    assert.equal(rowOf("way back", factsOf({ state: history(), previous: null }))?.state, "not-ok");
    // From v2 back to v1: v2 is withdrawn by it, and there is nothing behind v1.
    assert.equal(rowOf("way back", factsOf({ kind: "rollback", document: shop("v1") }))?.state, "not-ok");
    const after = rollBack(history("v0", "v1", "v2"));
    assert.equal(text({ state: after }), "r-v1, whose images are on the hosts");
  });

  it("too little room for both releases is told before", () => {
    assert.deepEqual(rowOf("room", factsOf({ shortages: ["one has 100 MB free"] })), {
      state: "not-ok",
      text: "one has 100 MB free",
    });
  });
});
