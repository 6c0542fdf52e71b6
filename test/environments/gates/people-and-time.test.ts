import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { driftGate } from "../../../src/environments/gates/drift.ts";
import { reviewersGate } from "../../../src/environments/gates/reviewers.ts";
import { schemaGate } from "../../../src/environments/gates/schema.ts";
import type { GateDecision, GateFacts } from "../../../src/environments/gates/types.ts";
import { waitGate } from "../../../src/environments/gates/wait.ts";
import type { Identity } from "../../../src/environments/identity.ts";
import type { Approval } from "../../../src/environments/queue/types.ts";
import { approval, facts, liveRelease, noon, person, policyOf, request, stateWith } from "./facts.ts";

const grace = person("grace");
const linus = person("linus", "linus@example.com");
const ada = person("ada");

type Written = NonNullable<Parameters<typeof policyOf>[0]>["reviewers"];

function reviewed(
  approvals: readonly Approval[],
  written: Written = ["grace"],
  changes: Partial<GateFacts> = {},
): GateDecision {
  const policy = policyOf({ reviewers: written });
  return reviewersGate.judge(facts({ policy, request: request({ approvals }), ...changes }));
}

describe("the reviewers of an environment", () => {
  it("are waited for, by name, without an end that anybody knows", () => {
    const decision = reviewed([]);
    assert.equal(decision.answer, "wait");
    assert.equal(decision.reason, "needs 1 approval, by grace, not by who asked for it (ada)");
    assert.equal(decision.answer === "wait" && decision.on, "grace");
    assert.equal(decision.answer === "wait" && decision.until, null);
  });

  it("let it pass when as many have approved as are asked for", () => {
    const team: Written = { teams: ["ops"], count: 2 };
    assert.equal(reviewed([approval(grace)]).reason, "approved by grace");
    const half = reviewed([approval(grace)], team);
    assert.equal(half.answer, "wait");
    assert.match(half.reason, /^needs another 1 approval, after grace, by team ops/);
    assert.equal(reviewed([approval(grace), approval(linus)], team).reason, "approved by grace and linus");
  });

  it("count once each, whatever names they use", () => {
    const team: Written = { people: ["grace", "linus", "linus@example.com"], count: 2 };
    const twice = [approval(linus), approval(person("LINUS@example.com"))];
    assert.equal(reviewed(twice, team).answer, "wait");
  });

  it("are the ones that are named, and nobody else", () => {
    const decision = reviewed([approval(person("mallory"))]);
    assert.equal(decision.answer, "wait");
    assert.match(decision.reason, /the approval of mallory does not count, who is no reviewer/);
  });

  it("do not approve what they asked for themselves, nor what they asked for once more", () => {
    for (const requesters of [[grace], [ada, grace]]) {
      const own = request({ approvals: [approval(grace)], requesters });
      const decision = reviewed([], ["grace", "linus"], { request: own });
      assert.equal(decision.answer, "wait");
      assert.match(decision.reason, /the approval of grace does not count, who asked for it/);
      assert.equal(reviewed([], { people: ["grace"], selfReview: true }, { request: own }).answer, "pass");
    }
  });

  it("approve what they have seen: other digests or another configuration need another approval", () => {
    const decision = reviewed([approval(grace, { subject: "sha256:other" })]);
    assert.equal(decision.answer, "wait");
    assert.match(decision.reason, /the approval of grace was for other digests or another configuration/);
  });

  it("approve for a time, to the moment", () => {
    const valid: Written = { people: ["grace"], valid: "1h" };
    const given = [approval(grace, { at: "2026-11-20T11:00:00.001Z" })];
    assert.equal(reviewed(given, valid).answer, "pass");
    const over = reviewed(given, valid, { now: new Date(noon.getTime() + 1) });
    assert.equal(over.answer, "wait");
    assert.match(over.reason, /the approval of grace was valid until 2026-11-20 12:00 UTC/);
  });

  it("can reject, with what they said about it", () => {
    const rejected = approval(grace, { answer: "reject", comment: "the migration locks a table" });
    const decision = reviewed([approval(linus), rejected], ["grace", "linus"]);
    assert.equal(decision.answer, "block");
    assert.equal(decision.reason, "rejected by grace: the migration locks a table");
    assert.equal(reviewed([approval(person("mallory"), { answer: "reject" })]).answer, "wait");
  });

  it("let nothing pass without enough different people who may approve exactly this, now", () => {
    const someone: fc.Arbitrary<Identity> = fc.constantFrom(
      ada,
      grace,
      linus,
      person("mallory"),
      person("linus@example.com"),
    );
    const given: fc.Arbitrary<Approval> = fc.record({
      by: someone,
      at: fc
        .integer({ min: -48 * 60, max: 0 })
        .map((minutes) => new Date(noon.getTime() + minutes * 60_000).toISOString()),
      answer: fc.constantFrom("approve", "approve", "approve", "reject"),
      comment: fc.constant(null),
      subject: fc.constantFrom(request().subject, "sha256:other"),
    });
    fc.assert(
      fc.property(fc.array(given, { maxLength: 6 }), fc.integer({ min: 1, max: 3 }), (approvals, count) => {
        const { answer } = reviewed(approvals, { people: ["ada"], teams: ["ops"], count });
        const day = 24 * 3_600_000;
        const valid = approvals.filter(
          ({ by, at, subject }) =>
            !["ada", "mallory"].includes(by.name) &&
            subject === request().subject &&
            noon.getTime() - Date.parse(at) < day,
        );
        const people = new Set(valid.map(({ by }) => by.name.replace("@example.com", "")));
        const rejected = valid.some((each) => each.answer === "reject");
        const approved = new Set(
          valid.filter((each) => each.answer === "approve").map(({ by }) => by.name.replace("@example.com", "")),
        );
        assert.ok(approved.size <= people.size);
        assert.equal(answer, rejected ? "block" : approved.size >= count ? "pass" : "wait");
      }),
      { numRuns: 500 },
    );
  });
});

