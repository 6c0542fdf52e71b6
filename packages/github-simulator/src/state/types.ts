import type { Account, App, Json } from "../types.ts";

export type DeploymentState = "error" | "failure" | "inactive" | "in_progress" | "queued" | "pending" | "success";

export type Deployment = {
  readonly id: number;
  readonly sha: string;
  readonly ref: string;
  readonly task: string;
  readonly payload: Json;
  readonly originalEnvironment: string;
  /** A status may move it to another. */
  environment: string;
  readonly description: string | null;
  readonly transient: boolean;
  readonly production: boolean;
  readonly creator: Account;
  readonly app: App | null;
  readonly createdAt: Date;
  updatedAt: Date;
  /** Oldest first. */
  readonly statuses: DeploymentStatus[];
};

export type DeploymentStatus = {
  readonly id: number;
  readonly state: DeploymentState;
  readonly description: string;
  readonly environment: string;
  readonly environmentUrl: string;
  readonly logUrl: string;
  readonly creator: Account;
  readonly app: App | null;
  readonly createdAt: Date;
};

export type Protection = {
  /** Minutes. */
  readonly waitTimer: number;
  readonly reviewers: readonly Account[];
  readonly preventSelfReview: boolean;
  /** Null: any branch; "protected": protected ones; a list of patterns. */
  readonly branches: null | "protected" | readonly string[];
};

export type Environment = {
  readonly id: number;
  readonly name: string;
  readonly createdAt: Date;
  updatedAt: Date;
  protection: Protection;
  readonly branchPolicies: { readonly id: number; readonly name: string; readonly type: "branch" | "tag" }[];
};

export type CommitState = "error" | "failure" | "pending" | "success";

export type CommitStatus = {
  readonly id: number;
  readonly sha: string;
  readonly state: CommitState;
  readonly context: string;
  readonly description: string | null;
  readonly targetUrl: string | null;
  readonly creator: Account;
  readonly createdAt: Date;
};

export type CheckStatus = "queued" | "in_progress" | "completed";
export type Conclusion =
  | "action_required"
  | "cancelled"
  | "failure"
  | "neutral"
  | "success"
  | "skipped"
  | "stale"
  | "timed_out";

export type Annotation = { readonly [name: string]: unknown };

export type CheckRun = {
  readonly id: number;
  readonly sha: string;
  readonly suite: CheckSuite;
  readonly app: App;
  name: string;
  externalId: string;
  detailsUrl: string | null;
  status: CheckStatus;
  conclusion: Conclusion | null;
  startedAt: Date;
  completedAt: Date | null;
  title: string | null;
  summary: string | null;
  text: string | null;
  readonly annotations: Annotation[];
};

export type CheckSuite = {
  readonly id: number;
  readonly sha: string;
  readonly branch: string | null;
  readonly app: App;
  /** Of GitHub Actions each workflow has a suite of its own; null for all that was not told apart. */
  readonly workflow: string | null;
  readonly createdAt: Date;
};

export type Pull = {
  readonly id: number;
  readonly number: number;
  readonly author: Account;
  /** Whether the head lives in somebody's fork, which tells what its workflows may do. */
  readonly fork: boolean;
  readonly createdAt: Date;
  title: string;
  body: string | null;
  state: "open" | "closed";
  draft: boolean;
  base: string;
  readonly head: string;
  /** What the head was when it was last looked at, because the branch may be gone. */
  headSha: string;
  baseSha: string;
  labels: string[];
  updatedAt: Date;
  closedAt: Date | null;
  mergedAt: Date | null;
  mergedBy: Account | null;
  mergeCommit: string | null;
  readonly reviews: Review[];
};

export type ReviewState = "APPROVED" | "CHANGES_REQUESTED" | "COMMENTED" | "DISMISSED" | "PENDING";

export type Review = {
  readonly id: number;
  readonly author: Account;
  readonly body: string;
  state: ReviewState;
  readonly commit: string;
  readonly submittedAt: Date;
};

export type Comment = {
  readonly id: number;
  readonly issue: number;
  readonly author: Account;
  readonly app: App | null;
  readonly createdAt: Date;
  body: string;
  updatedAt: Date;
};

export type Release = {
  readonly id: number;
  readonly author: Account;
  readonly createdAt: Date;
  tag: string;
  target: string;
  name: string | null;
  body: string | null;
  draft: boolean;
  prerelease: boolean;
  publishedAt: Date | null;
  updatedAt: Date;
};

export type WorkflowRun = {
  readonly id: number;
  readonly number: number;
  attempt: number;
  readonly workflow: Workflow;
  readonly event: string;
  readonly branch: string | null;
  readonly sha: string;
  readonly title: string;
  readonly actor: Account;
  readonly createdAt: Date;
  updatedAt: Date;
  status: "queued" | "in_progress" | "completed" | "waiting" | "requested" | "pending";
  conclusion: Conclusion | null;
  /** Who let it into which environments. */
  readonly approvals: {
    readonly state: "approved" | "rejected";
    readonly environments: readonly string[];
    readonly by: Account;
    readonly comment: string;
  }[];
};

export type Workflow = { readonly id: number; readonly name: string; readonly path: string; readonly createdAt: Date };

/** A workflow or the repository was dispatched through the API. */
export type Dispatch = {
  readonly event: "workflow_dispatch" | "repository_dispatch";
  /** The workflow's file, or the event's type. */
  readonly name: string;
  readonly ref: string | null;
  readonly inputs: { readonly [name: string]: unknown };
};

export type Hook = {
  readonly id: number;
  readonly url: string;
  readonly secret: string;
  /** `*` for all. */
  readonly events: readonly string[];
  /** The app whose hook it is: its deliveries name the installation. */
  readonly app: App | null;
};

export type RepositoryFacts = {
  readonly id: number;
  readonly owner: string;
  readonly name: string;
  readonly private: boolean;
  readonly defaultBranch: string;
  readonly createdAt: Date;
};
