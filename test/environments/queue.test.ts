import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Reviewers } from "../../src/config/types-gates.ts";
import type { Identity } from "../../src/environments/identity.ts";
import {
  countingApprovals,
  requestMeant,
  stillNeeded,
  withApproval,
  withCancelled,
  withRejection,
} from "../../src/environments/queue/answers.ts";
import { withExpired, withTicket } from "../../src/environments/queue/changes.ts";
import { activeHold, holdText, withHold, withoutHold } from "../../src/environments/queue/holds.ts";
import { goneOf, turnOf } from "../../src/environments/queue/turn.ts";
import type { NewTicket, Ticket } from "../../src/environments/queue/types.ts";
import { emptyState } from "../../src/environments/record/changes.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import { ShiplockError } from "../../src/errors.ts";

const at = "2026-11-20T10:00:00.000Z";
const now = new Date(at);
const later = (milliseconds: number): Date => new Date(now.getTime() + milliseconds);
const hour = 3_600_000;

function person(name: string, ...aliases: string[]): Identity {
  return { name, aliases, source: "local" };
}

function ticket(deployment: string, more: Partial<Ticket> = {}): NewTicket {
  return {
    ...{ deployment, kind: "deploy", trigger: "manual", state: "waiting", release: `r-${deployment}`, document: "r.1" },
    ...{ subject: "sha256:1", commit: "c1", commitTime: at, ref: null },
    origin: { who: "ada", from: "laptop", command: "shiplock deploy", reason: null },
    ...{ requesters: [person("ada")], createdAt: at, expiresAt: later(hour).toISOString() },
    options: { confirmed: null, emergency: null, overrideFreeze: null, takeOver: false, skip: [] },
    waiting: [{ gate: "reviewers", reason: "somebody has to approve", until: null }],
    ...{ approvals: [], ...more },
  };
}

function stateWith(...tickets: NewTicket[]): EnvironmentState {
  return tickets.reduce((state, each) => withTicket(state, each, at), emptyState("shop", "production"));
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof ShiplockError) return error.code;
    throw error;
  }
  return "nothing was thrown";
}

const reviewers: Reviewers = {
  ...{ people: ["grace", "linus@example.com", "ada"], named: ["grace", "team ops"], count: 2, selfReview: false },
  validMs: hour,
};

