import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  isOverdue,
  openReviews,
  reviewRefusal,
  reviewSentence,
  untoldReviews,
  withDueReview,
  withReviewed,
  withReviewsTold,
} from "../../../src/environments/emergency/reviews.ts";
import type { DueReview } from "../../../src/environments/queue/types.ts";
import { emptyState } from "../../../src/environments/record/changes.ts";
import type { EnvironmentState } from "../../../src/environments/record/types.ts";

const ada = { name: "ada", aliases: ["ada@example.com"], source: "local" } as const;
const grace = { name: "grace", aliases: [], source: "local" } as const;
const reviewers = { people: ["grace"], named: ["team ops"], count: 1, selfReview: false, validMs: 1 };

function reviewOf(deployment: string, dueBy = "2026-11-21T10:00:00.000Z"): DueReview {
  return {
    ...{ deployment, release: "r-v2", by: ada, reason: "the shop is down", at: "2026-11-20T10:00:00.000Z", dueBy },
    passed: [{ gate: "reviewers", reason: "nobody has approved" }],
    reviewed: null,
  };
}

describe("the review that an emergency leaves behind", () => {
  it("is told in one line with what was passed, until when, and the command that ends it", () => {
    const review = reviewOf("d-2");
    assert.equal(
      reviewSentence(review, "production", new Date("2026-11-20T12:00:00Z")),
      "the emergency d-2 of r-v2 by ada (the shop is down), passing reviewers waits for a review, due by 2026-11-21T10:00:00.000Z: `shiplock review production d-2 --comment …`",
    );
    assert.match(reviewSentence(review, "production", new Date("2026-11-22")), /overdue since 2026-11-21T10:00/);
    assert.ok(isOverdue(review, new Date("2026-11-21T10:00:00Z")));
  });

  it("is not for who did it, by whatever name; elsewhere anybody's, or that of the reviewers the environment names", () => {
    const review = reviewOf("d-2");
    for (const same of [ada, { ...grace, aliases: ["ADA@example.com"] }])
      assert.match(reviewRefusal(review, same, undefined)?.reason ?? "", /ada's own emergency/);
    assert.equal(reviewRefusal(review, grace, undefined), null);
    assert.equal(reviewRefusal(review, grace, reviewers), null);
    assert.match(reviewRefusal(review, { ...grace, name: "eve" }, reviewers)?.reason ?? "", /eve is none .*team ops/);
    const ended = { ...review, reviewed: { by: grace, at: "2026-11-20", comment: "right" } };
    assert.match(reviewRefusal(ended, { ...grace, name: "eve" }, undefined)?.reason ?? "", /reviewed by grace/);
  });

  it("stays until somebody has looked at it, however many emergencies come; those that ended leave one day", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 60 }), (looked) => {
        const state = looked.reduce<EnvironmentState>(
          (known, ends, index) => {
            const due = withDueReview(known, reviewOf(`d-${index}`));
            return ends ? withReviewed(due, `d-${index}`, grace, "2026-11-20", null) : due;
          },
          emptyState("shop", "production"),
        );
        const open = looked.flatMap((ends, index) => (ends ? [] : [`d-${index}`]));
        assert.deepEqual(
          openReviews(state)
            .map(({ deployment }) => deployment)
            .sort(),
          open.sort(),
        );
        assert.ok(state.reviews.length <= open.length + 21);
      }),
    );
  });

  it("is announced once when the emergency has ended, once more when its time is over, and not after somebody has looked", () => {
    const before = new Date("2026-11-21T09:59:59Z");
    const after = new Date("2026-11-21T10:00:00Z");
    const due = withDueReview(emptyState("shop", "production"), reviewOf("d-2"));
    const news = (state: EnvironmentState, now: Date): string[] => untoldReviews(state, now).map((each) => each.news);
    const running = { ...due, operation: { deployment: "d-2" } as EnvironmentState["operation"] };
    assert.deepEqual([news(running, before), news(running, after)], [[], ["overdue"]]);
    assert.deepEqual(news(due, before), ["due"]);
    const told = withReviewsTold(due, before);
    assert.ok(told !== null);
    assert.equal(withReviewsTold(told, before), null);
    assert.deepEqual(news(told, after), ["overdue"]);
    assert.deepEqual(news(withReviewsTold(told, after) ?? told, after), []);
    assert.deepEqual(news(withReviewed(due, "d-2", grace, "2026-11-21", "right"), after), []);
  });

  it("the one that has to be looked at first stands in front", () => {
    const state = ["2026-11-23", "2026-11-21", "2026-11-22"].reduce(
      (known, day) => withDueReview(known, reviewOf(day, `${day}T00:00:00.000Z`)),
      emptyState("shop", "production"),
    );
    assert.deepEqual(
      openReviews(state).map(({ deployment }) => deployment),
      ["2026-11-21", "2026-11-22", "2026-11-23"],
    );
  });
});
