import type { RegistryLogin } from "../registry/types.ts";

/** From the worst down. `unknown`: nobody has judged it yet. */
export type Severity = "critical" | "high" | "medium" | "low" | "negligible" | "unknown";

/** One thing that a scanner found in an image, in words that are the same for every scanner. */
export type Finding = {
  kind: "vulnerability" | "secret" | "misconfiguration" | "licence";
  /** `CVE-2026-1234`, `GHSA-…`, or the scanner's own rule. */
  id: string;
  severity: Severity;
  /** Where it belongs: a package of the operating system, one of a language, or the image itself. */
  place: "os" | "language" | "image";
  /** Name of the package; empty for what is in no package. */
  package: string;
  version: string;
  /** The versions that mend it, as the scanner writes them; empty while there is none. */
  fixedIn: string;
  /** Where in the image: a lock file, a path, the distribution's name. */
  target: string;
  title: string;
  url: string;
};

/** What a scanner answered about one image on one platform. */
export type Scanned = {
  /** Empty where the report does not tell the version. */
  scanner: { name: string; version: string };
  /** The image's id as the scanner saw it, `sha256:…`; null where it does not tell. */
  imageId: string | null;
  findings: readonly Finding[];
};

/** The report that is kept with a release: never the scanner's own, which can quote the secrets it found. */
export type ScanReport = {
  version: 1;
  /** Name of the image in the configuration. */
  image: string;
  /** Digest of the image; empty while it is not shipped yet. */
  digest: string;
  platforms: readonly string[];
  scanner: { name: string; version: string };
  /** ISO 8601 */
  at: string;
  /** Sorted: the same findings give the same report. */
  findings: readonly Finding[];
};

/** Media type of a kept report. */
export const SCAN_REPORT_TYPE = "application/vnd.shiplock.scan.v1+json";

export type ScanTarget =
  /** As the builder's engine has it, by a tag that was just built. */
  | { from: "engine"; reference: string }
  /** As the registry has it, by digest. */
  | { from: "registry"; reference: string; platform: string; login: RegistryLogin | null; insecure: boolean };

/**
 * Looks for what is known to be vulnerable in an image. Nothing is changed, and every call may be repeated. A scanner that cannot do
 * its work never answers: `scan/scanner-missing`, `scan/timeout`, `scan/failed` (it ended with an error), `scan/unreadable` (its report
 * is none, or says something that is not understood), all of which block like a gate. An interrupted call rejects with
 * `program/interrupted`.
 */
export type Scanner = {
  scan(target: ScanTarget, options: { timeoutMs: number; signal: AbortSignal }): Promise<Scanned>;
};
