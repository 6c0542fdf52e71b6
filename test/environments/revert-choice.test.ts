import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { emptyState } from "../../src/environments/record/changes.ts";
import { chooseRevert, type RevertChoice } from "../../src/environments/revert-choice.ts";
import { ShiplockError } from "../../src/errors.ts";
import { history, live, rollBack } from "./states.ts";

const refusedWith = (code: string) => (error: unknown) => error instanceof ShiplockError && error.code === code;

/** Why, what is taken back, and what stays. */
function told(choice: RevertChoice): unknown {
  if (choice.kind === "commit") return choice;
  return [choice.why, choice.bad.map(({ release }) => release), choice.good.release];
}

describe("what a revert takes back", () => {
  it("is what the live release brought since the one that a rollback would go to", () => {
    assert.deepEqual(told(chooseRevert(history("v1", "v2", "v3"), "staging")), ["live", ["r-v3"], "r-v2"]);
  });

  it("is, after a rollback, what the rollback left; after several, what each of them left", () => {
    const once = rollBack(history("v1", "v2", "v3"));
    assert.deepEqual(told(chooseRevert(once, "staging")), ["rolled-back", ["r-v3"], "r-v2"]);
    assert.deepEqual(told(chooseRevert(rollBack(once), "staging")), ["rolled-back", ["r-v2", "r-v3"], "r-v1"]);
  });

  it("is nothing of a rollback that a deployment has ended since: that one is what may be bad now", () => {
    const mended = live(rollBack(history("v1", "v2")), "v3");
    assert.deepEqual(told(chooseRevert(mended, "staging")), ["live", ["r-v3"], "r-v1"]);
    assert.deepEqual(told(chooseRevert(rollBack(mended), "staging")), ["rolled-back", ["r-v3"], "r-v1"]);
  });

  it("is what a deployment brought that is named, also an older one", () => {
    const state = history("v1", "v2", "v3");
    const [, second] = state.deployments;
    assert.deepEqual(told(chooseRevert(state, "staging", { deployment: second?.deployment ?? "" })), [
      "named",
      ["r-v2"],
      "r-v1",
    ]);
    assert.throws(
      () => chooseRevert(state, "staging", { deployment: "d-0" }),
      refusedWith("revert/unknown-deployment"),
    );
    const first = state.deployments.at(-1)?.deployment ?? "";
    assert.throws(
      () => chooseRevert(state, "staging", { deployment: first }),
      refusedWith("revert/unknown-deployment"),
    );
  });

  it("is a commit alone where one is named, and an error says so where nothing tells what was bad", () => {
    const choice = chooseRevert(history("v1"), "staging", { commit: "abc1234" });
    assert.deepEqual([choice.kind, choice.kind === "commit" && choice.commit], ["commit", "abc1234"]);
    assert.throws(() => chooseRevert(history("v1"), "staging"), refusedWith("revert/nothing-before"));
    assert.throws(() => chooseRevert(null, "staging"), refusedWith("revert/nothing-live"));
    assert.throws(() => chooseRevert(emptyState("shop", "staging"), "staging"), refusedWith("revert/nothing-live"));
  });
});
