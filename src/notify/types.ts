/** All that can be told of. One closed set: configuration, texts and levels name each of them. */
export const noticeEvents = [
  "requested",
  "waiting",
  "approved",
  "rejected",
  "cancelled",
  "superseded",
  "skipped",
  "blocked",
  "started",
  "step-failed",
  "succeeded",
  "rolled-back",
  "failed",
  "interrupted",
  "emergency",
  "freeze-overridden",
  "hold-placed",
  "hold-lifted",
  "taken-over",
  "watch-failed",
  "review-due",
  "check-failed",
  "build-failed",
  "scan-blocked",
] as const;

export type NoticeEvent = (typeof noticeEvents)[number];

/** How loud it is: `bad` needs somebody, `warning` is worth a look. */
export type NoticeLevel = "info" | "good" | "warning" | "bad";

/** A step of a deployment as people hear of it. `unchanged`: it looked and there was nothing to do. */
export type NoticeStep = {
  readonly title: string;
  /** Null for what concerns the whole environment. */
  readonly host: string | null;
  /** Null while it runs, and where its beginning was not seen. */
  readonly ms: number | null;
  readonly state: "running" | "done" | "unchanged" | "failed" | "undone";
};

/** One thing that happened, told to people. Whoever makes one need not mask it: whoever sends it does. */
export type Notice = {
  readonly event: NoticeEvent;
  readonly level: NoticeLevel;
  readonly project: string;
  /** Null for what belongs to none, such as checks of a commit. */
  readonly environment: string | null;
  /** Id of the deployment it is about; notices of one id belong together. */
  readonly deployment: string | null;
  /** What kind of change it is: `deploy`, `promote`, `rollback`; `test` for a sample, of which nothing but that it arrived is true. */
  readonly kind: string | null;
  readonly release: string | null;
  /** Full hash. */
  readonly commit: string | null;
  /** First line of the commit's message. */
  readonly subject: string | null;
  /** Branch or tag. */
  readonly ref: string | null;
  readonly who: string;
  /** The reason that was given. */
  readonly why: string | null;
  /** ISO 8601. */
  readonly at: string;
  /** One sentence: how it ended, or what it waits for. */
  readonly outcome: string | null;
  readonly steps: readonly NoticeStep[];
  /** The last lines that what failed had written. */
  readonly lastLines: readonly string[];
  readonly links: {
    /** Public address of the environment. */
    readonly url: string | null;
    /** Page with the whole log: of the workflow's run. */
    readonly log: string | null;
  };
};

/** What became of telling one notice. */
export type Delivery =
  | {
      readonly status: "delivered";
      readonly tries: number;
      /** What the other side answered, in a few words. */
      readonly detail: string;
      /** What the notifier wants to know again at the next notice of this deployment, also in another process: JSON. */
      readonly remember: unknown;
    }
  | {
      readonly status: "failed";
      readonly tries: number;
      /** Why, as one sentence without its end. Holds no secret. */
      readonly detail: string;
      /** What to do about it; null where nothing can be said. */
      readonly remedy: string | null;
      readonly remember: unknown;
    };

/**
 * Somebody who is told: a channel, an address, a mailbox.
 *
 * - **Order of calls.** One after the other; the next begins when the one before has ended.
 * - **What may be repeated.** Everything. A notice that is told twice may be heard twice.
 * - **After a failure** the answer says so; nothing is thrown. The next notice is tried like any other.
 * - **Time.** Tries are bounded in number and time. It ends within a moment after `signal` is aborted, and answers `failed` then.
 * - **Text.** A notice holds text from outside (commit messages, logs, names): it is escaped for where it goes and changes nothing but what
 *   it says. Secrets' values are masked already; those that the notifier itself needs stand in no answer.
 */
export type Notifier = {
  /** Unique in its configuration. */
  readonly name: string;
  tell(notice: Notice, signal: AbortSignal): Promise<Delivery>;
};

/** When a notifier is told. */
export type NoticeRule = {
  readonly notifier: Notifier;
  /** Null for all. What belongs to no environment is told whatever stands here. */
  readonly environments: readonly string[] | null;
  readonly events: readonly NoticeEvent[];
  /** Those of `events` that were written one by one, not as a group or by default. */
  readonly named: readonly NoticeEvent[];
};
