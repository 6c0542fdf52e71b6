import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { resolveEnvironment } from "../../src/config/environment.ts";
import { load, problemsIn, VALID } from "./example.ts";

/** The valid configuration with a scan, and with what an environment says about it. */
function scanned(scan: string, environment = ""): string {
  return `${VALID}${environment === "" ? "" : `    scan: ${environment}\n`}scan: ${scan}\n`;
}

const policyOf = (text: string) => resolveEnvironment(load(text), "staging").scan;

describe("what an environment demands of the images", () => {
  it("nothing is scanned where nothing is said", () => {
    assert.equal(policyOf(VALID), undefined);
  });

  it("CRITICAL and HIGH block unless it is said otherwise", () => {
    assert.deepEqual(policyOf(scanned("{ with: trivy }")), {
      with: "trivy",
      block: ["critical", "high"],
      onlyFixed: false,
      ignore: [],
      timeoutMs: 600_000,
    });
  });

  it("an environment is stricter or less strict than the project, with the project's scanner and exceptions", () => {
    const ignore = "[{ id: CVE-2026-1, reason: never called, until: 2027-01-31, package: zlib }]";
    const policy = policyOf(
      scanned(`{ with: grype, onlyFixed: true, timeout: 30s, ignore: ${ignore} }`, "{ block: [LOW] }"),
    );
    assert.deepEqual(policy, {
      with: "grype",
      block: ["low"],
      onlyFixed: true,
      ignore: [{ id: "CVE-2026-1", reason: "never called", until: "2027-01-31", package: "zlib" }],
      timeoutMs: 30_000,
    });
  });

  it("off is a word in YAML and false says the same; both also without a scan of the project", () => {
    for (const word of ["off", '"off"', "false"]) {
      assert.equal(policyOf(scanned("{ with: trivy }", word)), "off");
      assert.equal(policyOf(`${VALID}    scan: ${word}\n`), "off");
    }
  });

  it("an exception without a reason, without a day, or with a day that does not exist is refused", () => {
    const problems = (entry: string) => problemsIn(scanned(`{ with: trivy, ignore: [${entry}] }`)).join("\n");
    assert.match(problems("{ id: CVE-1, until: 2027-01-31 }"), /scan\.ignore\[0\].*reason/);
    assert.match(problems('{ id: CVE-1, until: 2027-01-31, reason: "" }'), /reason: must not be empty/);
    assert.match(problems("{ id: CVE-1, reason: x }"), /scan\.ignore\[0\].*until/);
    assert.match(problems("{ id: CVE-1, reason: x, until: 2027-02-30 }"), /until: is no day of the calendar/);
    assert.match(problems("{ id: CVE-1, reason: x, until: next year }"), /until: must be a day such as "2027-01-31"/);
    assert.match(
      problems("{ id: CVE-1, reason: x, until: 2027-01-31 }, { id: CVE-1, reason: y, until: 2027-01-31 }"),
      /"CVE-1" is in the list already/,
    );
  });

  it("a severity that does not exist, and an environment's scan without a scanner, are refused", () => {
    assert.match(problemsIn(scanned("{ with: trivy, block: [SEVERE] }")).join("\n"), /scan\.block\[0\]: .*CRITICAL/);
    assert.match(problemsIn(scanned("{ with: snyk }")).join("\n"), /scan\.with: .*trivy/);
    assert.match(problemsIn(`${VALID}    scan: { block: [LOW] }\n`).join("\n"), /needs the key scan at the top/);
  });
});
