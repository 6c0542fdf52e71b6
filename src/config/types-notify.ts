/** All that a notifier can be told of. */
export type NotifyEvent =
  | "requested"
  | "waiting"
  | "approved"
  | "rejected"
  | "cancelled"
  | "superseded"
  | "skipped"
  | "blocked"
  | "started"
  | "step-failed"
  | "succeeded"
  | "rolled-back"
  | "failed"
  | "interrupted"
  | "emergency"
  | "freeze-overridden"
  | "hold-placed"
  | "hold-lifted"
  | "taken-over"
  | "watch-failed"
  | "review-due"
  | "check-failed"
  | "build-failed"
  | "scan-blocked";

/** Who is told, and of what. Secrets stand in it by name. */
export type Notify = {
  /** Unique in the configuration. */
  readonly name: string;
  readonly to: NotifyTarget;
  /** `undefined`: all environments. */
  readonly environments: readonly string[] | undefined;
  readonly events: readonly NotifyEvent[];
  /** Those of `events` that were written one by one. */
  readonly named: readonly NotifyEvent[];
};

export type NotifyTarget =
  | {
      readonly kind: "slack";
      readonly channel: string;
      /** Name of the secret with the app's bot token. */
      readonly token: string;
      /** Address of the Web API with its last slash. */
      readonly api: string;
    }
  /** `url`: name of the secret with the address of an incoming webhook. */
  | { readonly kind: "slack-webhook"; readonly url: string }
  | {
      readonly kind: "webhook";
      /** The address itself, or the name of the secret that holds it. */
      readonly url: { readonly text: string } | { readonly secret: string };
      /** Name of the secret that messages are signed with. */
      readonly secret: string;
    }
  /** Marks beside the commit on GitHub. */
  | { readonly kind: "commit-status" }
  /** One comment on the pull request that the commit came through, which is updated. */
  | { readonly kind: "pull-request" }
  | {
      readonly kind: "email";
      readonly to: readonly string[];
      readonly from: string;
      readonly smtp: {
        readonly host: string;
        readonly port: number;
        /** `password`: name of the secret. */
        readonly login: { readonly user: string; readonly password: string } | undefined;
        readonly tls: "starttls" | "implicit" | "none";
        /** Path of a PEM file, relative to the configuration's folder. */
        readonly trustedRoot: string | undefined;
      };
    };
