import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fakeStatuses } from "../../../src/checks/fake-statuses.ts";
import type { CommitStatus } from "../../../src/checks/statuses.ts";
import { judgeStatuses } from "../../../src/environments/gates/statuses.ts";

const commit = "c0ffee1234567890";
const signal = new AbortController().signal;

describe("the gate of the team's own CI", () => {
  for (const state of ["success", "pending", "failure", "unknown", "missing"] as const) {
    it(`${state === "success" ? "lets through" : "blocks"} a required status that is ${state}`, async () => {
      const ci = fakeStatuses();
      ci.report(commit, "build", "success");
      ci.report("another", "test", "success");
      if (state !== "missing") ci.report(commit, "test", state);
      const statuses = await ci.of(commit, { signal });
      const decision = judgeStatuses({ commit, required: ["build", "test"], statuses });
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
    const statuses: readonly CommitStatus[] = await ci.of(commit, { signal });
    assert.equal(judgeStatuses({ commit, required: ["test"], statuses }).answer, "pass");
    assert.equal(judgeStatuses({ commit, required: [], statuses: [] }).answer, "pass");
  });

  it("blocks when nobody can be asked", async () => {
    const ci = fakeStatuses();
    ci.setReachable(false);
    await assert.rejects(ci.of(commit, { signal }), { code: "statuses/unreachable" });
    const statuses = { unreachable: "no answer within 10 s" };
    assert.equal(judgeStatuses({ commit, required: ["test"], statuses }).answer, "block");
    assert.equal(judgeStatuses({ commit, required: ["test"], statuses: [] }).answer, "block");
  });
});
