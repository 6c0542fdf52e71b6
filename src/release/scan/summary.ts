import type { ReleaseScan } from "../types.ts";
import { countBySeverity } from "./findings.ts";
import type { ScanReport } from "./types.ts";

/** What a release says of its scan, for machines that do not have the reports. Null without any. */
export function summaryOf(reports: readonly { report: ScanReport; digest: string }[]): ReleaseScan | null {
  const [first] = reports;
  if (first === undefined) return null;
  const images = reports.map(({ report, digest }) => [
    report.image,
    { ...countBySeverity(report.findings), report: digest },
  ]);
  const times = reports.map(({ report }) => report.at).sort();
  // The oldest says how old what is known can be.
  return { with: first.report.scanner.name, at: times[0] ?? "", images: Object.fromEntries(images) };
}

/** The summary in a few words: `2 critical, 5 high, 12 others (trivy, 2026-11-21)`. */
export function summaryText({ with: scanner, at, images }: ReleaseScan): string {
  const total = (pick: (counts: ReleaseScan["images"][string]) => number): number =>
    Object.values(images).reduce((sum, counts) => sum + pick(counts), 0);
  const critical = total((counts) => counts.critical);
  const high = total((counts) => counts.high);
  const others = total(({ medium, low, negligible, unknown }) => medium + low + negligible + unknown);
  const words = [
    ...(critical > 0 ? [`${critical} critical`] : []),
    ...(high > 0 ? [`${high} high`] : []),
    ...(others > 0 ? [`${others} other${others === 1 ? "" : "s"}`] : []),
  ];
  return `${words.length === 0 ? "nothing known" : words.join(", ")} (${scanner}, ${at.slice(0, 10)})`;
}
