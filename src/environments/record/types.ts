import type { DeploymentState } from "../../deploy/states.ts";
import type { DeploymentKind, Origin, Place, Plan } from "../../deploy/types.ts";
import type { AuditChain } from "../audit/types.ts";
import type { Asked, DueReview, Hold, Ticket, TicketOptions } from "../queue/types.ts";
import type { WatchRecord } from "../watch/types.ts";

/** A release that was live and observed healthy in this environment. */
export type HealthyRelease = {
  release: string;
  /** Name of its release document in this record. */
  document: string;
  commit: string;
  ref: string | null;
  /** `image name → tag` as pushed, for people and for `--to`. */
  tags: Readonly<Record<string, string>>;
  deployment: string;
  /** When it was recorded live, ISO 8601. */
  at: string;
};

export type LiveRelease = HealthyRelease & {
  place: Place;
  by: string;
  /** Records of an earlier Shiplock do not say. */
  asked?: Asked | null;
  replicas: Readonly<Record<string, number>>;
  strategy: string;
};

export type Withdrawn = { release: string; at: string; by: string; deployment: string };

/** One attempt, as the environment itself remembers it (the newest few; the ledger keeps all). */
export type DeploymentEntry = {
  deployment: string;
  kind: DeploymentKind;
  release: string;
  from: string | null;
  commit: string;
  ref: string | null;
  /** The release of another environment that this one was built beside, from the same commit with values of its own; absent for none. */
  siblingOf?: string;
  state: DeploymentState;
  origin: Origin;
  startedAt: string;
  endedAt: string | null;
  outcome: string | null;
};

/** The deployment in progress. `committed` tells which way it can go: before it back, after it forward. */
export type Operation = {
  deployment: string;
  release: string;
  /** Names of the release documents of the new release and of the one that was live when it began. */
  document: string;
  previousDocument: string | null;
  fence: number;
  committed: boolean;
  /** Records of an earlier Shiplock do not say. */
  asked?: Asked | null;
  /** What was said with the request, where it made a difference. Records of an earlier Shiplock do not say. */
  options?: TicketOptions;
  startedAt: string;
};

/** A host that is not what is recorded as live: since when, and the release it was left with; null for none. */
export type BehindHost = { host: string; since: string; release: string | null };

/** The authority on the present of one environment (DESIGN.md). */
export type EnvironmentState = {
  version: 1;
  project: string;
  environment: string;
  live: LiveRelease | null;
  /** Newest first; the live release is among them. */
  healthy: readonly HealthyRelease[];
  withdrawn: readonly Withdrawn[];
  /** Automatic deployments are paused by a rollback until someone lifts it. */
  automaticPaused: { since: string; by: string; reason: string } | null;
  operation: Operation | null;
  /** Hosts that a deployment skipped. They may take no traffic until one that does not skip them has brought them up to date. */
  behind: readonly BehindHost[];
  /** Requests that have not begun, in their order. */
  tickets: readonly Ticket[];
  /** Number of the next request. */
  nextTicket: number;
  hold: Hold | null;
  /** Emergencies of this environment, newest first. */
  reviews: readonly DueReview[];
  /** The watch over what was live last; absent where there never was one. */
  watch?: WatchRecord;
  /** Newest first. */
  deployments: readonly DeploymentEntry[];
  /** The end of the audit log. Whoever writes the state leaves it alone: entries are made where it is written. */
  audit: AuditChain;
};

export type JournalEntry = {
  step: string;
  event: "began" | "done" | "failed" | "undoing" | "undone";
  at: string;
  fence: number;
  summary?: string;
  /** What this step's end demands once the deployment has ended. */
  demands?: "rollback";
};

/**
 * The environment record on its home host.
 *
 * Order: `read` at any time, without the lease. Everything that writes needs the lease, except what is said of requests, holds and approvals: `swap` with nothing else changed, `writeRelease`, `seen`, `left`. `openOperation` stores the plan and is
 * synced before it returns; only then may the first effect happen. `append` returns when the entries are synced.
 * After a failure of any write the caller must `read` again before it decides: the write may or may not have happened.
 */
export type EnvironmentRecord = {
  /** The newest state and its revision; null where nothing was ever deployed. */
  read(): Promise<{ revision: number; state: EnvironmentState } | null>;
  /** What was read or written last through this object, without asking; null before. It may be stale: a `swap` on it then fails. */
  last(): { revision: number; state: EnvironmentState } | null;
  /**
   * Compare-and-swap: writes `state` as revision `expected + 1`; false if someone else was first. `expected` is 0 for the first one. Nothing can be
   * read before `after` has resolved, and nothing is written if it rejects.
   */
  swap(expected: number, state: EnvironmentState, after?: Promise<unknown>): Promise<boolean>;
  /** Says that whoever asked for these deployments is still there. Needs no lease. */
  seen(deployments: readonly string[]): Promise<void>;
  /** Says that nobody works on these requests any more. Gone is fine. Needs no lease. */
  left(deployments: readonly string[]): Promise<void>;
  /** How long ago, in milliseconds by the home host's clock, each request's command was seen last; those that never were are missing. Needs no lease. */
  lastSeen(): Promise<ReadonlyMap<string, number>>;
  writeOperation(plan: Plan): Promise<void>;
  readPlan(deployment: string): Promise<Plan | null>;
  append(deployment: string, entries: readonly JournalEntry[]): Promise<void>;
  journal(deployment: string): Promise<JournalEntry[]>;
  /** Text of a release document as `writeRelease` stored it; null if the environment never had it. */
  readRelease(release: string): Promise<string | null>;
  writeRelease(release: string, text: string): Promise<void>;
  /** Names of the release documents that are there. */
  listReleases(): Promise<string[]>;
  /** One that is gone is fine. */
  removeRelease(name: string): Promise<void>;
  /** Deployments whose plan or journal is there. */
  listOperations(): Promise<string[]>;
  /** Plan and journal of a deployment that was ended; gone is fine. */
  removeOperation(deployment: string): Promise<void>;
  /** What a migration of a release came to; null if it never ended. Written once. */
  readMigration(release: string): Promise<MigrationResult | null>;
  writeMigration(release: string, result: MigrationResult): Promise<void>;
};

export type MigrationResult = {
  release: string;
  exitCode: number;
  endedAt: string;
  command: readonly string[];
  lastLines: readonly string[];
};
