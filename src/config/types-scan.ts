export type ScanSeverity = "critical" | "high" | "medium" | "low" | "negligible" | "unknown";

/** A finding that is let through until a day, and why. */
export type ScanIgnore = {
  /** The finding's id: `CVE-2026-1234`, `GHSA-…`, or the scanner's rule. */
  readonly id: string;
  /** Only in this package; `undefined`: wherever it is found. */
  readonly package: string | undefined;
  readonly reason: string;
  /** The last day on which it counts, `2027-01-31`, in UTC. */
  readonly until: string;
};

/** What an environment demands of the images of a release. */
export type ScanPolicy = {
  readonly with: "trivy" | "grype";
  /** Severities that block. */
  readonly block: readonly ScanSeverity[];
  /** Only findings that have a fix block. */
  readonly onlyFixed: boolean;
  readonly ignore: readonly ScanIgnore[];
  /** For the scan of one image. */
  readonly timeoutMs: number;
};
