import { commentShape, issueShape } from "../shapes/comments.ts";
import type { Account, App } from "../types.ts";
import type { Comment } from "./types.ts";
import type { World } from "./world.ts";

export function addComment(
  world: World,
  about: { readonly issue: number; readonly body: string; readonly author: Account; readonly app: App | null },
): Comment {
  const now = world.clock.now();
  const comment: Comment = { id: world.nextId(), ...about, createdAt: now, updatedAt: now };
  world.comments.push(comment);
  tell(world, comment, { action: "created" }, about.author);
  return comment;
}

export function editComment(world: World, comment: Comment, body: string, by: Account): void {
  const before = comment.body;
  comment.body = body;
  comment.updatedAt = world.clock.now();
  tell(world, comment, { action: "edited", changes: { body: { from: before } } }, by);
}

export function deleteComment(world: World, comment: Comment, by: Account): void {
  world.comments.splice(world.comments.indexOf(comment), 1);
  tell(world, comment, { action: "deleted" }, by);
}

function tell(world: World, comment: Comment, about: { action: string; changes?: unknown }, by: Account): void {
  const pull = world.pulls.find(({ number }) => number === comment.issue);
  if (pull === undefined) return;
  const shapes = { issue: issueShape(world, pull), comment: commentShape(world, comment) };
  world.tell("issue_comment", { ...about, ...shapes }, by);
}