describe("the time between a request and its beginning", () => {
  it("is waited for, to the moment, and the same is said all the while", () => {
    const policy = policyOf({ wait: "90s" });
    const ask = (milliseconds: number) =>
      waitGate.judge(facts({ policy, now: new Date(noon.getTime() + milliseconds) }));
    const decision = ask(0);
    assert.equal(decision.answer === "wait" && decision.until?.toISOString(), "2026-11-20T12:01:30.000Z");
    assert.match(decision.reason, /begins 2026-11-20 12:01:30 UTC at the earliest; `shiplock cancel staging`/);
    assert.equal(ask(89_999).reason, decision.reason);
    assert.equal(ask(90_000).answer, "pass");
    assert.equal(waitGate.judge(facts()).answer, "pass");
  });
});

describe("what runs otherwise than recorded", () => {
  it("stops a deployment only where it is told to, also when nobody could look", () => {
    const policy = policyOf({ drift: "block" });
    const state = stateWith({ live: liveRelease() });
    assert.equal(driftGate.judge(facts({ state, drift: ["web is gone"] })).answer, "pass");
    assert.equal(driftGate.judge(facts({ policy, state, drift: [] })).answer, "pass");
    assert.equal(driftGate.judge(facts({ policy, state })).answer, "block");
    // The way that `shiplock drift` names: what is recorded, by hand.
    const recorded = (trigger: "manual" | "automatic") =>
      driftGate.judge(
        facts({ policy, state, drift: ["web is gone"], request: request({ trigger, document: "r-1.1" }) }),
      );
    assert.deepEqual([recorded("manual").answer, recorded("automatic").answer], ["pass", "block"]);
    assert.match(recorded("manual").reason, /web is gone/);
    assert.match(
      driftGate.judge(facts({ policy, state, drift: ["web is gone"] })).reason,
      /otherwise than recorded: web is gone/,
    );
  });

  it("lets the first deployment of an environment begin: nothing is recorded that could run otherwise", () => {
    assert.equal(driftGate.judge(facts({ policy: policyOf({ drift: "block" }) })).answer, "pass");
  });
});

describe("the schema", () => {
  it("is what a rollback says that the live release has migrated it", () => {
    const state = stateWith({ live: liveRelease() });
    const back = (live: boolean) =>
      schemaGate.judge(facts({ kind: "rollback", state, migrates: { live, next: false } }));
    assert.match(back(true).reason, /r-1 ran a migration, which stays/);
    assert.doesNotMatch(back(false).reason, /which stays/);
    assert.ok([true, false].every((live) => back(live).answer === "pass"));
  });
});
