import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeStatuses } from "../../../src/checks/fake-statuses.ts";
import { judge } from "../../../src/environments/gates/judge.ts";
import { statusesGate } from "../../../src/environments/gates/statuses.ts";
import type { CodeFacts, GateDecision, GateFacts } from "../../../src/environments/gates/types.ts";
import { commit, facts, policyOf, request } from "./facts.ts";

const signal = new AbortController().signal;

function ask(required: string[], statuses: CodeFacts["statuses"], changes: Partial<GateFacts> = {}): GateDecision {
  const code: CodeFacts = { statuses, workflows: null, origins: null };
  return statusesGate.judge(facts({ policy: policyOf({ statuses: required }), code, ...changes }));
}

describe("the gate of the team's own CI", () => {
  for (const state of ["success", "pending", "failure", "unknown", "missing"] as const) {
    it(`${state === "success" ? "lets through" : "blocks"} a required status that is ${state}`, async () => {
      const ci = fakeStatuses();
      ci.report(commit, "build", "success");
      ci.report("another", "test", "success");
      if (state !== "missing") ci.report(commit, "test", state);
      const decision = ask(["build", "test"], await ci.of(commit, { signal }));
      assert.equal(decision.answer, state === "success" ? "pass" : "block");
      if (state !== "success")
        assert.match(decision.reason, new RegExp(`test is ${state === "failure" ? "failed" : state}`));
    });
  }

  it("believes the newest report, and asks for no status that nobody requires", async () => {
    const ci = fakeStatuses();
    ci.report(commit, "test", "pending");
    ci.report(commit, "test", "success");
    ci.report(commit, "nightly", "failure");
    assert.equal(ask(["test"], await ci.of(commit, { signal })).answer, "pass");
    assert.equal(ask([], null).answer, "pass");
  });

  it("blocks when nobody can be asked, when nobody has asked, and for a working tree, which no CI has seen", async () => {
    const ci = fakeStatuses();
    ci.setReachable(false);
    await assert.rejects(ci.of(commit, { signal }), { code: "statuses/unreachable" });
    const unreachable = ask(["test"], { unreachable: "no answer within 10 s", remedy: "look at the network" });
    assert.deepEqual(
      [unreachable.answer, unreachable.reason, "remedy" in unreachable && unreachable.remedy],
      ["block", `the statuses of commit c0ffee1 are unknown: no answer within 10 s`, "look at the network"],
    );
    assert.equal(ask(["test"], null).answer, "block");
    assert.equal(ask(["test"], []).answer, "block");
    const passed = [{ name: "test", state: "success" as const, url: null }];
    assert.match(ask(["test"], passed, { dirty: true }).reason, /no CI has seen a working tree/);
  });

  it("lets a rollback through, and an emergency only where the environment says so, which is kept", () => {
    const red = [{ name: "test", state: "failure" as const, url: null }];
    assert.equal(ask(["test"], red, { kind: "rollback" }).answer, "pass");
    const { options } = request();
    const emergency = request({ options: { ...options, emergency: "the shop is down" } });
    const judged = (passes: "statuses" | "wait") =>
      judge(
        facts({
          policy: policyOf({ statuses: "test", emergency: { passes: [passes] } }),
          code: { statuses: red, workflows: null, origins: null },
          request: emergency,
        }),
      );
    assert.equal(judged("wait").answer, "block");
    assert.equal(judged("statuses").answer, "pass");
    assert.deepEqual(
      judged("statuses").passedByEmergency.map(({ gate, reason }) => [gate, reason]),
      [["statuses", "not every required status of commit c0ffee1 says success: test is failed"]],
    );
  });
});
