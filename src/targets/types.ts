import type { PlanFacts, PlanHost } from "../deploy/plan.ts";
import type { StepWorker } from "../deploy/run.ts";
import type { StrategyKind } from "../deploy/strategies/types.ts";
import type { Place, Plan } from "../deploy/types.ts";
import type { AuditLog } from "../environments/audit/types.ts";
import type { HostLook } from "../environments/watch/types.ts";
import type { EnvironmentRecord, EnvironmentState } from "../environments/record/types.ts";
import type { HostHoldings, HostRemoval } from "../environments/retention/types.ts";
import type { LeaseOwner } from "../hosts/types.ts";
import type { ReleaseDocument, ReleaseImage } from "../release/types.ts";

/**
 * What carries the containers of one environment.
 *
 * `open` connects and changes nothing. Reading (`record`, `survey`, `observe`, `logs`) needs no lease. `worker` may be used only while a lease that
 * `acquire` gave is held. `close` ends every connection, whatever is pending; it is called exactly once, also after a failure.
 */
export type Target = { open(purpose: Purpose, signal: AbortSignal): Promise<TargetSession> };

/**
 * What a session is opened for decides which hosts it may do without. `deploy`: every configured one is needed but those in `skip`, which must be down. `finish`: those of
 * the plan that was never ended. `read`: every one but those that are recorded as behind, or as skipped by what is in progress, and cannot be reached. `record`: the home
 * alone, for who reads the record, or writes there what needs no lease.
 */
export type Purpose =
  | { kind: "deploy"; skip: readonly string[] }
  | { kind: "finish" }
  | { kind: "read" }
  | { kind: "record" };

export type TargetSession = {
  readonly hosts: readonly string[];
  readonly home: string;
  /** Configured hosts that this session does without. */
  readonly skipped: readonly string[];
  readonly record: EnvironmentRecord;
  /** Who did what here. Whatever is written through `record` is entered in it. */
  readonly audit: AuditLog;
  /**
   * The right to change the environment, on every host or on none. The hosts are asked in sorted order, so two deployers cannot wait for each other.
   * @throws ShiplockError `lease/stuck` when an expired owner cannot be ended
   */
  acquire(owner: LeaseOwner, ttlMs: number): Promise<LeaseResult>;
  /** Who holds the lease now; null if nobody does. */
  leaseHolder(): Promise<{ owner: LeaseOwner; heartbeatAgeMs: number; expired: boolean } | null>;
  /**
   * What a plan needs to know of the hosts. It refuses what could not work before anything is touched: mounts that are missing, names and ports that belong to
   * others, too little room.
   */
  survey(request: SurveyRequest): Promise<Survey>;
  /** What carries out the steps of a plan. `abort` says that nothing new will be created, so no secret is needed. */
  worker(request: WorkerRequest): Promise<StepWorker>;
  /** Images of a release that some host does not have any more; of those that are in no registry, the ones that it could not get from any other machine. */
  missingImages(document: ReleaseDocument): Promise<ReleaseImage[]>;
  /** What lies on the hosts that is this environment's and that a retention may take away. */
  holdings(): Promise<HostHoldings[]>;
  /** Takes these away; only while the lease is held. What is gone is fine, and what somebody uses by now stays. May be repeated. */
  sweep(removals: readonly HostRemoval[], signal: AbortSignal): Promise<void>;
  /** What runs, as seen now. */
  observe(state: EnvironmentState | null, document: ReleaseDocument | null): Promise<Observation[]>;
  /** How a release is in its place on every host, as its services' health checks say. It never rejects: a host that does not answer is told as one that was not seen. */
  look(request: LookRequest): Promise<HostLook[]>;
  /** What a deployment needs of the hosts, and how to mend what is missing. */
  diagnose(): Promise<HostFinding[]>;
  /** Lines of the released (or named) services, oldest first. */
  logs(request: LogRequest): AsyncIterable<LogLine>;
  /** Resolves when the lease or a connection is gone while it was needed: the reason. */
  readonly lost: Promise<string>;
  close(): Promise<void>;
};

export type LeaseResult =
  | { kind: "granted"; fence: number; tookOver: LeaseOwner | null; release(): Promise<void> }
  | { kind: "held"; host: string; owner: LeaseOwner; heartbeatAgeMs: number };

export type SurveyRequest = {
  document: ReleaseDocument;
  previous: ReleaseDocument | null;
  state: EnvironmentState | null;
  strategy: StrategyKind;
  secrets: Readonly<Record<string, string>>;
};

export type Survey = { home: string; hosts: PlanHost[]; place: Place; warm: boolean; notes: string[] };

export type WorkerRequest = {
  plan: Plan;
  fence: number;
  document: ReleaseDocument;
  previous: ReleaseDocument | null;
  secrets: Readonly<Record<string, string>>;
  /** Takes the values of secrets out of text, for what a step writes down. */
  mask: (text: string) => string;
  abort: boolean;
};

/** What is seen on one host against what the record says. */
export type Observation = {
  host: string;
  containers: readonly ObservedContainer[];
  /** Each a sentence: what runs is not what is recorded. */
  drift: readonly string[];
};

export type ObservedContainer = {
  name: string;
  service: string;
  release: string;
  place: string;
  status: string;
  health: string | null;
  restarts: number;
  imageId: string;
};

export type HostFinding = { host: string; name: string; ok: boolean; said: string; remedy: string | null };

export type LookRequest = {
  document: ReleaseDocument;
  place: Place;
  /** Takes the values of secrets out of what a health check says. */
  mask: (text: string) => string;
  signal: AbortSignal;
};

export type LogRequest = { services: readonly string[]; tail: number; follow: boolean; signal: AbortSignal };
export type LogLine = { host: string; container: string; service: string; line: string };

export type { PlanFacts };
