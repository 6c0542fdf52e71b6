/**
 * The ledger: the history over all environments and projects. It holds nothing that the environment record needs: a deployment, a
 * rollback and a resume work without it, and a ledger on another machine may begin to hear of a deployment in its middle.
 *
 * The contract, for every implementation:
 *
 * - **Order of calls.** A deployment is opened before anything is written about it; its release may be recorded before or after,
 *   or be unknown here. Everything about a deployment that was not opened is refused with `ledger/unknown-deployment`.
 * - **What may be repeated.** Every write is idempotent: telling the same again changes nothing and is no error. Telling something
 *   else under the same key (a release id, a deployment id, a sequence number) is refused with `ledger/conflict`, and the first
 *   stays. Steps are the exception: a step's last word counts. Log chunks are the other: they have no key, each call appends.
 * - **Concurrency.** Calls may overlap, within a process and between processes; each takes effect completely or not at all, and
 *   waits a bounded time for others (`ledger/busy`).
 * - **After a failure.** A call that has returned is on stable storage. A call that failed left nothing behind. A process that was
 *   killed leaves the ledger readable, without its last unreturned call.
 * - **Secrets.** Payloads, outcomes and log text come in masked; the ledger masks nothing.
 *
 * All times are milliseconds since the epoch. Payloads are JSON values; they come back as `unknown`, for their owner to check.
 */
