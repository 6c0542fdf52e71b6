/** The gates by name, in the order in which they are asked and shown. Whose turn it is, is no gate: the queue decides it. */
export const gateNames = [
  "leaks",
  "checks",
  "statuses",
  "reviewed",
  "scan",
  "schema",
  "trigger",
  "branches",
  "confirm",
  "guard",
  "hold",
  "newer",
  "order",
  "freeze",
  "drift",
  "wait",
  "reviewers",
] as const;

export type GateName = (typeof gateNames)[number];

/** The gates that an environment may let an emergency pass. All others nothing passes: the lease, images nobody looked at, what somebody has to type. */
export const passableGates = [
  "checks",
  "statuses",
  "reviewed",
  "branches",
  "hold",
  "order",
  "freeze",
  "drift",
  "wait",
  "reviewers",
] as const satisfies readonly GateName[];

export type PassableGate = (typeof passableGates)[number];

/** Who may put what into an environment, and when. */
export type GatePolicy = {
  /** What is deployed here by itself. Patterns as on GitHub. */
  readonly on: {
    readonly push: readonly string[];
    readonly tags: readonly string[];
    /** Names of workflows of the team's own CI: what is pushed comes here when they have passed. */
    readonly checks: readonly string[];
    /** Times in UTC, as cron writes them, at which the environment's own branch comes here. */
    readonly schedule: readonly string[];
  };
  /** What somebody deployed from another branch is not overwritten by an automatic deployment. */
  readonly guard: boolean;
  /** Names of what the team's own CI has to have reported for the commit on GitHub, as a success. */
  readonly statuses: readonly string[];
  /** `undefined`: the commit need not have come through a pull request. */
  readonly reviewed: { readonly approvals: number } | undefined;
  /** Patterns of branches that may be deployed; with `tags`, `undefined` where any may. */
  readonly branches: readonly string[] | undefined;
  readonly tags: readonly string[] | undefined;
  /** Environments that a release has to have been healthy in before, and for how long. */
  readonly after: readonly { readonly environment: string; readonly healthyMs: number }[];
  readonly confirm: boolean;
  readonly reviewers: Reviewers | undefined;
  /** Between the request and the deployment. */
  readonly waitMs: number;
  /** Of the project and of the environment. */
  readonly freeze: readonly FreezeWindow[];
  readonly emergency: Emergency | undefined;
  /** Whether what runs otherwise than recorded keeps a deployment from beginning. */
  readonly drift: "report" | "block";
  /** A request that could not begin until then ends. */
  readonly expiresMs: number;
};

export type Reviewers = {
  /** Everybody who may approve, those of teams among them; each by a name that an identity can have. */
  readonly people: readonly string[];
  /** The same as written, for messages: `ada`, `team ops`. */
  readonly named: readonly string[];
  readonly count: number;
  /** Whether who asked may be one of them. */
  readonly selfReview: boolean;
  /** How long an approval counts. */
  readonly validMs: number;
};

export type Emergency = {
  readonly passes: readonly PassableGate[];
  /** Until when somebody has to have looked at it afterwards. */
  readonly reviewWithinMs: number;
};

/** When nothing is deployed. */
export type FreezeWindow = {
  /** IANA time zone: `Europe/Berlin`. */
  readonly zone: string;
  readonly reason: string;
} & (
  | {
      readonly kind: "weekly";
      /** Weekdays count from Monday as 1 to Sunday as 7; minutes from midnight. From `from` up to, and without, `until`. */
      readonly from: { readonly day: number; readonly minute: number };
      readonly until: { readonly day: number; readonly minute: number };
    }
  | {
      readonly kind: "dates";
      /** Local date and time, `2026-12-20T00:00`. From `from` up to, and without, `until`. */
      readonly from: string;
      readonly until: string;
    }
);
