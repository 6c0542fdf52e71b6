import type { DeploymentKind } from "../types.ts";

/** The states that a status of a deployment on GitHub can have. */
export type GitHubState = "error" | "failure" | "inactive" | "in_progress" | "queued" | "pending" | "success";

/** One status of a record. */
export type RecordStatus = {
  /** GitHub counts them through the whole repository, so a later one has a greater number; times are in whole seconds. */
  readonly id: number;
  readonly state: GitHubState;
  readonly description: string;
  /** Milliseconds since the epoch, as GitHub counts them: whole seconds. */
  readonly at: number;
};

/**
 * What Shiplock writes into the payload of a deployment on GitHub: all that another machine has to know of it. Version 1; who meets a later one leaves the record alone.
 */
export type RecordDocument = {
  readonly shiplock: 1;
  readonly deployment: string;
  readonly project: string;
  readonly kind: DeploymentKind;
  readonly release: string;
  readonly fromRelease: string | null;
  readonly who: string;
  readonly why: string | null;
  readonly origin: string;
  readonly commit: string;
  readonly ref: string | null;
  /** Milliseconds since the epoch. */
  readonly createdAt: number;
  /** Digests of the images, by name; empty where nothing was built. */
  readonly images: Readonly<Record<string, string>>;
  /** The release as it was recorded; null where it was not, or is too long for a payload. */
  readonly releaseEntry: { readonly createdAt: number; readonly payload: unknown } | null;
};

/** A deployment on GitHub that Shiplock wrote. */
export type DeploymentRecord = {
  /** GitHub's number for it. */
  readonly number: number;
  readonly environment: string;
  readonly document: RecordDocument;
};

/** A record with all that was said of it, newest first. */
export type ToldRecord = DeploymentRecord & { readonly statuses: readonly RecordStatus[] };

/** What is said of a record. */
export type NewStatus = {
  readonly state: GitHubState;
  readonly description: string;
  /** Where the environment answers. */
  readonly environmentUrl: string | null;
  /** Where the log is: the workflow's run. */
  readonly logUrl: string | null;
};

/**
 * Deployments, statuses and check runs of one repository on GitHub, as far as a ledger needs them.
 *
 * - Lists come newest first, and hold what Shiplock wrote for this project and nothing else.
 * - Every call ends in a bounded time. Errors: those of the client; `ledger/github-no-deployment` where GitHub made none; `github/unreadable` for an answer that it should not give.
 * - A call that changes something and failed as `github/unreachable` may have taken effect.
 */
export type GitHubRecords = {
  /** Records of an environment, or of all of them for null, among the newest `most` deployments of the repository. */
  list(environment: string | null, most: number): Promise<DeploymentRecord[]>;
  create(environment: string, document: RecordDocument): Promise<DeploymentRecord & Believed>;
  /** The newest 100 at most. */
  statuses(record: number): Promise<RecordStatus[]>;
  /** Answers the status as GitHub has it now. */
  say(record: number, status: NewStatus): Promise<RecordStatus>;
  /** Texts of the check runs of a commit that are named as ours are, among its newest 300. */
  checkTexts(commit: string): Promise<string[]>;
  reportCheck(check: NewCheck): Promise<Believed>;
};

/** Whether other machines take what was written for what it says; that is a matter of who wrote it. */
export type Believed = { readonly believed: boolean };

/** A check run that has ended. */
export type NewCheck = {
  readonly name: string;
  readonly commit: string;
  readonly externalId: string;
  readonly conclusion: "success" | "failure" | "neutral" | "cancelled" | "skipped" | "timed_out";
  /** Milliseconds since the epoch. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly title: string;
  readonly summary: string;
  readonly text: string;
  readonly detailsUrl: string | null;
};
