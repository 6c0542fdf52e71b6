import type { Finding, Scanned, ScanReport, Severity } from "./types.ts";

/** All severities, the worst first. */
export const SEVERITIES = ["critical", "high", "medium", "low", "negligible", "unknown"] as const;

/** The worst first; then by name, so that one set of findings has one order. */
export function compareFindings(left: Finding, right: Finding): number {
  return rank(left) - rank(right) || compareText(keyOf(left), keyOf(right));
}

/** One report of what was found on each platform of an image: what is the same on several stands there once. */
export function mergeScans(
  image: string,
  scans: Readonly<Record<string, Scanned>>,
  about: { digest: string; at: string },
): ScanReport {
  const all = new Map<string, Finding>();
  for (const scanned of Object.values(scans)) for (const finding of scanned.findings) all.set(keyOf(finding), finding);
  const [first] = Object.values(scans);
  return {
    version: 1,
    image,
    digest: about.digest,
    platforms: Object.keys(scans).sort(),
    scanner: first?.scanner ?? { name: "", version: "" },
    at: about.at,
    findings: [...all.values()].sort(compareFindings),
  };
}

/** How many findings there are of each severity. */
export function countBySeverity(findings: readonly Finding[]): Record<Severity, number> {
  const counts = { critical: 0, high: 0, medium: 0, low: 0, negligible: 0, unknown: 0 };
  for (const { severity } of findings) counts[severity] += 1;
  return counts;
}

/** Text that orders without a language's rules, which differ between machines. */
export function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function rank({ severity }: Finding): number {
  return SEVERITIES.indexOf(severity);
}

function keyOf(finding: Finding): string {
  const { id, package: name, version, target, kind, place, severity, fixedIn } = finding;
  return JSON.stringify([id, name, version, target, kind, place, severity, fixedIn]);
}
