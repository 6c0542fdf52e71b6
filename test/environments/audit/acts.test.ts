import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { actsBetween } from "../../../src/environments/audit/acts.ts";
import type { EnvironmentState } from "../../../src/environments/record/types.ts";
import { withCommitted, withEnded, withForgotten, withOperation } from "../../../src/environments/record/changes.ts";
import {
  withExpired,
  withRefused,
  withTicket,
  withTicketChanged,
  withTicketEnded,
} from "../../../src/environments/queue/changes.ts";
import type { Hold, NewTicket } from "../../../src/environments/queue/types.ts";
import { shop } from "../../fakes/shop.ts";
import { at, history, live, planOf, rollBack } from "../states.ts";

const ada = { name: "ada", aliases: [], source: "local" } as const;
const grace = { ...ada, name: "grace" };
const options = { confirmed: null, emergency: null, overrideFreeze: null, takeOver: false, skip: [] };
const ticket: NewTicket = {
  ...{ deployment: "d-9", kind: "deploy", trigger: "manual", state: "queued", release: "r-v9", document: "r-v9.1" },
  ...{ subject: "sha256:1", commit: "c9", commitTime: at, ref: null, requesters: [ada], createdAt: at, expiresAt: at },
  ...{ origin: { who: "ada", from: "laptop", command: "shiplock", reason: "wanted" }, options },
  ...{ waiting: [], approvals: [] },
};
const hold: Hold = { by: ada, since: at, until: null, reason: "demo", takenFrom: null };

function words(before: EnvironmentState, after: EnvironmentState): string[] {
  return actsBetween(before, after).map(({ action, subject }) => (subject === null ? action : `${action} ${subject}`));
}

