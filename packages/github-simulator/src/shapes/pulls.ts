import type { Pull, Review } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { accountShape, nodeId, numberOf, repositoryApi, repositoryWeb, type Shape, time } from "./base.ts";
import { repository } from "./repository.ts";

/** As lists have them. */
export function simplePullShape(world: World, pull: Pull): Shape {
  const { id, number, title, body, state, draft, author } = pull;
  const api = repositoryApi(world);
  const own = `${api}/pulls/${number}`;
  const issue = `${api}/issues/${number}`;
  const html = pullWeb(world, pull);
  const at = (date: Date | null): string | null => (date === null ? null : time(date));
  return {
    ...{ url: own, id, node_id: nodeId("PullRequest", id), html_url: html, number, state, locked: false, title, body },
    ...{ diff_url: `${html}.diff`, patch_url: `${html}.patch`, issue_url: issue },
    ...{ commits_url: `${own}/commits`, review_comments_url: `${own}/comments` },
    ...{ review_comment_url: `${api}/pulls/comments{/number}`, comments_url: `${issue}/comments` },
    ...{ statuses_url: `${api}/statuses/${pull.headSha}`, user: accountShape(world, author) },
    labels: pull.labels.map((name) => labelShape(world, name)),
    ...{ milestone: null, active_lock_reason: null, assignee: null, assignees: [] },
    ...{ requested_reviewers: [], requested_teams: [], auto_merge: null, draft },
    ...{ created_at: time(pull.createdAt), updated_at: time(pull.updatedAt) },
    ...{ closed_at: at(pull.closedAt), merged_at: at(pull.mergedAt), merge_commit_sha: pull.mergeCommit },
    head: {
      ...{ label: `${pull.fork ? author.login : world.repository.owner}:${pull.head}`, ref: pull.head },
      ...{ sha: pull.headSha, user: accountShape(world, pull.fork ? author : world.owner) },
      repo: pull.fork ? forkOf(world, pull) : repository(world),
    },
    base: {
      ...{ label: `${world.repository.owner}:${pull.base}`, ref: pull.base, sha: pull.baseSha },
      ...{ user: accountShape(world, world.owner), repo: repository(world) },
    },
    _links: {
      ...{ self: { href: own }, html: { href: html }, issue: { href: issue }, commits: { href: `${own}/commits` } },
      ...{ comments: { href: `${issue}/comments` }, review_comments: { href: `${own}/comments` } },
      review_comment: { href: `${api}/pulls/comments{/number}` },
      statuses: { href: `${api}/statuses/${pull.headSha}` },
    },
    author_association: associationOf(world, author.login),
  };
}

/** As one that was asked for has it, and webhooks. */
export async function pullShape(world: World, pull: Pull): Promise<Shape> {
  const { git, comments } = world;
  const common = await git.mergeBase(pull.baseSha, pull.headSha);
  const files = common === null ? [] : await git.changedFiles(common, pull.headSha);
  const count = (of: "additions" | "deletions"): number => files.reduce((sum, file) => sum + file[of], 0);
  const open = pull.state === "open";
  const mergeable = open ? pull.mergeCommit !== null : null;
  return {
    ...simplePullShape(world, pull),
    ...{ merged: pull.mergedAt !== null, mergeable, rebaseable: open ? false : null },
    mergeable_state: mergeable === null ? "unknown" : pull.draft ? "draft" : mergeable ? "clean" : "dirty",
    merged_by: pull.mergedBy === null ? null : accountShape(world, pull.mergedBy),
    comments: comments.filter(({ issue }) => issue === pull.number).length,
    ...{ review_comments: 0, maintainer_can_modify: false },
    commits: (await git.between(common, pull.headSha, 250)).length,
    ...{ additions: count("additions"), deletions: count("deletions"), changed_files: files.length },
  };
}

/** The open pull requests of this repository's own branches whose head is this commit, as checks and runs name them. */
export function minimalPulls(world: World, sha: string): Shape[] {
  const { id, name } = world.repository;
  const repo = { id, url: repositoryApi(world), name };
  return world.pulls
    .filter((pull) => pull.state === "open" && !pull.fork && pull.headSha === sha)
    .map((pull) => ({
      ...{ id: pull.id, number: pull.number, url: `${repositoryApi(world)}/pulls/${pull.number}` },
      head: { ref: pull.head, sha: pull.headSha, repo },
      base: { ref: pull.base, sha: pull.baseSha, repo },
    }));
}

export function reviewShape(world: World, pull: Pull, review: Review): Shape {
  const html = `${pullWeb(world, pull)}#pullrequestreview-${review.id}`;
  const own = `${repositoryApi(world)}/pulls/${pull.number}`;
  return {
    ...{ id: review.id, node_id: nodeId("PullRequestReview", review.id), user: accountShape(world, review.author) },
    ...{ body: review.body, state: review.state, html_url: html, pull_request_url: own },
    ...{ author_association: associationOf(world, review.author.login) },
    _links: { html: { href: html }, pull_request: { href: own } },
    ...(review.state !== "PENDING" && { submitted_at: time(review.submittedAt) }),
    commit_id: review.commit,
  };
}

export function labelShape(world: World, name: string): Shape {
  const id = numberOf(name);
  const url = `${repositoryApi(world)}/labels/${encodeURIComponent(name)}`;
  return { id, node_id: nodeId("Label", id), url, name, description: "", color: "ededed", default: false };
}

export function pullWeb(world: World, { number }: Pull): string {
  return `${repositoryWeb(world)}/pull/${number}`;
}

export function associationOf(world: World, login: string): string {
  const role = world.accounts.get(login)?.role ?? "none";
  if (login === world.repository.owner) return "OWNER";
  if (role === "none") return "NONE";
  return role === "read" ? "CONTRIBUTOR" : "COLLABORATOR";
}

function forkOf(world: World, { author }: Pull): Shape {
  const { name } = world.repository;
  const id = numberOf(`${author.login}/${name}`);
  const own = `${author.login}/${name}`;
  const base = `${world.repository.owner}/${name}`;
  // Every address in it is the fork's.
  const moved = JSON.parse(JSON.stringify(repository(world)).replaceAll(`/${base}`, `/${own}`)) as Shape;
  const git = `git@github.com:${own}.git`;
  return { ...moved, id, full_name: own, fork: true, ssh_url: git, owner: accountShape(world, author) };
}
