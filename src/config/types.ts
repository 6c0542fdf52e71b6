import type { Check } from "./types-checks.ts";
import type { GatePolicy } from "./types-gates.ts";
import type { GitHubSettings } from "./types-github.ts";
import type { Notify } from "./types-notify.ts";
import type { LeakPolicy } from "./types-leaks.ts";
import type { Hooks, Watch } from "./types-hooks.ts";
import type { ScanPolicy } from "./types-scan.ts";
import type { SecretPolicy } from "./types-secrets.ts";

export type { Check, CheckCommand, CheckPlace, CheckService } from "./types-checks.ts";
export type { Emergency, FreezeWindow, GateName, GatePolicy, PassableGate, Reviewers } from "./types-gates.ts";
export type { GitHubSettings } from "./types-github.ts";
export type { Notify, NotifyEvent, NotifyTarget } from "./types-notify.ts";
export type {
  Organization,
  SecretPolicy,
  SecretProviderChoice,
  SecretSourceChoice,
} from "./types-secrets.ts";
export type { Hook, Hooks, Watch } from "./types-hooks.ts";
export type { ScanIgnore, ScanPolicy, ScanSeverity } from "./types-scan.ts";

/**
 * The configuration after loading: complete, typed and frozen. Every default is filled in, durations are milliseconds and sizes are bytes
 * (the names say so), every name refers to something that exists. `undefined` means "not given, and there is no default here".
 */
export type Config = {
  readonly project: string;
  /** Absolute path of the file that was read. */
  readonly file: string;
  /** Absolute path of the folder it lies in; relative paths of the configuration start here. */
  readonly folder: string;
  /** Compose files as written, later ones on top; `undefined`: the usual names, see `resolveComposeFiles`. */
  readonly compose: readonly string[] | undefined;
  readonly registry: Registry | undefined;
  /** Where secrets are looked for that belong to no environment: of checks, of builds, the registry's password. */
  readonly secrets: SecretPolicy;
  readonly retention: {
    /** Whether a prune takes images away from the registry too. */
    readonly registry: boolean;
  };
  readonly images: Readonly<Record<string, Image>>;
  /** The checks of the gate, by name; none where there is no gate. */
  readonly checks: Readonly<Record<string, Check>>;
  /** What may be in a commit although it looks like a secret. */
  readonly leaks: LeakPolicy;
  /** Released services, by the name they have in the compose file. */
  readonly services: Readonly<Record<string, ReleasedService>>;
  /** Backing services by name; `undefined`: every service of the compose file that is not released. */
  readonly backing: readonly string[] | undefined;
  readonly github: GitHubSettings;
  readonly notify: readonly Notify[];
  readonly environments: Readonly<Record<string, Environment>>;
};

export type Registry = {
  /** Host, optional port, optional path: `registry.example.com/shop`. */
  readonly address: string;
  readonly login: RegistryLogin | undefined;
  /** Plain HTTP instead of HTTPS. */
  readonly insecure: boolean;
  /** Where the layer cache of builds is kept: beside each image, or in this repository; `undefined`: on the machine that builds alone. */
  readonly cache: true | string | undefined;
};

export type RegistryLogin = {
  /** May hold `${NAME}`, see `interpolate`. */
  readonly username: string;
  /** Name of the environment variable that holds the password. The value is never part of a configuration. */
  readonly passwordVariable: string;
};

export type Image = {
  readonly name: string;
  /** Full name in the registry without tag: `registry.example.com/shop/web`; for an image that goes to none, see `localRepository`. */
  readonly repository: string;
  readonly context: string;
  /** Relative to the context. */
  readonly dockerfile: string;
  readonly target: string | undefined;
  readonly platforms: readonly string[];
  /** Build arguments as written; `resolveArguments` fills in `${NAME}`. */
  readonly args: Readonly<Record<string, string>>;
  /** Names of build secrets. */
  readonly secrets: readonly string[];
  /** Network of the build's `RUN` steps; `undefined`: BuildKit's own. */
  readonly network: "default" | "host" | "none" | undefined;
  /** Anybody may pull it, also with values of an environment baked in. */
  readonly public: boolean;
  /** Whether the packages in it are listed and kept with the release. */
  readonly sbom: boolean;
  /** An argument takes a value from the environment, so each environment needs an image of its own. */
  readonly perEnvironment: boolean;
};

export type ReleasedService = {
  readonly name: string;
  readonly image: string;
  /** Port that the container listens on; `undefined` for a worker. */
  readonly port: number | undefined;
  readonly health: Health;
  /** Host names with optional path, as written; `resolveRoutes` fills in `${NAME}` and takes them apart. */
  readonly routes: readonly string[];
  /** `undefined`: what the compose file says. */
  readonly replicas: number | undefined;
  /** Longest time that open requests of the old release are waited for. */
  readonly drainMs: number;
  /** Time between SIGTERM and SIGKILL; `undefined`: what the compose file says. */
  readonly stopGraceMs: number | undefined;
};

