import type { GitHubRepository } from "../api/types.ts";

/** A request as it came, before anything looked at its body. Names of headers in any case, as Node.js hands them out. */
export type WebhookRequest = {
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Byte for byte as it was sent: the signature is over these. */
  readonly body: Uint8Array;
};

/** A delivery that GitHub signed, that is fresh, and that nobody has taken before. */
export type WebhookEvent = {
  /** GitHub's id of the delivery, for logs: nothing vouches for it. */
  readonly delivery: string;
  /** `push`, `pull_request`. */
  readonly name: string;
  /** Which of the secrets it is signed with, counted from 0: who rotates them sees when the old one is used no longer. */
  readonly secret: number;
  /** What `SeenWebhooks` knows it by; handed to `forget` where the work that it asks for could not be taken on. */
  readonly fingerprint: string;
  readonly body: Readonly<Record<string, unknown>>;
};

export type WebhookRefusal =
  | "github/webhook-too-large"
  | "github/webhook-content-type"
  | "github/webhook-headers"
  | "github/webhook-unsigned"
  | "github/webhook-signature"
  | "github/webhook-body"
  | "github/webhook-too-old";

/** What became of a request. `status` is the HTTP status to answer it with. */
export type ReceivedWebhook =
  | { readonly kind: "event"; readonly status: 202; readonly event: WebhookEvent }
  /** It was taken before; GitHub's retries and whoever replays it get the same answer, and nothing is done. */
  | { readonly kind: "seen"; readonly status: 200; readonly delivery: string }
  | {
      readonly kind: "refused";
      readonly status: 400 | 401 | 413 | 415;
      readonly code: WebhookRefusal;
      /** One sentence; holds nothing of the request but names of headers and numbers. */
      readonly reason: string;
      readonly remedy: string;
    };

/**
 * What is remembered of webhooks, so that none is taken twice.
 *
 * - **Concurrency.** Of several that claim one fingerprint at the same moment, one gets `true`, over all processes that share the memory.
 * - **Time.** A fingerprint is kept at least until `until`; after that it may go.
 * - **Errors** are thrown: a delivery that cannot be remembered is not taken, and GitHub shows it as failed, to be delivered again.
 */
export type SeenWebhooks = {
  /** @returns whether it is new; from then on it is not */
  claim(fingerprint: string, about: { delivery: string; now: Date; until: Date }): Promise<boolean>;
  /** It can be claimed once more. Forgetting what is not known changes nothing. */
  forget(fingerprint: string): Promise<void>;
};

/** A branch or tag by its name. */
export type GitRef = { readonly kind: "branch" | "tag"; readonly name: string };

/** The head of a pull request: the commit that somebody pushed, not GitHub's trial merge of it. */
export type PullHead = {
  readonly number: number;
  readonly branch: string;
  readonly commit: string;
  /** It lies in another repository, or in one that is gone: it gets no secrets. */
  readonly fork: boolean;
};

/** What an event asks Shiplock to do. Every gate judges it like what comes from a workflow. */
export type EventRequest =
  | {
      readonly kind: "deploy";
      readonly environment: string;
      /** Why it comes by itself. */
      readonly by: "push" | "checks" | "schedule";
      readonly ref: GitRef;
      /** Full hash; null for the newest of the branch when it is begun, which only a schedule asks for. */
      readonly commit: string | null;
    }
  /** A published Release gives the images of its tag's commit their version name. */
  | { readonly kind: "tag"; readonly version: string; readonly prerelease: boolean }
  | { readonly kind: "checks"; readonly pull: PullHead }
  | { readonly kind: "preview-up"; readonly pull: PullHead }
  | { readonly kind: "preview-down"; readonly pull: number }
  /** A branch is gone, and with it all that was there for it. */
  | { readonly kind: "branch-gone"; readonly branch: string };

/** An event as far as it concerns a project. */
export type AskedByEvent = {
  /** In the order of the configuration. */
  readonly requests: readonly EventRequest[];
  /** Why there are none, as a sentence without its end; null where there are some. */
  readonly nothing: string | null;
  /** Null where the event is of no repository. */
  readonly repository: GitHubRepository | null;
  /** The installation of the App that got it; null where a repository's own webhook did. */
  readonly installation: number | null;
  /** Login of who did it, GitHub vouches for it; null where nobody did, as by a schedule. */
  readonly sender: string | null;
};

/** What of a project's configuration decides about events. A `Config` is one. */
export type EventRules = {
  readonly environments: Readonly<
    Record<
      string,
      {
        readonly gates: {
          readonly on: {
            readonly push: readonly string[];
            readonly tags: readonly string[];
            readonly checks: readonly string[];
            readonly schedule: readonly string[];
          };
          readonly branches: readonly string[] | undefined;
        };
      }
    >
  >;
};
