import { reviewShape } from "../shapes/pulls.ts";
import { addReview, dismissReview } from "../state/pulls.ts";
import type { ReviewState } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { foundPull } from "./pulls.ts";
import { type Answer, type Asked, listed, notFound, Refusal, type Route } from "./types.ts";

const one = "/repos/{owner}/{repo}/pulls/{pull_number}/reviews";

export const reviewRoutes: readonly Route[] = [
  {
    name: `GET ${one}`,
    needs: ["pull_requests:read"],
    answer: async (asked, world) => {
      const pull = await foundPull(asked, world);
      // Chronological, unlike most lists.
      return listed(pull.reviews, (review) => reviewShape(world, pull, review));
    },
  },
  { name: `POST ${one}`, needs: ["pull_requests:write"], answer: create },
  { name: `PUT ${one}/{review_id}/dismissals`, needs: ["pull_requests:write"], answer: dismiss },
];

const states = {
  APPROVE: "APPROVED",
  REQUEST_CHANGES: "CHANGES_REQUESTED",
  COMMENT: "COMMENTED",
} as const satisfies Record<string, ReviewState>;

async function create(asked: Asked, world: World): Promise<Answer> {
  const pull = await foundPull(asked, world);
  const {
    event,
    body = "",
    commit_id: commit,
  } = asked.body as { event?: keyof typeof states; body?: string; commit_id?: string };
  const author = asked.caller.account;
  if (event === "APPROVE" && author.login === pull.author.login)
    throw new Refusal(422, "Unprocessable Entity: Can not approve your own pull request");
  const state = event === undefined ? "PENDING" : states[event];
  const review = await addReview(world, pull, { author, state, body, commit: commit ?? null });
  return { status: 200, body: reviewShape(world, pull, review) };
}

async function dismiss(asked: Asked, world: World): Promise<Answer> {
  const pull = await foundPull(asked, world);
  const review = pull.reviews.find(({ id }) => id === Number(asked.path["review_id"]));
  if (review === undefined) throw notFound();
  dismissReview(world, pull, review, asked.caller.account);
  return { status: 200, body: reviewShape(world, pull, review) };
}