export type Ledger = {
  /** Records a release once. Errors: `ledger/conflict` when this id was recorded with another content. */
  recordRelease(release: ReleaseEntry): Promise<void>;
  /**
   * The release of `project` with this id, or the only one whose id begins so. An exact id wins over longer ones.
   * `null` when there is none. Errors: `ledger/ambiguous-release` when several begin so.
   */
  findRelease(project: string, idOrPrefix: string): Promise<ReleaseEntry | null>;
  /** The releases of `project` made from a commit (whole or its first characters), newest first, at most 100. */
  releasesByCommit(project: string, commitOrPrefix: string): Promise<ReleaseEntry[]>;
  /** The newest releases of `project`, whatever their commits, newest first, at most `limit`. */
  recentReleases(project: string, limit: number): Promise<ReleaseEntry[]>;

  /** Records a run of checks once, when it has ended. Errors: `ledger/conflict` when this id was recorded with another content. */
  recordCheckRun(run: CheckRunEntry): Promise<void>;
  /** The runs of a commit's checks, newest first by `endedAt` (then by id), at most 100. The commit is named by its whole hash. */
  checkRuns(project: string, commit: string): Promise<CheckRunEntry[]>;
  /** Records that a name was given to a release, or moved to it. The key is project, name and time. */
  recordVersion(version: VersionEntry): Promise<void>;
  /** The names that were given in `project`, newest first, at most 1,000; of a name that was moved every entry, so its first one counts. */
  versions(project: string): Promise<VersionEntry[]>;

  /** Records what became of telling a notice to a notifier, once. Errors: `ledger/conflict` when this id was recorded with another content. */
  recordNotice(delivery: NoticeDelivery): Promise<void>;
  /** What became of the notices of a project, or of one deployment, newest first by `at` (then by id), at most `limit` (1 to 1,000). */
  notices(query: NoticeQuery): Promise<NoticeDelivery[]>;

  /**
   * Keeps a document with a release: its scan report, its SBOM, its provenance. The same bytes told again about the same image are kept
   * once. Errors: `ledger/unknown-release` when the release was not recorded, `ledger/attachment-too-large` past 16 MiB.
   */
  attachToRelease(project: string, release: string, attachment: NewAttachment): Promise<Attachment>;
  /** What is kept with a release, oldest first, without the bytes. */
  attachments(project: string, release: string): Promise<Attachment[]>;
  /** What is kept about an image, by its digest, whichever releases of the project hold it; oldest first, without the bytes. */
  attachmentsAbout(project: string, subject: string): Promise<Attachment[]>;
  /** The bytes of an attachment, or `null` when the project has none with this digest. */
  readAttachment(project: string, digest: string): Promise<Uint8Array | null>;

  /**
   * Opens a deployment in the state it has. When it is open already, what is stored is returned unchanged, whatever state it has
   * reached since. Errors: `ledger/conflict` when the id belongs to another deployment.
   */
  openDeployment(deployment: NewDeployment): Promise<DeploymentEntry>;
  /** The deployment with this id, or `null`. */
  findDeployment(id: string): Promise<DeploymentEntry | null>;
  /**
   * Moves a deployment to another state if the transition table allows it, judged against what is stored at that moment. The first
   * `running` sets `startedAt`; a final state sets `endedAt`. To the state it is in already: nothing changes.
   * Errors: `ledger/unknown-deployment`, `ledger/transition-refused`.
   */
  transition(change: Transition): Promise<DeploymentEntry>;
  /** The deployments of a project, newest first by `createdAt` (then by id), a page at a time; quick however long the history is. */
  history(query: HistoryQuery): Promise<DeploymentEntry[]>;
  /** The newest deployment of an environment, whatever became of it, or `null`. */
  latest(project: string, environment: string): Promise<DeploymentEntry | null>;
  /** The deployments of an environment that have not ended, as far as it is known here: newest first, at most 100. Who began one may be gone. */
  unfinished(project: string, environment: string): Promise<DeploymentEntry[]>;

  /** Records gate answers of one judgement; a deployment is judged more than once. The key is deployment, time and gate. */
  recordGateAnswers(deployment: string, answers: readonly GateAnswer[]): Promise<void>;
  /** All gate answers of a deployment, oldest first. */
  gateAnswers(deployment: string): Promise<GateAnswer[]>;

  /** Records what is known of a step on a host now, in place of what was known before. */
  recordStep(deployment: string, step: StepEntry): Promise<void>;
  /** The steps of a deployment, in the order in which they were first recorded. */
  steps(deployment: string): Promise<StepEntry[]>;

  /**
   * Appends events, all or none. Sequence numbers are given by whoever owns the deployment; gaps are allowed.
   * Errors: `ledger/unknown-deployment`, `ledger/conflict` when a sequence number has another event already.
   */
  appendEvents(deployment: string, events: readonly LedgerEvent[]): Promise<void>;
  /** The events after a sequence number (0 for all), in order, at most `limit` (1,000). */
  events(deployment: string, afterSequence: number, limit?: number): Promise<LedgerEvent[]>;

  /**
   * Appends text to a deployment's log. Text of any length is cut into chunks; past the deployment's limit (bytes) the rest is
   * dropped, and the first chunk that is dropped leaves one line that says so. Answers whether everything was kept.
   */
  appendLog(deployment: string, text: LogText): Promise<{ complete: boolean }>;
  /** The log in order, from after a sequence number; holds a bounded number of chunks in memory and no lock between them. */
  readLog(deployment: string, options?: { after?: number; source?: string }): AsyncIterable<LogChunk>;

  /**
   * Writes a complete and consistent copy to a new file, which the same implementation can open; others may write meanwhile.
   * Nothing is left at `toPath` unless it is whole. Errors: `ledger/backup-exists` when the file is there already.
   */
  backup(toPath: string): Promise<void>;
  /** Lets go of everything. May be repeated; no other call may follow. */
  close(): Promise<void>;
};

/**
 * What the ledger has to know of the deployment states: the transition table's judgement, and which states are the end.
 * Passed in, because the table belongs to whoever runs deployments.
 */
export type StateRules = {
  canTransition(from: string, to: string): boolean;
  isFinal(state: string): boolean;
};

export type ReleaseEntry = {
  id: string;
  project: string;
  commit: string;
  createdAt: number;
  payload: unknown;
};

/** A run of checks that has ended. One that was killed leaves none: what it found is unknown. */
export type CheckRunEntry = {
  id: string;
  project: string;
  /** Full hash. */
  commit: string;
  /** What was checked: "commit", or the hash of the working tree that was taken instead. */
  source: string;
  /** Hash of the definitions of all checks, of which this run may have run only some. */
  definitions: string;
  who: string;
  /** From where: a machine and process, a workflow run, a server. */
  origin: string;
  startedAt: number;
  endedAt: number;
  result: "passed" | "failed" | "interrupted" | "superseded";
  jobs: readonly CheckJobEntry[];
};

