import { labelShape, pullShape, reviewShape, simplePullShape } from "../shapes/pulls.ts";
import type { Account } from "../types.ts";
import { github, noticePushes, refreshPull } from "./pushes.ts";
import type { Pull, Review, ReviewState } from "./types.ts";
import type { World } from "./world.ts";

export type NewPull = {
  readonly title: string;
  readonly body: string | null;
  readonly head: string;
  readonly headSha: string;
  readonly base: string;
  readonly baseSha: string;
  readonly draft: boolean;
  readonly fork: boolean;
  readonly author: Account;
};

export async function openPull(world: World, about: NewPull): Promise<Pull> {
  const now = world.clock.now();
  const pull: Pull = {
    ...{ id: world.nextId(), number: world.nextNumber(), ...about, state: "open", labels: [], reviews: [] },
    ...{ createdAt: now, updatedAt: now, closedAt: null, mergedAt: null, mergedBy: null, mergeCommit: null },
  };
  world.pulls.push(pull);
  await refreshPull(world, pull);
  await tell(world, pull, { action: "opened" }, about.author);
  return pull;
}

export async function closePull(world: World, pull: Pull, by: Account): Promise<void> {
  if (pull.state === "closed") return;
  pull.state = "closed";
  pull.closedAt = world.clock.now();
  pull.updatedAt = pull.closedAt;
  await tell(world, pull, { action: "closed" }, by);
}

export async function reopenPull(world: World, pull: Pull, by: Account): Promise<void> {
  if (pull.state === "open") return;
  Object.assign(pull, { state: "open", closedAt: null, updatedAt: world.clock.now() });
  await refreshPull(world, pull);
  await tell(world, pull, { action: "reopened" }, by);
}

/**
 * Merges with a merge commit, or with one commit of all changes.
 * @returns the commit that is now the base branch's, or null where it cannot be merged
 */
export async function mergePull(
  world: World,
  pull: Pull,
  about: { readonly method: "merge" | "squash"; readonly message: string | null; readonly by: Account },
): Promise<string | null> {
  await refreshPull(world, pull);
  const merge = pull.mergeCommit;
  if (pull.state === "closed" || merge === null) return null;
  const { git, clock } = world;
  const from = `${world.repository.owner}/${pull.head}`;
  const merging = about.message ?? `Merge pull request #${pull.number} from ${from}\n\n${pull.title}`;
  const squashing = about.message ?? `${pull.title} (#${pull.number})`;
  const message = about.method === "merge" ? merging : squashing;
  const parents = about.method === "merge" ? [pull.baseSha, pull.headSha] : [pull.baseSha];
  const sha = await git.commitTree({ of: merge, parents, message, author: github, at: clock.now() });
  await git.setRef(`refs/heads/${pull.base}`, sha);
  const now = clock.now();
  Object.assign(pull, { state: "closed", closedAt: now, mergedAt: now, updatedAt: now, mergedBy: about.by });
  pull.mergeCommit = sha;
  await tell(world, pull, { action: "closed" }, about.by);
  await noticePushes(world, about.by);
  return sha;
}

export async function addReview(
  world: World,
  pull: Pull,
  about: { author: Account; state: ReviewState; body: string; commit: string | null },
): Promise<Review> {
  const { author, state, body, commit } = about;
  const submittedAt = world.clock.now();
  const review = { id: world.nextId(), author, body, state, commit: commit ?? pull.headSha, submittedAt };
  pull.reviews.push(review);
  if (state !== "PENDING") tellReview(world, pull, review, "submitted", author);
  return review;
}

export function dismissReview(world: World, pull: Pull, review: Review, by: Account): void {
  review.state = "DISMISSED";
  tellReview(world, pull, review, "dismissed", by);
}

export async function labelPull(world: World, pull: Pull, name: string, on: boolean, by: Account): Promise<void> {
  if (pull.labels.includes(name) === on) return;
  pull.labels = on ? [...pull.labels, name] : pull.labels.filter((label) => label !== name);
  pull.updatedAt = world.clock.now();
  await tell(world, pull, { action: on ? "labeled" : "unlabeled", label: labelShape(world, name) }, by);
}

async function tell(world: World, pull: Pull, about: { action: string; label?: unknown }, by: Account): Promise<void> {
  if (world.hooks.length === 0) return;
  world.tell("pull_request", { ...about, number: pull.number, pull_request: await pullShape(world, pull) }, by);
}

function tellReview(world: World, pull: Pull, review: Review, action: string, by: Account): void {
  const shape = reviewShape(world, pull, review);
  // Webhooks write the states small.
  const small = { ...shape, state: review.state.toLowerCase() };
  world.tell("pull_request_review", { action, review: small, pull_request: simplePullShape(world, pull) }, by);
}
