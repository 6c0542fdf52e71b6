import type { Reviewers } from "../../config/types-gates.ts";
import type { Judgement } from "../gates/types.ts";
import { type Identity, isNamedBy, samePerson } from "../identity.ts";
import type { DueReview, NewTicket, ReviewNews } from "../queue/types.ts";
import type { EnvironmentState } from "../record/types.ts";

/** Reviews that ended are forgotten one day; the audit log keeps them. Those that are due never are. */
const endedReviewsKept = 20;

/**
 * The review that an emergency leaves behind, whether or not a gate would have stopped it: who says that it is one is asked about it afterwards.
 * @param within how long somebody else has for it, in milliseconds
 * @returns null where the request is no emergency
 */
export function reviewOf(
  { deployment, release, options }: NewTicket,
  by: Identity,
  { passedByEmergency }: Judgement,
  now: Date,
  within: number,
): DueReview | null {
  if (options.emergency === null) return null;
  return {
    ...{ deployment, release, by, reason: options.emergency, reviewed: null },
    passed: passedByEmergency.map(({ gate, reason }) => ({ gate, reason })),
    at: now.toISOString(),
    dueBy: new Date(now.getTime() + within).toISOString(),
  };
}

/** The state with a review that is due from now on. */
export function withDueReview(state: EnvironmentState, review: DueReview): EnvironmentState {
  const known = state.reviews.filter(({ deployment }) => deployment !== review.deployment);
  const ended = known.filter(({ reviewed }) => reviewed !== null).slice(0, endedReviewsKept);
  return { ...state, reviews: [review, ...known.filter((each) => each.reviewed === null || ended.includes(each))] };
}

/** The state in which somebody has looked at an emergency. */
export function withReviewed(
  state: EnvironmentState,
  deployment: string,
  by: Identity,
  at: string,
  comment: string | null,
): EnvironmentState {
  return {
    ...state,
    reviews: state.reviews.map((review) =>
      review.deployment === deployment ? { ...review, reviewed: { by, at, comment } } : review,
    ),
  };
}

/** Emergencies that nobody has looked at yet, the one that has to be looked at first in front. */
export function openReviews({ reviews }: Pick<EnvironmentState, "reviews">): DueReview[] {
  return reviews
    .filter(({ reviewed }) => reviewed === null)
    .toSorted((left, right) => (left.dueBy < right.dueBy ? -1 : left.dueBy > right.dueBy ? 1 : 0));
}

/** Whether the time for a review is over. */
export function isOverdue(review: DueReview, now: Date): boolean {
  return review.reviewed === null && Date.parse(review.dueBy) <= now.getTime();
}

/** What nobody was told yet of the reviews: once that an emergency has ended and waits for one, and once that the time for it is over. */
export function untoldReviews(
  state: Pick<EnvironmentState, "reviews" | "operation">,
  now: Date,
): { review: DueReview; news: ReviewNews }[] {
  return openReviews(state)
    .map((review) => ({ review, news: newsOf(review, state.operation?.deployment ?? null, now) }))
    .flatMap(({ review, news }) => (news === null || news === review.told ? [] : [{ review, news }]));
}

function newsOf(review: DueReview, running: string | null, now: Date): ReviewNews | null {
  if (isOverdue(review, now)) return "overdue";
  return running === review.deployment ? null : "due";
}

/** The state in which all that is to be told of the reviews was told; null where nothing is to be told. */
export function withReviewsTold(state: EnvironmentState, now: Date): EnvironmentState | null {
  const untold = untoldReviews(state, now);
  if (untold.length === 0) return null;
  return {
    ...state,
    reviews: state.reviews.map((review) => {
      const news = untold.find((each) => each.review.deployment === review.deployment)?.news;
      return news === undefined ? review : { ...review, told: news };
    }),
  };
}

/** A review that is due, in one line: what was done, by whom, why, what it passed, and until when somebody else has to look at it. */
export function reviewSentence(review: DueReview, environment: string, now: Date): string {
  const { deployment, release, by, reason, passed, dueBy } = review;
  const gates = passed.length === 0 ? "" : `, passing ${passed.map(({ gate }) => gate).join(", ")}`;
  const when = isOverdue(review, now) ? `overdue since ${dueBy}` : `due by ${dueBy}`;
  return `the emergency ${deployment} of ${release} by ${by.name} (${reason})${gates} waits for a review, ${when}: \`shiplock review ${environment} ${deployment} --comment …\``;
}

/** Why somebody may not be the one who reviews an emergency, and what to do; null for who may. */
export function reviewRefusal(
  review: DueReview,
  who: Identity,
  reviewers: Reviewers | undefined,
): { reason: string; remedy: string } | null {
  const { deployment, by, reviewed } = review;
  if (reviewed !== null)
    return {
      reason: `${deployment} was reviewed by ${reviewed.by.name} on ${reviewed.at}`,
      remedy: "nothing is left to do",
    };
  if (samePerson(who, by))
    return {
      reason: `${deployment} was ${by.name}'s own emergency, and somebody else has to look at it`,
      remedy: "ask somebody else to run this command",
    };
  if (reviewers === undefined || reviewers.people.some((name) => isNamedBy(who, name))) return null;
  return {
    reason: `${who.name} is none of those who may review here: ${reviewers.named.join(", ")}`,
    remedy: "ask one of them, or change `reviewers` of the environment",
  };
}
