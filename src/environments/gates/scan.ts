import type { ScanPolicy } from "../../config/types-scan.ts";
import { judgeScan, type ScanVerdict } from "../../release/scan/judge.ts";
import type { ScanReport } from "../../release/scan/types.ts";
import type { GateAnswer } from "./types.ts";

export type ScanFacts = {
  policy: ScanPolicy | "off" | undefined;
  /** Names of the release's images. */
  images: readonly string[];
  /** The newest report of each image that there is one of. */
  reports: readonly ScanReport[];
  /** The day in UTC, `2027-01-31`. */
  today: string;
};

/** Whether an environment takes images with what was found in them. An image without a report blocks. */
export function scanGate({ policy, images, reports, today }: ScanFacts): GateAnswer & { verdict: ScanVerdict | null } {
  const gate = "scan";
  if (policy === undefined || policy === "off") {
    const reason = policy === "off" ? "scan: off" : "no scan is configured";
    return { gate, answer: "pass", reason, unblock: null, verdict: null };
  }
  const missing = images.filter((image) => !reports.some((report) => report.image === image));
  if (missing.length > 0) {
    const reason = `nobody scanned ${missing.join(", ")}`;
    return { gate, answer: "block", reason, unblock: "`shiplock scan` scans it", verdict: null };
  }
  const verdict = judgeScan(reports, policy, today);
  if (verdict.passes) return { gate, answer: "pass", reason: passed(verdict), unblock: null, verdict };
  return { gate, answer: "block", reason: blocked(verdict), unblock: unblocking(verdict), verdict };
}

function passed({ ignored }: ScanVerdict): string {
  if (ignored.length === 0) return "nothing that blocks was found";
  return `nothing that blocks was found, but for ${counted(ignored.length, "finding")} that ${ignored.length === 1 ? "is" : "are"} let through`;
}

function blocked({ blocking }: ScanVerdict): string {
  const images = [...new Set(blocking.map(({ image }) => image))].sort().join(", ");
  return `${counted(blocking.length, "finding")} in ${images} ${blocking.length === 1 ? "blocks" : "block"}`;
}

function unblocking({ blocking }: ScanVerdict): string {
  const expired = blocking.filter((found) => found.expired !== null).length;
  const fixed = blocking.filter(({ finding }) => finding.fixedIn !== "").length;
  const ways = [
    ...(fixed > 0 ? [`update what has a fix (${fixed} of ${blocking.length})`] : []),
    `let a finding through for a time with scan.ignore, its reason and a day`,
    ...(expired > 0 ? [`renew what has expired (${expired})`] : []),
  ];
  return ways.join("; or ");
}

function counted(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
