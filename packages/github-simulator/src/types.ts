/** What a token may do with one kind of thing; `write` holds `read`. */
export type Access = "read" | "write";

export type PermissionName =
  | "actions"
  | "administration"
  | "checks"
  | "contents"
  | "deployments"
  | "environments"
  | "issues"
  | "metadata"
  | "pull_requests"
  | "statuses";

/** As a workflow's `permissions` or an app's installation grants them; what is not named is not granted. */
export type Permissions = Readonly<Partial<Record<PermissionName, Access>>>;

/** `deployments:write`. */
export type Need = `${PermissionName}:${Access}`;

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Only what the simulator reads of a clock. */
export type SimulatorClock = { now(): Date };

export type Role = "admin" | "maintain" | "write" | "triage" | "read" | "none";

/** A person or a bot. */
export type Account = { readonly id: number; readonly login: string; readonly type: "User" | "Bot" | "Organization" };

/** A GitHub App, with the installation on the repository. */
export type App = {
  readonly id: number;
  readonly clientId: string;
  readonly slug: string;
  readonly name: string;
  readonly installation: number;
  readonly permissions: Permissions;
  readonly events: readonly string[];
  /** PEM; null for GitHub's own app that runs workflows, which nobody can sign as. */
  readonly publicKey: string | null;
  readonly createdAt: Date;
};

/** Who asks. */
export type Caller = {
  readonly account: Account;
  /** The app whose installation token this is; null for a person's own token. */
  readonly app: App | null;
  /** Null: whatever the account's role in the repository allows. */
  readonly permissions: Permissions | null;
  /** Whether it signed as the app itself instead of as an installation. */
  readonly asApp: boolean;
};

/** One thing that did not fit GitHub's description. */
export type Violation = {
  readonly where: "request" | "answer" | "webhook";
  /** The route, or the event of a webhook. */
  readonly what: string;
  readonly problem: string;
};

/** What was asked of the simulator, in the order of arrival. */
export type RecordedRequest = {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** As the description writes it; null where it has none. */
  readonly route: string | null;
  readonly body: unknown;
  /** Null until it was answered, and for ever where the connection was dropped. */
  status: number | null;
};
