import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { CommitOrigin, MergedPull, PullReview } from "../../../src/checks/reviews.ts";
import { judge } from "../../../src/environments/gates/judge.ts";
import { reviewedGate } from "../../../src/environments/gates/reviewed.ts";
import type { CodeFacts, GateDecision, GateFacts } from "../../../src/environments/gates/types.ts";
import { commit, facts, policyOf, request } from "./facts.ts";

const head = "feed".padEnd(40, "1");

function review(by: string, answer: PullReview["answer"] = "approved", changes: Partial<PullReview> = {}): PullReview {
  return { by, answer, commit: head, counts: true, ...changes };
}

function pull(reviews: readonly PullReview[], changes: Partial<MergedPull> = {}): MergedPull {
  const url = "https://github.com/acme/shop/pull/7";
  return { number: 7, url, author: "ada", head, made: commit, reviews, ...changes };
}

function origin(pulls: readonly MergedPull[], hash = commit, subject = "Add a basket"): CommitOrigin {
  return { commit: hash, subject, pulls };
}

function ask(
  commits: readonly CommitOrigin[],
  approvals = 1,
  changes: Partial<GateFacts> = {},
  stopAt: string | null = null,
): GateDecision {
  const code: CodeFacts = { statuses: null, workflows: null, origins: { commits, stopAt } };
  return reviewedGate.judge(facts({ policy: policyOf({ reviewed: { approvals } }), code, ...changes }));
}

function told(decision: GateDecision): string {
  return [decision.answer, decision.reason, "remedy" in decision ? decision.remedy : ""].join(" | ");
}

describe("the gate of reviewed pull requests", () => {
  it("lets through what a merge made of a pull request that somebody else has approved", () => {
    assert.equal(
      told(ask([origin([pull([review("grace")])])])),
      "pass | commit c0ffee1 came through #7, approved by grace | ",
    );
  });

  it("blocks a commit that came through no pull request, or only through an open one, and one that GitHub does not know", () => {
    assert.match(
      told(ask([origin([])])),
      /^block \| commit c0ffee1 came through no merged pull request \| open a pull/,
    );
    assert.match(told(ask([])), /^block \| GitHub does not know commit c0ffee1/);
  });

  it("blocks a commit in the middle of a pull request, which nobody has looked at by itself", () => {
    const decision = ask([origin([pull([review("grace")], { made: "beef".padEnd(40, "0") })])]);
    assert.equal(
      told(decision),
      "block | commit c0ffee1 is only a part of #7 | deploy what its merge made: --ref beef00000000",
    );
  });

  it("does not count the author's own approval, a stranger's, a dismissed one, or one of an earlier state of the branch", () => {
    const reviews = [
      review("Ada"),
      review("stranger", "approved", { counts: false }),
      review("linus", "dismissed"),
      review("grace", "approved", { commit: "0".repeat(40) }),
    ];
    const text = told(ask([origin([pull(reviews)])]));
    assert.match(text, /^block .*which has 0 of 1 approval; Ada's own does not count; that of stranger does not count/);
    assert.match(text, /that of linus was dismissed; that of grace was for an earlier state of the branch/);
    assert.match(text, /let somebody approve https:.*\/pull\/7 as it was merged/);
  });

  it("counts the last word of each person, once, whatever the case of the name", () => {
    const twice = pull([review("grace"), review("Grace")]);
    assert.match(told(ask([origin([twice])], 2)), /has 1 of 2 approvals \(Grace\)/);
    const changed = pull([review("linus"), review("grace"), review("grace", "changes-requested")]);
    assert.match(told(ask([origin([changed])])), /^block .*grace has asked for changes \| settle with grace/);
    const settled = pull([review("grace", "changes-requested"), review("grace")]);
    assert.equal(ask([origin([settled])]).answer, "pass");
  });

  it("does not let what was pushed past every review come along with what was reviewed", () => {
    const reviewed = origin([pull([review("grace")])]);
    const pushed = origin([], "dead".padEnd(40, "0"), "quick fix");
    assert.match(told(ask([reviewed, pushed])), /^block \| commit dead000 \(quick fix\) came through no merged pull/);
    const part = origin([pull([review("grace")], { made: commit })], "dead".padEnd(40, "0"));
    assert.match(told(ask([reviewed, part])), /^pass .*; so did the 1 commit before it/);
  });

  it("says where to stop when more is new than anybody looks at", () => {
    const decision = ask([origin([pull([review("grace")])])], 1, {}, "dead".padEnd(40, "0"));
    assert.match(told(decision), /^block .*deploy it in steps, `--ref dead00000000` first/);
  });

  it("blocks when GitHub cannot be asked, when nobody has asked, and for a working tree", () => {
    const policy = policyOf({ reviewed: true });
    const asked = (origins: CodeFacts["origins"], dirty = false) =>
      told(reviewedGate.judge(facts({ policy, dirty, code: { statuses: null, workflows: null, origins } })));
    assert.match(asked({ unreachable: "no answer" }), /^block \| how commit c0ffee1 came here is unknown: no answer/);
    assert.match(asked(null), /^block/);
    assert.match(asked({ commits: [origin([pull([review("grace")])])], stopAt: null }, true), /^block .*working tree/);
  });

  it("lets a rollback through, and an emergency where the environment says so", () => {
    assert.equal(ask([], 1, { kind: "rollback" }).answer, "pass");
    const { options } = request();
    const judged = judge(
      facts({
        policy: policyOf({ reviewed: true, emergency: { passes: ["reviewed"] } }),
        code: { statuses: null, workflows: null, origins: { commits: [origin([])], stopAt: null } },
        request: request({ options: { ...options, emergency: "the shop is down" } }),
      }),
    );
    assert.equal(judged.answer, "pass");
    assert.deepEqual(
      judged.passedByEmergency.map(({ gate }) => gate),
      ["reviewed"],
    );
  });

  it("never passes with fewer people than are asked for, whatever is said in whatever order", () => {
    const people = ["ada", "grace", "linus", "eve"];
    const reviews = fc.array(
      fc.record({
        by: fc.constantFrom(...people),
        answer: fc.constantFrom("approved" as const, "changes-requested" as const, "dismissed" as const),
        commit: fc.constantFrom(head, "0".repeat(40), null),
        counts: fc.boolean(),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(reviews, fc.integer({ min: 1, max: 3 }), (said, approvals) => {
        const decision = ask([origin([pull(said)])], approvals);
        const last = people.flatMap((who) => said.filter(({ by }) => by === who).slice(-1));
        const others = last.filter(({ by, counts }) => by !== "ada" && counts);
        const agree = others.filter(({ answer, commit: at }) => answer === "approved" && at === head);
        const disagree = others.some(({ answer }) => answer === "changes-requested");
        assert.equal(decision.answer, agree.length >= approvals && !disagree ? "pass" : "block");
      }),
    );
  });

  it("never passes when any commit is without a review, wherever it lies", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 8 }), fc.nat(), (fine, salt) => {
        const others = fine.map((isFine, index) =>
          origin(isFine ? [pull([review("grace")])] : [], `${index + 1}`.padStart(40, "0"), `s${salt}`),
        );
        const decision = ask([origin([pull([review("grace")])]), ...others]);
        assert.equal(decision.answer, fine.every(Boolean) ? "pass" : "block");
      }),
    );
  });
});