export type HealthProbe =
  | { readonly kind: "http"; readonly path: string; readonly status: StatusExpectation }
  | { readonly kind: "tcp" }
  | { readonly kind: "docker" }
  | { readonly kind: "command"; readonly command: readonly string[] };

export type Health = {
  readonly probe: HealthProbe;
  /** From the end of one probe to the start of the next. */
  readonly intervalMs: number;
  /** For one probe. */
  readonly timeoutMs: number;
  /** Passes in a row that make a container healthy. */
  readonly successes: number;
  /** From the container's start until it has to be healthy; failures before that do not count. */
  readonly startPeriodMs: number;
};

/** The status codes that pass. */
export type StatusExpectation = "2xx" | readonly number[];

export type Environment = {
  readonly name: string;
  readonly target: ComposeTarget;
  /** Its own, over the project's, over the organization's. */
  readonly variables: Readonly<Record<string, string>>;
  readonly secrets: SecretPolicy & { readonly names: readonly string[]; readonly onHost: boolean };
  /** Who may put what here, and when. */
  readonly gates: GatePolicy;
  readonly strategy: Strategy;
  readonly smoke: readonly SmokeTest[];
  /** Public URL as written, may hold `${NAME}`; see `resolvePublicUrls`. */
  readonly url: string | undefined;
  /** URL that verification asks; the public URL when not given. */
  readonly verifyUrl: string | undefined;
  readonly bakeMs: number;
  /** For a whole deployment. */
  readonly timeoutMs: number;
  readonly lease: { readonly ttlMs: number };
  readonly room: {
    /** `undefined`: what the limits of the compose file add up to. */
    readonly memoryBytes: number | undefined;
    /** What stays free on the engine's disk. */
    readonly diskBytes: number;
    readonly onShortage: "refuse" | "recreate";
  };
  /** What is demanded of images here; `off` where that was said, `undefined` where the project has no scan. */
  readonly scan: ScanPolicy | "off" | undefined;
  /** Successful releases that stay ready for a rollback. */
  readonly keep: number;
  readonly tagPrefix: string;
  /** What this environment runs before traffic moves, the project's unless it says otherwise. */
  readonly migrations: Migrations | undefined;
  /** Its own at each point, and else the project's. */
  readonly hooks: Hooks;
  /** `undefined`: a release is not watched after its deployment has ended. */
  readonly watch: Watch | undefined;
};

export type ComposeTarget = {
  readonly kind: "compose";
  readonly hosts: readonly Host[];
  /** Name of the host whose environment record is the authority. */
  readonly home: string;
  /** Folder of Shiplock on each host: absolute, or starting with `~/` for the home folder of the user. */
  readonly folder: string;
  /** For connecting to a host; one that has not answered by then is unreachable. */
  readonly connectTimeoutMs: number;
  readonly proxy: {
    readonly http: number;
    readonly https: number;
    readonly tls: "auto" | "internal" | "off";
    /** Who gives the certificates of `auto`; `undefined`: the public authorities that the proxy knows. */
    readonly acme:
      | {
          readonly directory: string | undefined;
          readonly email: string | undefined;
          /** Path of a PEM file, relative to the configuration's folder. */
          readonly trustedRoot: string | undefined;
        }
      | undefined;
    readonly image: string;
  };
};

export type Host = {
  /** Unique in its environment. */
  readonly name: string;
  readonly connection: HostConnection;
};

export type HostConnection =
  | {
      readonly kind: "ssh";
      readonly user: string | undefined;
      /** Host name, address, or an alias of the user's ssh_config. */
      readonly address: string;
      readonly port: number | undefined;
    }
  | { readonly kind: "local" };

/** A count, or a share of the whole (replicas, hosts) in per cent. */
export type Amount = { readonly count: number } | { readonly percent: number };

export type Strategy =
  | {
      readonly kind: "rolling";
      readonly maxSurge: Amount;
      readonly maxUnavailable: Amount;
      /** Hosts in one batch. */
      readonly batch: Amount;
      /** Hosts worked on at the same moment. */
      readonly parallel: number;
    }
  | { readonly kind: "recreate" }
  | { readonly kind: "in-place" };

export type SmokeTest =
  | {
      readonly kind: "http";
      readonly service: string;
      readonly path: string;
      readonly status: StatusExpectation;
      /** Text that the body has to contain. */
      readonly body: string | undefined;
      /** Headers with the value they must have. */
      readonly headers: Readonly<Record<string, string>>;
      /** Dotted paths into the JSON answer with the value they must have. */
      readonly json: Readonly<Record<string, string | number | boolean | null>>;
      readonly timeoutMs: number;
    }
  | {
      readonly kind: "command";
      readonly service: string;
      readonly command: readonly string[];
      readonly timeoutMs: number;
    };

export type Migrations = {
  /** Service whose environment and networks the container gets; `undefined` when only an image was named. */
  readonly service: string | undefined;
  readonly image: string;
  readonly command: readonly string[];
  readonly timeoutMs: number;
};

/** One host name and path that leads to a service. */
export type Route = { readonly host: string; readonly path: string };
