import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { gateNames, type GateName, type PassableGate } from "../../../src/config/types-gates.ts";
import { demandEmergencies, passedBy } from "../../../src/environments/emergency/policy.ts";
import { judge } from "../../../src/environments/gates/judge.ts";
import type { Gate, GateFacts } from "../../../src/environments/gates/types.ts";
import { emptyState } from "../../../src/environments/record/changes.ts";
import type { NewTicket } from "../../../src/environments/queue/types.ts";

/** What no setting of any environment lets pass. */
const never: readonly GateName[] = ["leaks", "scan", "schema", "trigger", "confirm", "guard", "newer"];

const ada = { name: "ada", aliases: [], source: "local" } as const;
const ticket: NewTicket = {
  ...{ deployment: "d-9", kind: "deploy", trigger: "manual", state: "queued", release: "r-v9", document: "r-v9.1" },
  ...{ subject: "sha256:1", commit: "c9", commitTime: "", ref: null, requesters: [ada], createdAt: "", expiresAt: "" },
  ...{ origin: { who: "ada", from: "laptop", command: "shiplock", reason: "down" }, waiting: [], approvals: [] },
  options: { confirmed: null, emergency: null, overrideFreeze: null, takeOver: false, skip: [] },
};

/** A policy that names whatever it likes, as a configuration that nobody has checked could. */
function factsOf(emergency: string | null, passes: readonly GateName[] | undefined): GateFacts {
  return {
    ...{ now: new Date("2026-11-20T10:00:00Z"), project: "shop", environment: "production", kind: "deploy" },
    policy: {
      ...{
        on: { push: [], tags: [], checks: [], schedule: [] },
        statuses: [],
        reviewed: undefined,
        guard: false,
        branches: undefined,
        tags: undefined,
        after: [],
        confirm: false,
      },
      ...{ reviewers: undefined, waitMs: 0, freeze: [], drift: "report", expiresMs: 1 },
      emergency: passes === undefined ? undefined : { passes: passes as PassableGate[], reviewWithinMs: 1 },
    },
    ...{ request: { ...ticket, options: { ...ticket.options, emergency } }, actor: ada },
    ...{ state: emptyState("shop", "production"), relation: "unknown", earlier: {}, drift: null, given: [] },
    code: { statuses: null, workflows: null, origins: null },
    ...{ dirty: false, migrates: { live: false, next: false } },
  };
}

function stubborn(name: GateName): Gate {
  return { name, judge: () => ({ gate: name, answer: "block", reason: `${name} says no`, remedy: "ask it" }) };
}

describe("what an emergency passes", () => {
  for (const name of gateNames) {
    const may = !never.includes(name);
    it(`${name}: ${may ? "only where the environment's setting names it, and what it said is kept" : "never, whatever the setting names"}`, () => {
      const answer = (emergency: string | null, passes: readonly GateName[] | undefined) =>
        judge(factsOf(emergency, passes), [stubborn(name)]);
      assert.equal(answer("down", gateNames).answer, may ? "pass" : "block");
      assert.equal(answer("down", []).answer, "block");
      assert.equal(answer("down", undefined).answer, "block");
      assert.equal(answer(null, gateNames).answer, "block", "nobody said that it is an emergency");
      assert.deepEqual(
        answer("down", gateNames).passedByEmergency.map(({ gate, reason }) => [gate, reason]),
        may ? [[name, `${name} says no`]] : [],
      );
      assert.equal(passedBy({ passes: gateNames as unknown as PassableGate[], reviewWithinMs: 1 }).has(name), may);
    });
  }

  it("an environment without the setting knows no emergency, and says what to write", () => {
    assert.throws(() => demandEmergencies("production", undefined), {
      code: "emergency/not-allowed",
      blame: "usage",
      remedy: /write `emergency: \{ passes: \[reviewers, wait\] \}` at `environments.production`/,
    });
    demandEmergencies("production", { passes: ["wait"], reviewWithinMs: 1 });
  });
});