describe("an approval", () => {
  const approve = (state: EnvironmentState, by: Identity, policy: Reviewers | undefined = reviewers, when = now) =>
    withApproval(state, requestMeant(state, "d-1"), { by, now: when, comment: null }, policy);

  it("lets the request want its turn once enough people have given one, and nothing else waits", () => {
    const one = approve(stateWith(ticket("d-1")), person("grace"));
    assert.equal(one.tickets[0]?.state, "waiting");
    assert.equal(stillNeeded(one.tickets[0], reviewers, now), 1);
    const two = approve(one, person("linus", "linus@example.com"));
    assert.deepEqual([two.tickets[0]?.state, two.tickets[0]?.waiting], ["queued", []]);
  });

  it("leaves a request waiting that waits for something else, too", () => {
    const freeze = { gate: "freeze" as const, reason: "until monday", until: null };
    const state = stateWith(ticket("d-1", { waiting: [...ticket("d-1").waiting, freeze] }));
    const approved = approve(state, person("grace"), { ...reviewers, count: 1 });
    assert.deepEqual([approved.tickets[0]?.state, approved.tickets[0]?.waiting], ["waiting", [freeze]]);
  });

  it("is refused from who is no reviewer, who asked for it themselves, and who has given one; the message says who may", () => {
    const state = stateWith(ticket("d-1"));
    assert.equal(
      codeOf(() => approve(state, person("mallory"))),
      "approve/no-reviewer",
    );
    assert.equal(
      codeOf(() => approve(state, person("ADA"))),
      "approve/own-request",
    );
    assert.equal(
      codeOf(() => approve(approve(state, person("grace")), person("Grace"))),
      "approve/twice",
    );
    assert.equal(
      codeOf(() =>
        withApproval(state, state.tickets[0] as Ticket, { by: person("grace"), now, comment: null }, undefined),
      ),
      "approve/not-asked",
    );
    assert.throws(() => approve(state, person("mallory")), {
      remedy: "ask one of: grace, team ops (grace, linus@example.com, ada)",
    });
    const own = approve(state, person("ada"), { ...reviewers, selfReview: true, count: 1 });
    assert.equal(own.tickets[0]?.state, "queued");
  });

  it("is not given by who asked for the same once more, also where the two requests became one", () => {
    const automatic = { trigger: "automatic" as const };
    const state = stateWith(
      ticket("d-0", { ...automatic, requesters: [person("grace")] }),
      ticket("d-1", { ...automatic, requesters: [person("bob")] }),
    );
    assert.deepEqual(
      state.tickets.map(({ deployment }) => deployment),
      ["d-1"],
    );
    assert.equal(
      codeOf(() => approve(state, person("grace"))),
      "approve/own-request",
    );
  });

  it("counts only for what it was given for, as long as it is fresh, and once for each person", () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            by: fc.constantFrom("grace", "Grace", "linus@example.com", "mallory", "ada"),
            ageMs: fc.integer({ min: 0, max: 2 * hour }),
            same: fc.boolean(),
            answer: fc.constantFrom("approve" as const, "reject" as const),
          }),
          { maxLength: 8 },
        ),
        (given) => {
          const approvals = given.map(({ by, ageMs, same, answer }) => ({
            ...{ by: person(by), at: later(-ageMs).toISOString(), answer, comment: null },
            subject: same ? "sha256:1" : "sha256:2",
          }));
          const counting = countingApprovals({ ...ticket("d-1"), approvals }, reviewers, now);
          const may = new Set(
            given
              .filter(({ answer, same, ageMs }) => answer === "approve" && same && ageMs < hour)
              .map(({ by }) => by.toLowerCase())
              .filter((by) => by === "grace" || by === "linus@example.com"),
          );
          assert.equal(counting.length, may.size);
        },
      ),
    );
  });
});

describe("a request that somebody answers", () => {
  it("is the only one there is, or the one that is named; otherwise they are listed", () => {
    const two = stateWith(ticket("d-1"), ticket("d-2"));
    assert.equal(requestMeant(stateWith(ticket("d-1")), null).deployment, "d-1");
    assert.equal(requestMeant(two, "d-2").deployment, "d-2");
    assert.throws(
      () => requestMeant(two, null),
      (error: ShiplockError) => {
        assert.deepEqual([error.code, error.details.length], ["request/several", 2]);
        assert.match(error.details[0] ?? "", /^d-1: r-d-1, asked for by ada/);
        return true;
      },
    );
    assert.equal(
      codeOf(() => requestMeant(emptyState("shop", "production"), null)),
      "request/none",
    );
    assert.equal(
      codeOf(() => requestMeant(two, "d-9")),
      "request/unknown",
    );
  });

  it("ends when it is rejected or cancelled, by whom and why; afterwards its name says so", () => {
    const state = stateWith(ticket("d-1"), ticket("d-2"));
    const [first, second] = state.tickets as [Ticket, Ticket];
    const answering = { by: person("grace"), now, comment: "too late in the week" };
    const rejected = withRejection(state, first, answering, reviewers);
    const both = withCancelled(rejected, second, { ...answering, by: person("bob") });
    assert.deepEqual(
      both.deployments.map((entry) => [entry.deployment, entry.state, entry.outcome]),
      [
        ["d-2", "cancelled", "cancelled by bob"],
        ["d-1", "rejected", "rejected by grace: too late in the week"],
      ],
    );
    assert.equal(
      codeOf(() => requestMeant(both, "d-1")),
      "request/over",
    );
    assert.equal(
      codeOf(() => withRejection(state, first, { ...answering, by: person("mallory") }, reviewers)),
      "approve/no-reviewer",
    );
  });
});

