import type { JsonObject } from "../json.ts";

/** The digests of one image on one platform. A container runs the image when its id is one of these. */
export type PlatformDigests = {
  /** The configuration's once more, where an engine without manifests built it and no registry has it. */
  manifest: string;
  config: string;
};

export type ReleaseImage = {
  name: string;
  /** Name in the registry, without tag or digest; one of Shiplock's own for what is in none. */
  repository: string;
  tag: string;
  /** What is pulled: the digest of the index, or of the only manifest. Of what is in no registry, a name for all its platforms that nothing has. */
  digest: string;
  /** By platform, for example `linux/amd64`. */
  platforms: Readonly<Record<string, PlatformDigests>>;
  /** Values of one environment are baked in, so it belongs to that environment alone. */
  environment: string | null;
  /** Where hosts get it: from its registry, or from an engine that has it. Records of an earlier Shiplock do not say, and mean the registry. */
  from: "registry" | "engine";
  /** Name of the machine that built it, where a registry does not have it; null otherwise. */
  builtOn: string | null;
  /** Hash of all that decided what it holds; null where that could not be told. An image with the same inputs is not built again. */
  inputs: string | null;
};

/** The checks that passed for a release's commit before anything of it was built; or that an emergency passed over. */
export type PassedChecks = {
  /** Hash of the definitions they had. */
  readonly definitions: string;
  /** Names of the required ones, one for each combination of a matrix. */
  readonly passed: readonly string[];
  /** Names of required ones of which it was not known that they had passed: it was built as an emergency. Absent for none. */
  readonly missing?: readonly string[];
  /** When the last of them had passed; ISO 8601. */
  readonly at: string;
  /** What those that measure it have covered, in per cent of the lines. */
  readonly coverage?: Readonly<Record<string, number>>;
};

/** How many findings of each severity a scan had, by image, and which kept report says which: enough for machines that do not have the report. */
export type ReleaseScan = {
  /** The scanner. */
  with: string;
  /** When the oldest of the reports was made, ISO 8601. */
  at: string;
  images: Readonly<
    Record<
      string,
      {
        critical: number;
        high: number;
        medium: number;
        low: number;
        negligible: number;
        unknown: number;
        /** `sha256:…` of the report. */
        report: string;
      }
    >
  >;
};

/** A release: immutable, named by what it holds. */
export type Release = {
  version: 1;
  id: string;
  project: string;
  /** Full hash. */
  commit: string;
  commitTime: string;
  subject: string;
  /** Branch or tag it was asked for by; null if only a commit was named. */
  ref: string | null;
  /** What `ref` is; releases of an earlier Shiplock do not say. */
  refKind?: "branch" | "tag" | null;
  /** Built from the working tree instead of a clean checkout. */
  dirty: boolean;
  createdAt: string;
  /** The environment it belongs to, or null for all. */
  environment: string | null;
  images: Readonly<Record<string, ReleaseImage>>;
  /** Null where no check was required. A release from before checks has none. */
  checks?: PassedChecks | null;
  /** The release of another environment that this is the sibling of: same commit, values of this environment baked in. */
  origin: string | null;
  /** What a scan found in its images; null where none was demanded when it was made. */
  scan: ReleaseScan | null;
};

/** Files of the repository that containers mount, by the hash of their content. Kept with the release, so no checkout is needed to go back. */
export type MountedFiles = {
  hash: string;
  name: string;
  entries: readonly { path: string; mode: number; content: string }[];
};

export type HealthCheck = {
  probe:
    | { kind: "http"; path: string; status: "2xx" | readonly number[] }
    | { kind: "tcp" }
    | { kind: "docker" }
    | { kind: "command"; command: readonly string[] };
  intervalMs: number;
  timeoutMs: number;
  successes: number;
  /** From the container's start until it has to be healthy, in milliseconds. */
  startPeriodMs: number;
};

export type SnapshotService = {
  name: string;
  image: string;
  port: number | null;
  health: HealthCheck;
  routes: readonly { host: string; path: string }[];
  /** Ports of the host that the compose file publishes: `hostIp` may be empty. */
  published: readonly { hostIp: string; hostPort: number; containerPort: number }[];
  replicas: number;
  drainMs: number;
  stopGraceMs: number;
};

export type SmokeCheck =
  | {
      kind: "http";
      service: string;
      path: string;
      status: "2xx" | readonly number[];
      body: string | null;
      headers: Readonly<Record<string, string>>;
      json: Readonly<Record<string, string | number | boolean | null>>;
      timeoutMs: number;
    }
  | { kind: "command"; service: string; command: readonly string[]; timeoutMs: number };

/**
 * The configuration a release was deployed with in one environment: all that is needed to deploy it again from anywhere. Secrets stand in it by name.
 */
export type Snapshot = {
  version: 1;
  environment: string;
  services: readonly SnapshotService[];
  /** The team's compose files as one model; mounted files and secrets are references. */
  model: JsonObject;
  backing: readonly string[];
  files: readonly MountedFiles[];
  /** Bind sources outside the repository, which must be there on the host. */
  hostPaths: readonly string[];
  secrets: { names: readonly string[]; onHost: boolean };
  migration: { service: string; image: string; command: readonly string[]; timeoutMs: number } | null;
  smoke: readonly SmokeCheck[];
  /** Addresses that must answer once the release is live. */
  publicUrls: readonly string[];
};

/** What the environment record keeps of a release: `<release id>.<hash of the snapshot>`. */
export type ReleaseDocument = { name: string; release: Release; snapshot: Snapshot };

/** What the team's compose files mean for an environment, as one model, with the files and folders it mounts. */
export type Rendered = {
  model: JsonObject;
  backing: readonly string[];
  files: readonly MountedFiles[];
  hostPaths: readonly string[];
};
