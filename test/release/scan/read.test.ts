import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readGrype } from "../../../src/release/scan/grype.ts";
import { readTrivy } from "../../../src/release/scan/trivy.ts";
import type { Scanned } from "../../../src/release/scan/types.ts";
import { reportText } from "./reports.ts";

/** What decides, as one line for each finding. */
function lines({ findings }: Scanned): string[] {
  return findings.map(({ kind, id, severity, place, package: name, version, fixedIn }) =>
    [kind, id, severity, place, name, version, fixedIn].join(" ").trimEnd(),
  );
}

describe("a report of Trivy", () => {
  it("of schema version 2 gives the findings in packages of the system and of a language", () => {
    const read = readTrivy(reportText("trivy-2-os-and-language"));
    assert.deepEqual(lines(read), [
      "vulnerability CVE-2026-1001 high os libexample1 1.2-3 1.2-4",
      "vulnerability CVE-2011-3374 low os apt 2.6.1",
      "vulnerability CVE-2026-2002 critical language left-hand 4.1.0 4.1.1, 5.0.2",
    ]);
    assert.deepEqual(read.scanner, { name: "trivy", version: "0.68.1" });
    assert.equal(read.imageId, `sha256:${"1".repeat(64)}`);
    assert.equal(read.findings[2]?.target, "app/node_modules/left-hand/package.json");
  });

  it("gives the findings of the image itself, and of a secret never the line it stands in", () => {
    const read = readTrivy(reportText("trivy-2-image"));
    assert.deepEqual(lines(read), [
      "secret aws-access-key-id critical image",
      "misconfiguration DS-0002 high image",
      "licence Custom-1 unknown image thing",
    ]);
    assert.ok(!JSON.stringify(read).includes("nobody-may-see-this"));
  });

  it("of the form before 0.20 is a list of results", () => {
    assert.deepEqual(lines(readTrivy(reportText("trivy-before-0.20"))), [
      "vulnerability CVE-2020-1967 high os libssl1.1 1.1.1f-r0 1.1.1g-r0",
      "vulnerability NSWG-ECO-516 unknown language lodash 4.17.4",
    ]);
  });

  it("of an image in which it knows nothing has no results, and that is a report", () => {
    assert.deepEqual(readTrivy('{"SchemaVersion":2,"ArtifactType":"container_image"}').findings, []);
  });

  it("that is none is refused: other versions, other things, severities nobody knows", () => {
    const whole = reportText("trivy-2-os-and-language");
    for (const text of [
      "",
      "{}",
      "null",
      '"fine"',
      "[1]",
      '{"SchemaVersion":3,"Results":[]}',
      whole.slice(0, -20),
      whole.replace('"container_image"', '"filesystem"'),
      whole.replace('"Severity": "HIGH"', '"Severity": "SEVERE"'),
      whole.replace('"Severity": "HIGH",', ""),
      whole.replace('"VulnerabilityID": "CVE-2026-1001",', ""),
      whole.replace(/"Vulnerabilities": \[/, '"Vulnerabilities": ["x",'),
      reportText("grype-0.104"),
    ])
      assert.throws(() => readTrivy(text), { code: "scan/unreadable", blame: "gate" }, text.slice(0, 60));
  });
});

describe("a report of Grype", () => {
  it("gives the findings, with the versions that mend them", () => {
    const read = readGrype(reportText("grype-0.104"));
    assert.deepEqual(lines(read), [
      "vulnerability CVE-2026-1001 high os libexample1 1.2-3 1.2-4",
      "vulnerability GHSA-xxxx-yyyy-zzzz critical language Django 4.2.0",
      "vulnerability CVE-2026-3003 unknown os zlib1g 1:1.2.13",
      "vulnerability CVE-2005-2541 negligible os tar 1.34",
    ]);
    assert.deepEqual(read.scanner, { name: "grype", version: "0.104.1" });
    assert.equal(read.imageId, `sha256:${"1".repeat(64)}`);
    assert.equal(read.findings[0]?.title, "A heap overflow in libexample.");
  });

  it("of an early version names the version that mends it in one word", () => {
    const read = readGrype(reportText("grype-0.7"));
    assert.deepEqual(lines(read), ["vulnerability CVE-2020-8177 medium os curl 7.64.0-4+deb10u1 7.64.0-4+deb10u2"]);
    assert.equal(read.imageId, null);
  });

  it("without matches is a report; anything else is none", () => {
    const descriptor = { name: "grype", version: "0.104.1" };
    for (const matches of [[], null]) assert.deepEqual(readGrype(JSON.stringify({ matches, descriptor })).findings, []);
    const whole = reportText("grype-0.104");
    for (const text of [
      "",
      "{}",
      '{"matches":[]}',
      JSON.stringify({ descriptor }),
      JSON.stringify({ matches: [], descriptor: { name: "syft" } }),
      whole.slice(10),
      whole.replace('"severity": "High"', '"severity": "Worst"'),
      reportText("trivy-2-os-and-language"),
    ])
      assert.throws(() => readGrype(text), { code: "scan/unreadable" }, text.slice(0, 60));
  });
});
