import type { ScanPolicy } from "../../config/types-scan.ts";
import { judgeScan, type ScanVerdict } from "../../release/scan/judge.ts";
import type { ScanReport } from "../../release/scan/types.ts";
import type { GateDecision } from "./types.ts";

export type ScanFacts = {
  readonly policy: ScanPolicy | "off" | undefined;
  /** Names of the release's images. */
  readonly images: readonly string[];
  /** The newest report of each image that there is one of. */
  readonly reports: readonly ScanReport[];
  /** The day in UTC, `2027-01-31`. */
  readonly today: string;
};

const gate = "scan" as const;

/**
 * Whether an environment takes images with what was found in them. An image without a report blocks: what nobody looked at is not known to be good.
 * @returns with it what the policy makes of each finding; null where nothing was judged
 */
export function judgeScanGate(facts: ScanFacts): { decision: GateDecision; verdict: ScanVerdict | null } {
  const { policy, images, reports, today } = facts;
  if (policy === undefined || policy === "off") {
    const reason = policy === "off" ? "scan: off" : "no scan is configured";
    return { decision: { gate, answer: "pass", reason }, verdict: null };
  }
  const missing = images.filter((image) => !reports.some((report) => report.image === image));
  if (missing.length > 0) {
    const reason = `nobody has scanned ${missing.join(", ")}`;
    return { decision: { gate, answer: "block", reason, remedy: "scan it with `shiplock scan`" }, verdict: null };
  }
  const verdict = judgeScan(reports, policy, today);
  if (verdict.passes) return { decision: { gate, answer: "pass", reason: passed(verdict) }, verdict };
  return { decision: { gate, answer: "block", reason: blocked(verdict), remedy: remedy(verdict) }, verdict };
}

function passed({ ignored }: ScanVerdict): string {
  if (ignored.length === 0) return "nothing that blocks was found";
  return `nothing that blocks was found, but for ${counted(ignored.length)} that ${ignored.length === 1 ? "is" : "are"} let through`;
}

function blocked({ blocking }: ScanVerdict): string {
  const images = [...new Set(blocking.map(({ image }) => image))].sort().join(", ");
  return `${counted(blocking.length)} in ${images} ${blocking.length === 1 ? "blocks" : "block"}`;
}

function remedy({ blocking }: ScanVerdict): string {
  const expired = blocking.filter((found) => found.expired !== null).length;
  const fixed = blocking.filter(({ finding }) => finding.fixedIn !== "").length;
  const ways = [
    ...(fixed > 0 ? [`update what has a fix (${fixed} of ${blocking.length})`] : []),
    "let a finding through for a time with scan.ignore, its reason and a day",
    ...(expired > 0 ? [`renew what has expired (${expired})`] : []),
  ];
  return ways.join("; or ");
}

function counted(count: number): string {
  return `${count} finding${count === 1 ? "" : "s"}`;
}
