import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { judgeScanGate } from "../../../src/environments/gates/scan.ts";
import { compareFindings, mergeScans, SEVERITIES } from "../../../src/release/scan/findings.ts";
import { judgeScan } from "../../../src/release/scan/judge.ts";
import { summaryOf, summaryText } from "../../../src/release/scan/summary.ts";
import { finding, policy, report } from "./reports.ts";

const today = "2026-11-21";
const until = (day: string, change = {}) => ({
  id: "CVE-2026-1",
  package: undefined,
  reason: "never called",
  until: day,
  ...change,
});

describe("what a policy makes of a report", () => {
  it("a finding blocks when its severity does, and not when it has no fix and only fixed ones block", () => {
    const unfixed = finding({ fixedIn: "" });
    assert.equal(judgeScan([report([unfixed])], policy(), today).passes, false);
    assert.equal(judgeScan([report([unfixed])], policy({ onlyFixed: true }), today).passes, true);
    assert.equal(judgeScan([report([finding()])], policy({ onlyFixed: true }), today).passes, false);
    assert.equal(judgeScan([report([finding({ severity: "medium" })])], policy(), today).passes, true);
  });

  it("a secret in the image blocks also where only fixed findings do", () => {
    const secret = finding({ kind: "secret", place: "image", package: "", fixedIn: "", severity: "critical" });
    assert.equal(judgeScan([report([secret])], policy({ onlyFixed: true }), today).passes, false);
  });

  it("a finding that nobody has judged yet blocks only where that is said", () => {
    const unknown = [report([finding({ severity: "unknown" })])];
    assert.equal(judgeScan(unknown, policy({ block: ["critical", "high", "medium", "low"] }), today).passes, true);
    assert.equal(judgeScan(unknown, policy({ block: ["unknown"] }), today).passes, false);
  });

  it("an exception lets a finding through up to and with its day, and says why; from the next day on it blocks again and says so", () => {
    const reports = [report([finding()])];
    const on = judgeScan(reports, policy({ ignore: [until(today)] }), today);
    assert.deepEqual([on.passes, on.ignored[0]?.by.reason], [true, "never called"]);
    const after = judgeScan(reports, policy({ ignore: [until("2026-11-20")] }), today);
    assert.equal(after.passes, false);
    assert.equal(after.blocking[0]?.expired?.until, "2026-11-20");
    const renewed = judgeScan(
      reports,
      policy({ ignore: [until("2026-11-20"), until("2027-01-01", { package: "zlib" })] }),
      today,
    );
    assert.equal(renewed.passes, true);
  });

  it("an exception for one package leaves the finding in another, and one that fits nothing is told", () => {
    const reports = [report([finding(), finding({ package: "zlib-dev" })])];
    const ignore = [until("2027-01-01", { package: "zlib" }), until("2027-01-01", { id: "CVE-1" })];
    const verdict = judgeScan(reports, policy({ ignore }), today);
    assert.deepEqual(
      verdict.blocking.map((each) => each.finding.package),
      ["zlib-dev"],
    );
    assert.deepEqual(
      verdict.unused.map((each) => each.id),
      ["CVE-1"],
    );
  });

  const severity = fc.constantFrom(...SEVERITIES);
  const anyFinding = fc
    .record({
      id: fc.constantFrom("CVE-1", "CVE-2", "CVE-3"),
      severity,
      package: fc.constantFrom("a", "b", ""),
      fixedIn: fc.constantFrom("", "2"),
      kind: fc.constantFrom("vulnerability" as const, "secret" as const),
    })
    .map(finding);
  const anyIgnore = fc.record({
    id: fc.constantFrom("CVE-1", "CVE-2", "CVE-9"),
    package: fc.constantFrom("a", undefined),
    reason: fc.constant("r"),
    until: fc.constantFrom("2026-11-20", today, "2026-11-22"),
  });
  const anyPolicy = fc
    .record({
      block: fc.uniqueArray(severity, { minLength: 1 }),
      onlyFixed: fc.boolean(),
      ignore: fc.array(anyIgnore, { maxLength: 4 }),
    })
    .map(policy);
  const anyReports = fc
    .array(fc.array(anyFinding, { maxLength: 8 }), { minLength: 1, maxLength: 3 })
    .map((all) => all.map((findings, index) => report(findings, { image: `image-${index}` })));

  it("does not depend on the order of findings, reports or exceptions, and every finding has one fate", () => {
    fc.assert(
      fc.property(anyReports, anyPolicy, (reports, rules) => {
        const verdict = judgeScan(reports, rules, today);
        const backwards = judgeScan(
          reports.toReversed().map((each) => ({ ...each, findings: each.findings.toReversed() })),
          { ...rules, ignore: rules.ignore.toReversed(), block: rules.block.toReversed() },
          today,
        );
        const text = (found: typeof verdict) => [
          found.blocking.map(({ image, finding }) => [image, finding]),
          found.ignored.map(({ image, finding }) => [image, finding]),
        ];
        assert.deepEqual(text(backwards), text(verdict));
        assert.equal(verdict.passes, verdict.blocking.length === 0);
        for (const { finding, by } of verdict.ignored) {
          assert.ok(by.until >= today && by.id === finding.id);
          assert.ok(!verdict.blocking.some((other) => other.finding === finding));
        }
        for (const { image, findings } of reports)
          for (const each of findings) {
            const told = [...verdict.blocking, ...verdict.ignored].some(
              (other) => other.image === image && other.finding === each,
            );
            const counted =
              rules.block.includes(each.severity) &&
              (!rules.onlyFixed || each.fixedIn !== "" || each.kind === "secret");
            assert.equal(told, counted);
          }
      }),
    );
  });

  it("time alone never makes it milder, and a stricter policy never lets more through", () => {
    fc.assert(
      fc.property(anyReports, anyPolicy, severity, (reports, rules, more) => {
        const now = judgeScan(reports, rules, today);
        if (!now.passes) assert.equal(judgeScan(reports, rules, "2027-01-01").passes, false);
        const stricter = { ...rules, block: [...rules.block, more], onlyFixed: false, ignore: [] };
        if (!now.passes) assert.equal(judgeScan(reports, stricter, today).passes, false);
      }),
    );
  });
});

