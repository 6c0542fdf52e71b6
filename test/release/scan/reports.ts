import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ScanPolicy } from "../../../src/config/types-scan.ts";
import type { Finding, ScanReport } from "../../../src/release/scan/types.ts";

/** A report in a scanner's own form. They are made by hand after what the vendors publish; no scanner wrote them. */
export function reportText(name: string): string {
  return readFileSync(join(import.meta.dirname, "reports", `${name}.json`), "utf8");
}

export function finding(change: Partial<Finding> = {}): Finding {
  return {
    kind: "vulnerability",
    id: "CVE-2026-1",
    severity: "high",
    place: "os",
    package: "zlib",
    version: "1.0",
    fixedIn: "1.1",
    target: "var/lib/dpkg/status",
    title: "zlib: overflow",
    url: "https://example.com/CVE-2026-1",
    ...change,
  };
}

export function report(findings: readonly Finding[], change: Partial<ScanReport> = {}): ScanReport {
  const scanner = { name: "trivy", version: "0.68.1" };
  const about = { image: "web", digest: `sha256:${"1".repeat(64)}`, platforms: ["linux/amd64"] };
  return { version: 1, ...about, scanner, at: "2026-11-20T10:00:00.000Z", findings, ...change };
}

export function policy(change: Partial<ScanPolicy> = {}): ScanPolicy {
  return { with: "trivy", block: ["critical", "high"], onlyFixed: false, ignore: [], timeoutMs: 60_000, ...change };
}