describe("a hold", () => {
  const hold = { by: person("ada"), until: later(hour).toISOString(), reason: "a demo" };
  const empty = emptyState("shop", "staging");

  it("is in the way of others until its time is over, and then as if there had never been one", () => {
    const held = withHold(empty, hold, false, now);
    assert.equal(activeHold(held, later(hour - 1))?.reason, "a demo");
    assert.equal(activeHold(held, later(hour)), null);
    assert.equal(withExpired(held, later(hour)).hold, null);
    assert.equal(withHold(held, { ...hold, by: person("bob") }, false, later(hour)).hold?.takenFrom, null);
  });

  it("of somebody else is only taken over by who says so, and keeps from whom", () => {
    const held = withHold(empty, hold, false, now);
    const bob = { ...hold, by: person("bob") };
    assert.throws(() => withHold(held, bob, false, now), { code: "hold/held", blame: "gate" });
    const taken = withHold(held, bob, true, now);
    assert.equal(taken.hold?.takenFrom, "ada");
    assert.match(holdText(taken.hold), /^held by bob since .* until .*, taken over from ada: a demo$/);
    assert.equal(withHold(held, { ...hold, reason: "longer" }, false, now).hold?.reason, "longer");
  });

  it("is lifted by who placed it, by others only with --take-over, and by nobody where there is none", () => {
    const held = withHold(empty, hold, false, now);
    assert.equal(withoutHold(held, person("Ada"), false, now)?.hold, null);
    assert.equal(
      codeOf(() => withoutHold(held, person("bob"), false, now)),
      "hold/held",
    );
    assert.equal(withoutHold(held, person("bob"), true, now)?.hold, null);
    assert.equal(withoutHold(empty, person("bob"), false, now), null);
  });
});

describe("whose turn it is", () => {
  const asking = { trigger: "manual", entered: true, arrived: 99, passedOver: new Set<string>() } as const;
  const queued = { state: "queued", waiting: [] } as const;

  it("that of whoever came first and waits for no gate; who waits, and who cannot be carried out, is passed by", () => {
    const state = stateWith(ticket("d-1"), ticket("d-2", queued), ticket("d-3", queued));
    assert.equal(turnOf(state, { ...asking, deployment: "d-1" }).kind, "mine");
    assert.equal(turnOf(state, { ...asking, deployment: "d-2" }).kind, "mine");
    assert.deepEqual(turnOf(state, { ...asking, deployment: "d-3" }), { kind: "behind", ticket: state.tickets[1] });
    assert.equal(turnOf(state, { ...asking, deployment: "d-3" }, new Set(["d-2"])).kind, "take-up");
    assert.equal(turnOf(state, { ...asking, deployment: "d-3", passedOver: new Set(["d-2"]) }).kind, "mine");
  });

  it("one that did not have to queue came before those that entered after its first look", () => {
    const state = stateWith(ticket("d-1", queued));
    const fresh = { ...asking, entered: false, deployment: "d-2" };
    assert.equal(turnOf(state, { ...fresh, arrived: 1 }).kind, "mine");
    assert.equal(turnOf(state, { ...fresh, arrived: 2 }).kind, "behind");
  });

  it("nobody's any more who stood in the queue and does not, or whose deployment is known to have begun", () => {
    const state = withCancelled(stateWith(ticket("d-1")), stateWith(ticket("d-1")).tickets[0] as Ticket, {
      ...{ by: person("bob"), now, comment: null },
    });
    assert.equal(turnOf(state, { ...asking, entered: false, deployment: "d-1" }).kind, "ended");
    assert.equal(turnOf({ ...state, deployments: [] }, { ...asking, deployment: "d-1" }).kind, "ended");
  });

  it("a command that was not seen for a minute is gone", () => {
    const state = stateWith(ticket("d-1"), ticket("d-2"), ticket("d-3"));
    const seen = new Map([
      ["d-1", 60_000],
      ["d-2", 60_001],
    ]);
    assert.deepEqual([...goneOf(state, seen)], ["d-2", "d-3"]);
  });
});
