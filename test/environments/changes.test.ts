import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { emptyState, withEnded, withOperation } from "../../src/environments/record/changes.ts";
import { withRefused } from "../../src/environments/queue/changes.ts";
import { changeState } from "../../src/environments/record/change-state.ts";
import type { EnvironmentRecord } from "../../src/environments/record/types.ts";
import { createRecordStore, memoryRecord } from "../fakes/memory-record.ts";
import { shop } from "../fakes/shop.ts";
import { request } from "./gates/facts.ts";
import { at, history, live, planOf, rollBack } from "./states.ts";

describe("the environment's own account", () => {
  it("says who is at it from the beginning of a deployment, and what was live before", () => {
    const state = history("v1");
    const plan = planOf("v2", "deploy", "d-2", state);
    const begun = withOperation(state, plan, shop("v2"), 7, at);
    assert.deepEqual(
      [begun.operation?.release, begun.operation?.previousDocument, begun.operation?.fence, begun.operation?.committed],
      ["r-v2", shop("v1").name, 7, false],
    );
    assert.equal(begun.live?.release, "r-v1");
    assert.deepEqual([begun.deployments[0]?.state, begun.deployments[0]?.from], ["running", "r-v1"]);
  });

  it("a sibling release names the one that it was built beside, and no other release does", () => {
    const state = history("v1");
    const document = shop("v2");
    const sibling = { ...document, release: { ...document.release, origin: "r-of-staging" } };
    const plan = planOf("v2", "promote", "d-2", state);
    const [entry, earlier] = withOperation(state, plan, sibling, 1, at).deployments;
    assert.deepEqual([entry?.siblingOf, earlier?.siblingOf], ["r-of-staging", undefined]);
  });

  it("a deployment that was rolled back leaves everything but its own entry as it was", () => {
    const state = history("v1");
    const plan = planOf("v2", "deploy", "d-2", state);
    const ended = withEnded(
      withOperation(state, plan, shop("v2"), 1, at),
      "d-2",
      "rolled-back",
      "it was unhealthy",
      at,
    );
    assert.deepEqual({ ...ended, deployments: ended.deployments.slice(1) }, state);
    assert.deepEqual([ended.deployments[0]?.outcome, ended.deployments[0]?.endedAt], ["it was unhealthy", at]);
  });

  it("a failed deployment stays in progress until a person ends it", () => {
    const state = history("v1");
    const begun = withOperation(state, planOf("v2", "deploy", "d-2", state), shop("v2"), 1, at);
    assert.deepEqual(withEnded(begun, "d-2", "failed", "stuck", at).operation, begun.operation);
  });

  it("a release that goes live again stands first and only once among the healthy ones", () => {
    assert.deepEqual(
      history("v1", "v2", "v1").healthy.map((entry) => entry.release),
      ["r-v1", "r-v2"],
    );
  });

  it("a rollback withdraws what it leaves and pauses automatic deployments until a new one is made on purpose", () => {
    const back = rollBack(history("v1", "v2"));
    assert.deepEqual(
      back.withdrawn.map((entry) => entry.release),
      ["r-v2"],
    );
    assert.equal(back.automaticPaused?.reason, "rolled back from r-v2 to r-v1");
    assert.equal(live(back, "v3").automaticPaused, null);
    assert.deepEqual(
      live(back, "v3").withdrawn.map((entry) => entry.release),
      ["r-v2"],
    );
  });

  it("it remembers the newest fifty deployments, and every release that was healthy", () => {
    const versions = Array.from({ length: 60 }, (_, index) => `v${index}`);
    const state = history(...versions);
    assert.deepEqual(
      [state.deployments.length, state.deployments[0]?.release, state.healthy.length],
      [50, "r-v59", 60],
    );
  });

  it("a deployment in progress gets its end however many requests have ended since it began", () => {
    const state = history("v1");
    const begun = withOperation(state, planOf("v2", "deploy", "d-2", state), shop("v2"), 1, at);
    const numbers = Array.from({ length: 60 }, (_, index) => index);
    const refused = numbers.reduce(
      (known, index) => withRefused(known, request({ deployment: `s-${index}` }), "skipped", "held by grace", at),
      begun,
    );
    const ended = withEnded(refused, "d-2", "rolled-back", "it was unhealthy", at);
    const entry = ended.deployments.find(({ deployment }) => deployment === "d-2");
    assert.deepEqual([entry?.state, entry?.outcome], ["rolled-back", "it was unhealthy"]);
    const after = withRefused(ended, request({ deployment: "s-60" }), "skipped", "held by grace", at);
    assert.equal(after.deployments.length, 50);
  });

  it("what is written under the lease outlasts the many who write without it at the same moment", async () => {
    const store = createRecordStore();
    const record = memoryRecord(store, { now: () => 0, call: (effect) => Promise.resolve(effect()) });
    assert.ok(await record.swap(0, history("v1")));
    let others = 60;
    const crowded: EnvironmentRecord = {
      ...record,
      swap: async (expected, state) => {
        others -= 1;
        if (others >= 0 && store.current !== null) store.current.revision += 1;
        return record.swap(expected, state);
      },
    };
    assert.ok(await changeState(crowded, "production", (state) => ({ ...state, nextTicket: 7 })));
    assert.equal((await record.read())?.state.nextTicket, 7);
  });

  it("an environment in which nothing happened has nothing live", () => {
    const state = emptyState("shop", "staging");
    assert.deepEqual([state.live, state.operation, state.healthy.length, state.deployments.length], [null, null, 0, 0]);
  });
});
