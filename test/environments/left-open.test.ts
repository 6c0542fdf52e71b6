import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withTicket } from "../../src/environments/queue/changes.ts";
import type { NewTicket } from "../../src/environments/queue/types.ts";
import { withEnded, withOperation } from "../../src/environments/record/changes.ts";
import { endingOf, type OpenDeployment } from "../../src/environments/record/left-open.ts";
import { stateRules, transitions } from "../../src/deploy/states.ts";
import { wayBetween } from "../../src/ledger/deployments.ts";
import { shop } from "../fakes/shop.ts";
import { at, history, live, planOf } from "./states.ts";

const begun = Date.parse(at);
const later = begun + 3_600_000;
const open = (deployment: string, state = "running"): OpenDeployment => ({ deployment, state, createdAt: begun });

describe("a deployment that a history has as going on", () => {
  const before = history("v1");
  const going = withOperation(before, planOf("v2", "deploy", "d-2", before), shop("v2"), 1, at);

  it("has ended as the environment says, and is live only if nothing was deployed since", () => {
    const ended = live(before, "v2", "deploy", "d-2");
    const ending = { state: "succeeded", outcome: "r-v2 is live", at: begun, live: true };
    assert.deepEqual(endingOf(open("d-2"), ended, false, later), ending);
    assert.deepEqual(endingOf(open("d-2"), live(ended, "v3"), false, later), { ...ending, live: false });
    const failed = withEnded(going, "d-2", "rolled-back", "never healthy", at);
    assert.equal(endingOf(open("d-2"), failed, false, later)?.outcome, "never healthy");
  });

  it("goes on as long as somebody holds the lease, and is interrupted once nobody does, with what to do", () => {
    assert.equal(endingOf(open("d-2"), going, true, later), null);
    assert.match(
      endingOf(open("d-2"), going, false, later)?.outcome ?? "",
      /runner is gone; `shiplock resume production` goes on, and `shiplock abort production` goes back/,
    );
    const committed = { ...going, operation: going.operation && { ...going.operation, committed: true } };
    assert.doesNotMatch(endingOf(open("d-2"), committed, false, later)?.outcome ?? "", /abort/);
  });

  it("waits where it stands in the queue", () => {
    const ticket = { deployment: "d-9", state: "waiting" } as NewTicket;
    assert.equal(endingOf(open("d-9", "waiting"), withTicket(before, ticket, at), false, later), null);
  });

  it("may be about to begin where the environment has not heard of it yet; later it never began, or nobody knows", () => {
    assert.equal(endingOf(open("d-9", "queued"), before, false, begun + 1000), null);
    assert.equal(endingOf(open("d-9", "queued"), before, false, later)?.state, "cancelled");
    assert.equal(endingOf(open("d-9"), before, false, later)?.state, "interrupted");
  });

  it("can be moved to every end that what has begun can have, wherever the history left it", () => {
    const states = Object.keys(transitions);
    for (const from of states.filter((state) => !stateRules.isFinal(state)))
      for (const end of ["succeeded", "rolled-back", "failed", "interrupted"])
        assert.notEqual(wayBetween(from, end, states, stateRules), null, `${from} to ${end}`);
    for (const end of ["cancelled", "superseded", "blocked", "rejected", "skipped"])
      for (const from of ["queued", "waiting"]) assert.notEqual(wayBetween(from, end, states, stateRules), null);
    assert.equal(wayBetween("succeeded", "failed", states, stateRules), null);
    assert.deepEqual(wayBetween("failed", "failed", states, stateRules), []);
  });
});
