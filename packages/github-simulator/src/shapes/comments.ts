import type { Comment, Pull } from "../state/types.ts";
import type { World } from "../state/world.ts";
import { accountShape, appShape, nodeId, repositoryApi, repositoryWeb, type Shape, time } from "./base.ts";
import { associationOf, labelShape, pullWeb } from "./pulls.ts";

export function commentShape(world: World, comment: Comment): Shape {
  const api = repositoryApi(world);
  const own = `${api}/issues/comments/${comment.id}`;
  return {
    ...{ id: comment.id, node_id: nodeId("IssueComment", comment.id), url: own, body: comment.body },
    html_url: `${repositoryWeb(world)}/pull/${comment.issue}#issuecomment-${comment.id}`,
    ...{ user: accountShape(world, comment.author), issue_url: `${api}/issues/${comment.issue}` },
    ...{ created_at: time(comment.createdAt), updated_at: time(comment.updatedAt) },
    author_association: associationOf(world, comment.author.login),
    performed_via_github_app: comment.app === null ? null : appShape(world, comment.app),
    reactions: reactions(own),
  };
}

/** A pull request as the issue that it is too, for webhooks about its comments. */
export function issueShape(world: World, pull: Pull): Shape {
  const { number } = pull;
  const own = `${repositoryApi(world)}/issues/${number}`;
  const html = pullWeb(world, pull);
  return {
    ...{ url: own, repository_url: repositoryApi(world), labels_url: `${own}/labels{/name}` },
    ...{ comments_url: `${own}/comments`, events_url: `${own}/events`, html_url: html },
    ...{ id: pull.id, node_id: nodeId("PullRequest", pull.id), number, title: pull.title, state: pull.state },
    ...{ user: accountShape(world, pull.author), locked: false, assignee: null, assignees: [], milestone: null },
    labels: pull.labels.map((name) => labelShape(world, name)),
    comments: world.comments.filter(({ issue }) => issue === number).length,
    ...{ created_at: time(pull.createdAt), updated_at: time(pull.updatedAt) },
    closed_at: pull.closedAt === null ? null : time(pull.closedAt),
    ...{ author_association: associationOf(world, pull.author.login), active_lock_reason: null, draft: pull.draft },
    pull_request: {
      ...{ url: `${repositoryApi(world)}/pulls/${number}`, html_url: html },
      ...{ diff_url: `${html}.diff`, patch_url: `${html}.patch` },
      merged_at: pull.mergedAt === null ? null : time(pull.mergedAt),
    },
    ...{ body: pull.body, reactions: reactions(own), timeline_url: `${own}/timeline`, state_reason: null },
    performed_via_github_app: null,
  };
}

function reactions(own: string): Shape {
  const none = { "+1": 0, "-1": 0, laugh: 0, hooray: 0, confused: 0, heart: 0, rocket: 0, eyes: 0 };
  return { url: `${own}/reactions`, total_count: 0, ...none };
}
