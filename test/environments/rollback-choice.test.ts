import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ShiplockError } from "../../src/errors.ts";
import { withOperation } from "../../src/environments/record/changes.ts";
import {
  chooseRollback,
  demandNothingSince,
  demandSameLive,
  leftByRollback,
  rollbackCandidates,
} from "../../src/environments/record/rollback-choice.ts";
import { shop } from "../fakes/shop.ts";
import { at, history, live, planOf, rollBack } from "./states.ts";

const refusedWith = (code: string) => (error: unknown) => error instanceof ShiplockError && error.code === code;

describe("where a rollback goes", () => {
  it("to the release before, and twice rolled back further back, never to the bad one again", () => {
    const start = history("v1", "v2", "v3");
    const once = rollBack(start);
    assert.equal(once.live?.release, "r-v2");
    const twice = rollBack(once);
    assert.equal(twice.live?.release, "r-v1");
    assert.throws(() => rollBack(twice), refusedWith("rollback/nowhere"));
    assert.deepEqual(
      twice.withdrawn.map((entry) => entry.release),
      ["r-v2", "r-v3"],
    );
  });

  it("deploying a withdrawn release on purpose lifts its mark and the pause of automatic deployments", () => {
    const back = rollBack(history("v1", "v2"));
    assert.deepEqual([back.withdrawn.length, back.automaticPaused === null], [1, false]);
    const again = live(back, "v2");
    assert.deepEqual([again.withdrawn, again.automaticPaused], [[], null]);
    assert.equal(chooseRollback(again, null).release, "r-v1");
  });

  it("whatever happened before, it never chooses what is live, withdrawn, gone or was never healthy here", () => {
    const action = fc.oneof(
      fc.record({ deploy: fc.constantFrom("v1", "v2", "v3", "v4", "v5") }),
      fc.constant("rollback" as const),
    );
    fc.assert(
      fc.property(
        fc.array(action, { minLength: 1, maxLength: 15 }),
        fc.subarray(["r-v1", "r-v2", "r-v3", "r-v4", "r-v5"]),
        (actions, goneList) => {
          let state = history("v1");
          for (const each of actions) {
            if (each !== "rollback") state = live(state, each.deploy);
            else if (rollbackCandidates(state).length > 0) state = rollBack(state);
          }
          const gone = new Set(goneList);
          const candidates = rollbackCandidates(state, gone).map((entry) => entry.release);
          for (const release of candidates) {
            assert.notEqual(release, state.live?.release);
            assert.ok(!gone.has(release));
            assert.ok(!state.withdrawn.some((entry) => entry.release === release));
            assert.ok(state.deployments.some((entry) => entry.release === release && entry.state === "succeeded"));
          }
          if (candidates.length === 0)
            assert.throws(() => chooseRollback(state, null, gone), refusedWith("rollback/nowhere"));
          else assert.equal(chooseRollback(state, null, gone).release, candidates[0]);
        },
      ),
    );
  });

  it("a release can be named by its id, the beginning of it, its commit, the beginning of that, or a tag", () => {
    const state = history("v1", "v2", "v3");
    const commit = shop("v1").release.commit;
    for (const name of ["r-v1", commit, commit.slice(0, 7), "production-main-v1"]) {
      assert.equal(chooseRollback(state, name).release, "r-v1", name);
    }
    const long = history("alpha", "beta");
    assert.equal(chooseRollback(long, "r-al").release, "r-alpha");
  });

  it("a beginning that fits several releases is refused with all of them named; the whole id is not", () => {
    const state = history("one", "one-two", "three");
    assert.throws(
      () => chooseRollback(state, "r-on"),
      (error) =>
        error instanceof ShiplockError &&
        error.code === "rollback/ambiguous" &&
        /r-one.*r-one|r-one-two/.test(error.message),
    );
    assert.equal(chooseRollback(state, "r-one").release, "r-one");
  });

  it("what is live, unknown here, too short or gone is refused with its own reason", () => {
    const state = history("v1", "v2");
    assert.throws(() => chooseRollback(state, "r-v2"), refusedWith("rollback/live"));
    assert.throws(() => chooseRollback(state, "staging-main-v1"), refusedWith("rollback/unknown"));
    assert.throws(() => chooseRollback(state, "r-v"), refusedWith("rollback/unknown"));
    assert.throws(() => chooseRollback(state, "r-v1", new Set(["r-v1"])), refusedWith("rollback/images-gone"));
  });

  it("a name with control characters cannot write on the terminal", () => {
    assert.throws(
      () => chooseRollback(history("v1"), "x\u001b[2J\nnext"),
      (error) => error instanceof ShiplockError && !/[\u001b\n]/.test(error.message),
    );
  });

  it("a withdrawn release can be gone back to when it is named", () => {
    const back = rollBack(history("v1", "v2"));
    assert.equal(chooseRollback(back, "r-v2").release, "r-v2");
  });
});

describe("what a rollback leaves that had to wait", () => {
  const bad = history("v1", "v2");

  it("is what was live when it was asked for: of a release that went live since it was said nothing", () => {
    const asked = leftByRollback(bad);
    assert.doesNotThrow(() => demandSameLive(bad, asked));
    assert.doesNotThrow(
      () => demandSameLive(live(bad, "v2", "deploy", "d-again"), asked),
      "the same was deployed anew",
    );
    assert.throws(() => demandSameLive(live(bad, "v3"), asked), refusedWith("rollback/moved-on"));
  });

  it("may be what was being deployed when it was asked for", () => {
    const going = withOperation(bad, planOf("v3", "deploy", "d-3", bad), shop("v3"), 1, at);
    const asked = leftByRollback(going);
    assert.doesNotThrow(() => demandSameLive(live(bad, "v3", "deploy", "d-3"), asked));
    assert.throws(() => demandSameLive(live(bad, "v4", "deploy", "d-4"), asked), refusedWith("rollback/moved-on"));
  });

  it("is not what somebody else has gone back to meanwhile: two who see the same fault go back once", () => {
    const going = withOperation(bad, planOf("v1", "rollback", "d-3", bad), shop("v1"), 1, at);
    for (const seen of [bad, going])
      assert.throws(
        () => demandSameLive(live(bad, "v1", "rollback", "d-3"), leftByRollback(seen)),
        refusedWith("rollback/moved-on"),
      );
  });

  it("of a request that its command left in the queue is judged by when it was made", () => {
    const ticket = { deployment: "d-9", release: "r-v1", createdAt: at };
    assert.doesNotThrow(() => demandNothingSince(bad, ticket));
    const earlier = { ...ticket, createdAt: "2026-11-20T09:59:59.000Z" };
    assert.throws(() => demandNothingSince(bad, earlier), refusedWith("rollback/moved-on"));
  });
});