describe("what is entered in the audit log", () => {
  const state = history("v1");
  const queued = withTicket(state, ticket, at);

  it("a deployment leaves three entries: it began, it went live, it ended", () => {
    const plan = planOf("v2", "deploy", "d-2", state);
    const begun = withOperation(state, plan, shop("v2"), 1, at);
    const committed: EnvironmentState = {
      ...begun,
      operation: begun.operation === null ? null : { ...begun.operation, committed: true },
      live: live(state, "v2").live,
      healthy: live(state, "v2").healthy,
    };
    const ended = withEnded(committed, "d-2", "succeeded", "r-v2 is live", at);
    assert.deepEqual(words(state, begun), ["began d-2"]);
    assert.deepEqual(words(begun, committed), ["went-live d-2"]);
    assert.deepEqual(words(committed, ended), ["ended d-2"]);
    assert.deepEqual(actsBetween(committed, ended)[0]?.details, {
      release: "r-v2",
      state: "succeeded",
      outcome: "r-v2 is live",
    });
  });

  it("a request, each answer to it, another subject, and its end", () => {
    const approval = { by: grace, at, answer: "approve", comment: "fine", subject: "sha256:1" } as const;
    const approved = withTicketChanged(queued, "d-9", (known) => ({ ...known, approvals: [approval] }));
    const moved = withTicketChanged(approved, "d-9", (known) => ({ ...known, subject: "sha256:2", approvals: [] }));
    const rejected = withTicketChanged(queued, "d-9", (known) => ({
      ...known,
      approvals: [{ ...approval, answer: "reject" }],
    }));
    assert.deepEqual(words(state, queued), ["requested d-9"]);
    assert.deepEqual(words(queued, approved), ["approved d-9"]);
    assert.deepEqual(words(approved, moved), ["request-changed d-9", "approval-withdrawn d-9"]);
    assert.deepEqual(words(queued, withTicketEnded(rejected, "d-9", "rejected", "rejected by grace: no", at)), [
      "not-begun d-9",
    ]);
    assert.deepEqual(words(state, withRefused(state, ticket, "blocked", "frozen", at)), ["not-begun d-9"]);
    assert.deepEqual(words(queued, withExpired(queued, new Date("2027-01-01"))), ["not-begun d-9"]);
    assert.deepEqual(words(queued, { ...queued, tickets: [] }), ["not-begun d-9"]);
  });

  it("that a request waits is nobody's act", () => {
    const waiting = withTicketChanged(queued, "d-9", (known) => ({
      ...known,
      state: "waiting",
      waiting: [{ gate: "reviewers", reason: "nobody has approved", until: null }],
    }));
    assert.deepEqual(words(queued, waiting), []);
  });

  it("a hold, whose it was before, and that it was lifted", () => {
    const held = { ...state, hold };
    assert.deepEqual(words(state, held), ["held"]);
    const taken = { ...held, hold: { ...hold, by: grace, takenFrom: "ada" } };
    assert.deepEqual(actsBetween(held, taken)[0]?.details, {
      by: "grace",
      reason: "demo",
      until: null,
      takenFrom: "ada",
      was: "ada",
    });
    assert.deepEqual(words(held, state), ["unheld"]);
  });

  it("an emergency with the gates it passed, a freeze that was overridden, a review", () => {
    const plan = planOf("v2", "deploy", "d-2", state);
    const overridden = { ...options, overrideFreeze: "the shop is down" };
    const begun = withOperation(state, plan, shop("v2"), 1, at, null, overridden);
    const hold = { by: grace, since: at, until: null, reason: "demo", takenFrom: null };
    const taken = withOperation({ ...state, hold }, plan, shop("v2"), 1, at, null, { ...options, takeOver: true });
    assert.deepEqual(words({ ...state, hold }, taken), ["began d-2", "hold-taken-over d-2"]);
    const review = {
      ...{ deployment: "d-2", release: "r-v2", by: ada, reason: "the shop is down", at, dueBy: at, reviewed: null },
      passed: [{ gate: "freeze", reason: "weekend" } as const],
    };
    const emergency = { ...begun, reviews: [review] };
    assert.deepEqual(words(state, emergency), ["began d-2", "freeze-overridden d-2", "emergency d-2"]);
    assert.deepEqual(actsBetween(state, emergency)[2]?.details["passed"], ["freeze: weekend"]);
    const told = { ...emergency, reviews: [{ ...review, told: "due" as const }] };
    assert.deepEqual(words(emergency, told), [], "that it was announced is nobody's act");
    const reviewed = { ...emergency, reviews: [{ ...review, reviewed: { by: grace, at, comment: "right" } }] };
    assert.deepEqual(words(emergency, reviewed), ["reviewed d-2"]);
  });

  it("a rollback says which release it withdrew, and a prune which ones are forgotten", () => {
    const before = history("v1", "v2");
    const after = rollBack(before);
    const plan = planOf("v1", "rollback", "d-3", before);
    const begun = withOperation(before, plan, shop("v1"), 1, at);
    assert.ok(after.live !== null);
    const committed = withCommitted(begun, plan, after.live);
    assert.deepEqual(actsBetween(begun, committed), [
      { action: "went-live", subject: "d-3", details: { release: "r-v1", withdrawn: ["r-v2"] } },
    ]);
    const forgotten = withForgotten(before, ["r-v1"]);
    assert.deepEqual(words(before, forgotten ?? before), ["forgotten"]);
  });

  it("whatever part of the state is otherwise than before, there is an entry, also for parts that nobody has thought of yet", () => {
    const parts = Object.keys(state).filter(
      (part) => !["version", "project", "environment", "nextTicket", "audit"].includes(part),
    );
    fc.assert(
      fc.property(fc.constantFrom(...parts, "tomorrow"), fc.constantFrom(history("v1"), queued), (part, before) => {
        const other: Record<string, unknown> = {
          tickets: [{ ...queued.tickets[0], deployment: "d-10" }],
          hold,
          reviews: [{ deployment: "d-1", passed: [], by: ada, reviewed: null }],
          deployments: [],
          live: null,
          healthy: [],
          withdrawn: [{ release: "r-v1", at, by: "ada", deployment: "d-1" }],
          automaticPaused: { since: at, by: "ada", reason: "" },
          behind: [{ host: "one", since: at, release: null }],
          operation: { deployment: "d-1", committed: false, options },
        };
        const after = { ...before, [part]: other[part] ?? (part === "live" ? null : "something") };
        assert.notDeepEqual(actsBetween(before, after), []);
      }),
    );
  });
});
