/** How long and how strictly a release is watched after it has become live. Times in milliseconds. */
export type WatchPolicy = {
  readonly forMs: number;
  readonly everyMs: number;
  /** Bad looks in a row that make it bad. */
  readonly failures: number;
  /** Restarts of one container that are let pass. */
  readonly restarts: number;
};

/** One host as it was seen: what is wrong there, and how often each container has been restarted since it was made; or why it could not be asked. */
export type HostLook = { readonly host: string } & (
  | {
      readonly seen: true;
      readonly problems: readonly string[];
      readonly containers: readonly { readonly name: string; readonly restarts: number }[];
    }
  | { readonly seen: false; readonly why: string }
);

/** What an address answered. Without an answer it may also be us who cannot reach anything. */
export type UrlLook = { readonly url: string; readonly problem: string | null; readonly answered: boolean };

export type Look = {
  /** Since the watch began. */
  readonly afterMs: number;
  readonly hosts: readonly HostLook[];
  readonly urls: readonly UrlLook[];
  /** What else happens in the environment, so that there is nothing left to watch; null while the release is the live one and nothing is in progress. */
  readonly superseded: string | null;
};

/** How a watch ended. `unseen`: nothing bad was seen, but at the end not everything was seen. */
export type WatchEnd = {
  readonly how: "healthy" | "bad" | "unseen" | "superseded" | "interrupted";
  /** A sentence for people. */
  readonly said: string;
};

/** The watch over the live release, as the environment record has it. */
export type WatchRecord = {
  readonly deployment: string;
  readonly release: string;
  readonly by: string;
  readonly from: string;
  readonly since: string;
  readonly until: string;
  /** Null while it goes on, and for ever where its command died. */
  readonly ended: (WatchEnd & { readonly at: string }) | null;
};