/** What became of one job of a run: a check, or one combination of its matrix. */
export type CheckJobEntry = {
  /** `test`, or `test (DB=17)`. */
  job: string;
  check: string;
  result: "passed" | "failed" | "timed-out" | "skipped" | "cancelled";
  /** Passed before, and nothing it reads has changed since. */
  cached: boolean;
  required: boolean;
  durationMs: number;
  /** One sentence on why it did not pass; null if it did. */
  reason: string | null;
  /** Counts of tests, coverage, warnings. */
  summary: unknown;
};

export type VersionEntry = {
  project: string;
  /** For example `v1.2.0`. */
  name: string;
  at: number;
  release: string;
  commit: string;
  /** Where the release had run. */
  environment: string;
  who: string;
  /** The images that got the name. */
  payload: unknown;
};

/** What became of telling one notice to one notifier. */
export type NoticeDelivery = {
  id: string;
  project: string;
  environment: string | null;
  /** The deployment it was about, if any; the ledger need not know it. */
  deployment: string | null;
  event: string;
  /** Name of the notifier in the configuration. */
  notifier: string;
  /** When the telling began. */
  at: number;
  durationMs: number;
  status: "delivered" | "failed";
  /** How often it was tried; 0 where time was over before its turn came. */
  tries: number;
  /** The answer, or why there was none, in one masked sentence. */
  detail: string;
  /** What the notifier has to know to come back to it, such as where its message stands. */
  payload: unknown;
};

export type NoticeQuery = { project: string; deployment?: string; limit: number };

export type AttachmentKind = "scan" | "sbom" | "provenance";

export type NewAttachment = {
  kind: AttachmentKind;
  /** Name of the image in the configuration. */
  image: string;
  /** Digest of the image that it is about. */
  subject: string;
  mediaType: string;
  at: number;
  bytes: Uint8Array;
};

export type Attachment = Omit<NewAttachment, "bytes"> & {
  release: string;
  /** `sha256:…` of the bytes. */
  digest: string;
  /** Bytes. */
  size: number;
};

export type DeploymentKind = "deploy" | "promote" | "rollback";

export type DeploymentEntry = {
  id: string;
  project: string;
  environment: string;
  kind: DeploymentKind;
  release: string;
  /** The release that was live before, if any. */
  fromRelease: string | null;
  state: string;
  who: string;
  /** The reason that was given, if any. */
  why: string | null;
  /** From where: a machine and folder, a workflow run, a server. */
  origin: string;
  commit: string;
  /** The branch or tag that was asked for, if any. */
  ref: string | null;
  createdAt: number;
  startedAt: number | null;
  endedAt: number | null;
  /** One sentence: how it ended, or why it stands where it stands. */
  outcome: string | null;
};

export type NewDeployment = Omit<DeploymentEntry, "startedAt" | "endedAt" | "outcome">;

export type Transition = {
  deployment: string;
  to: string;
  at: number;
  outcome?: string;
  /** For a deployment that somebody else tells of afterwards: whether its release is live still, if it ever was. Whoever carries one out leaves it away. */
  live?: boolean;
};

export type HistoryQuery = {
  project: string;
  environment?: string;
  /** How many at most, 1 to 1,000. */
  limit: number;
  /** A deployment's id (the last of the page before): only older ones. Errors: `ledger/unknown-deployment`. */
  before?: string;
};

export type GateAnswer = {
  at: number;
  gate: string;
  answer: "pass" | "wait" | "block";
  reason: string;
  payload: unknown;
};

export type StepEntry = {
  step: string;
  /** `null` for a step that belongs to no host. */
  host: string | null;
  state: string;
  startedAt: number | null;
  endedAt: number | null;
  evidence: unknown;
};

export type LedgerEvent = {
  /** Counts from 1 within its deployment. */
  sequence: number;
  at: number;
  kind: string;
  payload: unknown;
};

export type LogText = {
  at: number;
  /** What speaks: a step, a host, a container. */
  source: string;
  text: string;
};

export type LogChunk = LogText & {
  /** Counts from 1 within its deployment; given by the ledger. */
  sequence: number;
};