describe("the gate", () => {
  it("passes where the scan is off, and blocks an image that nobody scanned", () => {
    const facts = { images: ["web", "api"], reports: [report([])], today };
    assert.equal(judgeScanGate({ ...facts, policy: "off" }).decision.answer, "pass");
    assert.equal(judgeScanGate({ ...facts, policy: undefined }).decision.answer, "pass");
    const { decision } = judgeScanGate({ ...facts, policy: policy() });
    assert.deepEqual([decision.answer, decision.reason], ["block", "nobody has scanned api"]);
  });

  it("says how many findings block in which image, and what would help", () => {
    const reports = [report([finding(), finding({ id: "CVE-2", fixedIn: "" })])];
    const rules = policy({ ignore: [until("2026-11-20")] });
    const { decision } = judgeScanGate({ policy: rules, images: ["web"], reports, today });
    assert.equal(decision.answer, "block");
    assert.equal(decision.reason, "2 findings in web block");
    const { remedy } = decision as { remedy: string };
    assert.match(remedy, /update what has a fix \(1 of 2\).*scan\.ignore.*renew what has expired \(1\)/);
  });
});

describe("a kept report", () => {
  it("of several platforms has each finding once, in one order whatever order they come in", () => {
    const scanner = { name: "grype", version: "1" };
    const one = { scanner, imageId: null, findings: [finding({ severity: "low" }), finding({ id: "CVE-2" })] };
    const other = { scanner, imageId: null, findings: [finding({ id: "CVE-2" }), finding({ severity: "critical" })] };
    const about = { digest: "sha256:x", at: "2026-11-20T10:00:00.000Z" };
    const merged = mergeScans("web", { "linux/arm64": other, "linux/amd64": one }, about);
    assert.deepEqual(merged, mergeScans("web", { "linux/amd64": one, "linux/arm64": other }, about));
    assert.deepEqual(
      merged.findings.map((each) => each.severity),
      ["critical", "high", "low"],
    );
    assert.deepEqual(merged.platforms, ["linux/amd64", "linux/arm64"]);
    assert.deepEqual([...merged.findings].sort(compareFindings), merged.findings);
  });

  it("is summed up in a few words", () => {
    const findings = [
      finding(),
      finding({ id: "CVE-2", severity: "critical" }),
      finding({ id: "CVE-3", severity: "low" }),
    ];
    const summary = summaryOf([{ report: report(findings), digest: "sha256:r" }]);
    assert.ok(summary !== null);
    assert.equal(summaryText(summary), "1 critical, 1 high, 1 other (trivy, 2026-11-20)");
    assert.deepEqual(summary.images["web"], {
      ...{ critical: 1, high: 1, medium: 0, low: 1, negligible: 0, unknown: 0 },
      report: "sha256:r",
    });
    assert.equal(summaryOf([]), null);
    assert.equal(summaryText({ ...summary, images: {} }), "nothing known (trivy, 2026-11-20)");
  });
});
