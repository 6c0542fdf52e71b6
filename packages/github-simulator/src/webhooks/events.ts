/** The webhooks that the simulator sends, each with its action where it has one. */
export const webhookEvents = [
  "check_run.completed",
  "check_run.created",
  "check_suite.completed",
  "create",
  "delete",
  "deployment.created",
  "deployment_status.created",
  "installation.created",
  "issue_comment.created",
  "issue_comment.deleted",
  "issue_comment.edited",
  "ping",
  "pull_request.closed",
  "pull_request.labeled",
  "pull_request.opened",
  "pull_request.reopened",
  "pull_request.synchronize",
  "pull_request.unlabeled",
  "pull_request_review.dismissed",
  "pull_request_review.submitted",
  "push",
  "release.created",
  "release.published",
  "status",
  "workflow_run.completed",
] as const;

export type WebhookEvent = (typeof webhookEvents)[number];

/** What GitHub's description calls it: `pull-request-opened`. */
export function describedName(event: WebhookEvent): string {
  return event.replaceAll(/[._]/g, "-");
}
