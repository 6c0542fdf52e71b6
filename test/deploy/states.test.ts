import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canTransition, type DeploymentState, isTerminal, stateRules, transitions } from "../../src/deploy/states.ts";

const states = Object.keys(transitions) as DeploymentState[];
const anyState = fc.constantFrom(...states);

describe("the states of a deployment", () => {
  it("what has ended is never taken up again, but for a failed one that a person resumes or aborts", () => {
    for (const state of [
      "succeeded",
      "rolled-back",
      "cancelled",
      "superseded",
      "skipped",
      "blocked",
      "rejected",
    ] as const) {
      for (const next of states) assert.equal(canTransition(state, next), false, `${state} → ${next}`);
    }
    assert.deepEqual(
      states.filter((next) => canTransition("failed", next)),
      ["running", "rolled-back"],
    );
  });

  it("success is only reached through verifying", () => {
    assert.deepEqual(
      states.filter((state) => canTransition(state, "succeeded")),
      ["verifying"],
    );
  });

  it("a deployment that waits can be refused without having run, one that runs cannot", () => {
    for (const end of ["blocked", "rejected", "cancelled", "superseded", "skipped"] as const) {
      assert.deepEqual(
        states.filter((state) => canTransition(state, end)),
        ["queued", "waiting"],
      );
    }
  });

  it("every state can be reached, and from every state the end can be", () => {
    const reached = closure(["queued"], (state) => transitions[state]);
    assert.deepEqual([...reached].sort(), [...states].sort());
    for (const state of states) assert.ok([...closure([state], (each) => transitions[each])].some(isTerminal), state);
  });

  it("whatever is walked, an end stays the end", () => {
    fc.assert(
      fc.property(fc.array(anyState, { maxLength: 20 }), (wishes) => {
        let state: DeploymentState = "queued";
        for (const wish of wishes) {
          const ended = isTerminal(state) && state !== "failed";
          if (canTransition(state, wish)) state = wish;
          else if (ended) assert.ok(isTerminal(state));
        }
      }),
    );
  });

  it("a state that nobody knows leads nowhere and is not final", () => {
    fc.assert(
      fc.property(fc.string(), anyState, (text, state) => {
        if (states.includes(text as DeploymentState)) return;
        assert.equal(stateRules.canTransition(text, state), false);
        assert.equal(stateRules.canTransition(state, text), false);
        assert.equal(stateRules.isFinal(text), false);
      }),
    );
    assert.equal(stateRules.canTransition("toString", "running"), false);
  });
});

function closure(
  from: readonly DeploymentState[],
  next: (state: DeploymentState) => readonly DeploymentState[],
): Set<DeploymentState> {
  const seen = new Set<DeploymentState>();
  const open = [...from];
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    if (seen.has(state)) continue;
    seen.add(state);
    open.push(...next(state));
  }
  return seen;
}
