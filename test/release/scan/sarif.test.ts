import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeScan } from "../../../src/release/scan/judge.ts";
import { sarifOf } from "../../../src/release/scan/sarif.ts";
import { finding, policy, report } from "./reports.ts";

type Log = {
  version: string;
  $schema: string;
  runs: {
    tool: {
      driver: {
        name: string;
        version?: string;
        rules: { id: string; helpUri?: string; properties: Record<string, unknown> }[];
      };
    };
    automationDetails: { id: string };
    results: {
      ruleId: string;
      ruleIndex: number;
      level: string;
      message: { text: string };
      locations: { physicalLocation: { artifactLocation: { uri: string } } }[];
      suppressions?: { kind: string; status: string; justification: string }[];
      partialFingerprints: Record<string, string>;
    }[];
  }[];
};

const bad = finding({ severity: "critical", id: "CVE-2", package: "left hand", target: "/app/../app/node modules/x" });
const reports = [
  report([bad, finding(), finding({ package: "zlib-dev", severity: "low" })], { image: "web" }),
  report([], { image: "api" }),
];
const log = (findings = reports, ignored = judgeScan(findings, policy(), "2026-11-21").ignored) =>
  JSON.parse(sarifOf(findings, ignored)) as Log;

describe("SARIF", () => {
  it("has one run for each image, sorted, also for one in which nothing was found", () => {
    const { version, $schema, runs } = log();
    assert.equal(version, "2.1.0");
    assert.ok(URL.canParse($schema));
    assert.deepEqual(
      runs.map((run) => run.automationDetails.id),
      ["shiplock/api/", "shiplock/web/"],
    );
    assert.deepEqual(
      runs.map((run) => run.results.length),
      [0, 3],
    );
    assert.deepEqual([runs[1]?.tool.driver.name, runs[1]?.tool.driver.version], ["Trivy", "0.68.1"]);
  });

  it("every result names a rule that is there, a level, a relative address, and a fingerprint of its own", () => {
    const [, run] = log().runs;
    assert.ok(run !== undefined);
    for (const result of run.results) {
      assert.equal(run.tool.driver.rules[result.ruleIndex]?.id, result.ruleId);
      assert.ok(["error", "warning", "note"].includes(result.level));
      assert.match(result.locations[0]?.physicalLocation.artifactLocation.uri ?? "", /^web\/[\x21-\x7e]+$/);
    }
    assert.deepEqual(
      run.results.map(({ level }) => level),
      ["error", "error", "note"],
    );
    assert.equal(run.results[0]?.locations[0]?.physicalLocation.artifactLocation.uri, "web/app/app/node%20modules/x");
    assert.equal(
      run.results[0]?.message.text,
      "CVE-2 (critical) in left hand 1.0 of the image web; fixed in 1.1: zlib: overflow",
    );
    const prints = run.results.map((each) => each.partialFingerprints["shiplockFinding/v1"]);
    assert.equal(new Set(prints).size, 3);
  });

  it("a rule is as bad as its worst finding, for whoever sorts by number", () => {
    const [, run] = log().runs;
    const scores = run?.tool.driver.rules.map(({ id, properties }) => [id, properties["security-severity"]]);
    assert.deepEqual(scores, [
      ["CVE-2", "9.5"],
      ["CVE-2026-1", "8.0"],
    ]);
  });

  it("what is let through is suppressed with its reason and day", () => {
    const ignore = [{ id: "CVE-2", package: undefined, reason: "not reachable", until: "2027-01-31" }];
    const verdict = judgeScan(reports, policy({ ignore }), "2026-11-21");
    const [, run] = log(reports, verdict.ignored).runs;
    assert.deepEqual(run?.results[0]?.suppressions, [
      { kind: "external", status: "accepted", justification: "not reachable (until 2027-01-31)" },
    ]);
    assert.equal(run?.results[1]?.suppressions, undefined);
  });

  it("the same reports give the same text", () => {
    assert.equal(sarifOf(reports, []), sarifOf(reports.toReversed(), []));
  });
});
