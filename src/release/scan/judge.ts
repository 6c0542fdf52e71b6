import type { ScanIgnore, ScanPolicy } from "../../config/types-scan.ts";
import { compareFindings, compareText } from "./findings.ts";
import type { Finding, ScanReport } from "./types.ts";

export type BlockingFinding = {
  image: string;
  finding: Finding;
  /** It was let through until this exception expired. */
  expired: ScanIgnore | null;
};
export type IgnoredFinding = { image: string; finding: Finding; by: ScanIgnore };

/** What an environment's policy makes of the reports, on a day. */
export type ScanVerdict = {
  passes: boolean;
  /** The worst first. */
  blocking: readonly BlockingFinding[];
  /** What would block without its exception. */
  ignored: readonly IgnoredFinding[];
  /** Exceptions that fit nothing that was found: they can go. */
  unused: readonly ScanIgnore[];
};

/**
 * Judges reports. A finding blocks when the policy names its severity, unless it has no fix and only fixed ones block, or an exception that
 * has not expired fits it. Of several exceptions the one that holds longest counts. An unknown severity blocks only where the policy names
 * `unknown`.
 * @param today the day in UTC, `2027-01-31`
 */
export function judgeScan(reports: readonly ScanReport[], policy: ScanPolicy, today: string): ScanVerdict {
  const blocking: BlockingFinding[] = [];
  const ignored: IgnoredFinding[] = [];
  for (const { image, findings } of reports) {
    for (const finding of findings) {
      if (!counts(finding, policy)) continue;
      const exception = exceptionFor(finding, policy.ignore);
      if (exception !== null && today <= exception.until) ignored.push({ image, finding, by: exception });
      else blocking.push({ image, finding, expired: exception });
    }
  }
  const all = reports.flatMap(({ findings }) => findings);
  return {
    passes: blocking.length === 0,
    blocking: blocking.sort(inOrder),
    ignored: ignored.sort(inOrder),
    unused: policy.ignore.filter((exception) => !all.some((finding) => fits(exception, finding))),
  };
}

/** The day of a time, as exceptions name it. */
export function dayOf(time: Date): string {
  return time.toISOString().slice(0, 10);
}

function counts(finding: Finding, { block, onlyFixed }: ScanPolicy): boolean {
  if (!block.includes(finding.severity)) return false;
  // A secret or a misconfiguration is never mended by another version of a package: whoever builds the image can always mend it.
  return !onlyFixed || finding.kind !== "vulnerability" || finding.fixedIn !== "";
}

function exceptionFor(finding: Finding, ignore: readonly ScanIgnore[]): ScanIgnore | null {
  const fitting = ignore.filter((exception) => fits(exception, finding));
  return fitting.sort((left, right) => compareText(right.until, left.until))[0] ?? null;
}

function fits(exception: ScanIgnore, finding: Finding): boolean {
  return exception.id === finding.id && (exception.package === undefined || exception.package === finding.package);
}

function inOrder(left: { image: string; finding: Finding }, right: { image: string; finding: Finding }): number {
  return compareFindings(left.finding, right.finding) || compareText(left.image, right.image);
}
