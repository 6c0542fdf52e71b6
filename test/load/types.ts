/** Kinds of HTTP requests. `idle-*` are keep-alive requests whose connection has been silent for 1..3 s: they meet the idle race. */
export const REQUEST_KINDS = [
  "keep-alive-get",
  "keep-alive-post",
  "idle-get",
  "idle-post",
  "fresh-get",
  "fresh-post",
  "slow",
  "internal-call",
] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];
export type Kind = RequestKind | "websocket";

/** Every way to lose something. Nothing is retried, so each of them is something a user would have noticed. */
export const LOSS_CLASSES = [
  "refused",
  "reset",
  "timed-out",
  "5xx",
  "unexpected-status",
  "wrong-release",
  "mixed",
  "wrong-body",
  "internal-call-failed",
  "websocket-closed-unannounced",
  "websocket-echo-lost",
] as const;
export type LossClass = (typeof LOSS_CLASSES)[number];
export type Outcome = "ok" | LossClass;

/** One place that load goes to. */
export type LoadTarget = {
  /** How the report calls it. */
  name: string;
  /** Where to connect, for example `http://10.0.0.5:8080`. */
  url: string;
  /** The Host header, when it is not the one in `url`; with `https:` also the name that the certificate has to have. */
  host?: string;
  /** With `https:`, the PEM of the authority that has to have signed the certificate. */
  ca?: string;
  /**
   * A path of an application that does not speak the contract of `examples/switchboard`. Such a target receives only GETs of that path, and
   * is judged by status 200, and by `X-Version` where an answer carries it.
   */
  plainPath?: string;
};

export type LoadOptions = {
  /** Receive everything but internal calls. At least one of these or of `callers`. */
  targets: readonly LoadTarget[];
  /** Receive `GET /call`, which calls the service under test by its name from inside the environment. */
  callers?: readonly LoadTarget[];
  /** Arrivals per second over all targets and kinds, WebSocket frames not counted. Default 200. */
  ratePerSecond?: number;
  /** Shares of the kinds, in any unit; a kind that is not named gets nothing. Default: `DEFAULT_MIX` in mix.ts. */
  mix?: Partial<Record<RequestKind, number>>;
  /** Long-lived keep-alive connections per target, besides the idle ones. Default 24. */
  connections?: number;
  /** Long-lived WebSockets per target. Default 3. */
  webSockets?: number;
  /** How long a slow request takes on the server, in ms. Default 4000. */
  slowMs?: number;
  /** After how many ms beyond what it should take a request has timed out. Default 10000. */
  timeoutMs?: number;
  /** An answer that took this many ms longer than it should is counted as hung. Default 500. */
  hungMs?: number;
  /** Time between two echoes on one WebSocket, in ms. Default 200. */
  echoEveryMs?: number;
  /** After how many ms an echo is lost. Default 5000. */
  echoTimeoutMs?: number;
  /** Versions that may answer at the start; default: any. */
  allowed?: readonly string[];
  /** Seed of the arrivals' jitter. Default 1. */
  seed?: number;
};

/** One thing that went wrong, or hung. Times are ms since the run started. */
export type Occurrence = {
  atMs: number;
  kind: Kind;
  target: string;
  message: string;
  tookMs: number;
  /** The request went out on a connection that had already carried another one. */
  reused: boolean;
  /** How long that connection had been silent. */
  idleMs?: number;
  status?: number;
  version?: string;
};

/** All losses of one class, kind and target. */
export type Loss = {
  class: LossClass;
  kind: Kind;
  target: string;
  count: number;
  onReusedSocket: number;
  first: Occurrence;
  last: Occurrence;
};

export type Counts = { sent: number; ok: number; lost: number; hung: number };

/** What is known at an instant; cheap, meant for conditions to wait for. */
export type LoadSnapshot = Counts & {
  atMs: number;
  inFlight: number;
  byClass: Record<Outcome, number>;
  byKind: Partial<Record<Kind, Counts>>;
  byTarget: Record<string, Counts>;
  /** Answers by version; WebSockets and internal calls not counted. */
  versions: Record<string, number>;
  webSockets: WebSocketCounts;
};

export type WebSocketCounts = {
  open: number;
  opened: number;
  closedAnnounced: number;
  echoes: number;
  /** Frames on their way when the server announced its close: sent, neither answered nor lost. */
  crossedClose: number;
};

/** Percentiles of answers that were ok, in ms, from sending to the last byte. */
export type Latency = { p50: number; p90: number; p99: number; max: number };

/** The longest time in which no ordinary request (not slow, not a WebSocket, not an internal call) was answered well. */
export type Gap = { fromMs: number; ms: number };

export type LoadReport = Counts & {
  /** Start, in ms since 1970. */
  startedAt: number;
  /** Until arrivals ended, in ms. */
  durationMs: number;
  arrivals: {
    askedPerSecond: number;
    sentPerSecond: number;
    /** The most that a request left later than it was due, in ms: the client's own trouble, not the server's. */
    latestMs: number;
  };
  byClass: Record<Outcome, number>;
  byKind: (Counts & { kind: Kind; latency: Latency | undefined })[];
  byTarget: (Counts & { target: string; longestGap: Gap | undefined })[];
  /** Over all targets: no target answered. */
  longestGap: Gap | undefined;
  losses: Loss[];
  hungFirst: Occurrence | undefined;
  hungLast: Occurrence | undefined;
  versions: { version: string; count: number; firstAtMs: number; lastAtMs: number }[];
  /** Answers by version in each second, seconds without any left out. */
  versionsOverTime: { second: number; counts: Record<string, number> }[];
  /** From each mark to the next; what ended in a phase is counted there, wherever it began. */
  phases: (Counts & { label: string; fromMs: number })[];
  webSockets: WebSocketCounts;
};

/** What the test's process says to the worker. */
export type ToWorker =
  | { type: "start"; options: LoadOptions }
  | { type: "allow"; id: number; versions: readonly string[] | undefined }
  | { type: "mark"; label: string }
  | { type: "snapshot"; id: number }
  | { type: "stop"; deadlineMs: number | undefined };

/** What the worker says to the test's process; a snapshot without `id` was not asked for. */
export type FromWorker =
  | { type: "allowed"; id: number }
  | { type: "snapshot"; id: number | undefined; snapshot: LoadSnapshot }
  | { type: "report"; report: LoadReport };
