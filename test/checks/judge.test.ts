import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { judgeReports, percentText } from "../../src/checks/judge.ts";
import type { CoverageSummary, FoundReports, TestSummary, WarningSummary } from "../../src/checks/types.ts";

const nothing: FoundReports = { commandPassed: true, tests: [], coverage: null, warnings: null };
const thresholds = {
  coverage: { file: "coverage.xml", format: undefined, atLeast: 80 },
  warnings: { file: "eslint.json", format: undefined, atMost: 0 },
} as const;

function failures(found: Partial<FoundReports>, check: Parameters<typeof judgeReports>[0] = thresholds) {
  return judgeReports(check, { ...nothing, ...found }).failures;
}

function covered(percent: number | null, leastCovered: CoverageSummary["leastCovered"] = []) {
  return { kind: "read", file: "coverage.xml", summary: { percent, leastCovered } } as const;
}

function warned(summary: WarningSummary) {
  return { kind: "read", file: "eslint.json", summary } as const;
}

function tested(changes: Partial<TestSummary>, file = "report.xml") {
  const summary: TestSummary = { tests: 14, failed: 0, skipped: 1, durationMs: 900, failures: [], ...changes };
  return { kind: "read", file, summary } as const;
}

describe("what a check's reports mean", () => {
  it("a check that reports nothing, and one whose reports are good, does not fail by them", () => {
    assert.deepEqual(judgeReports(thresholds, nothing), {
      summary: { tests: null, coverage: null, warnings: null },
      failures: [],
    });
    const good = {
      coverage: covered(80),
      warnings: warned({ warnings: 0, errors: 0, files: [] }),
      tests: [tested({})],
    };
    assert.deepEqual(failures(good), []);
  });

  it("coverage below the threshold fails it, with the number and the files", () => {
    const least = ["shop/worker.py", "shop/mail.py", "shop/a.py", "shop/b.py"];
    const files = least.map((file, index) => ({ file, percent: 12 + index / 3 }));
    assert.deepEqual(failures({ coverage: covered(71.43, files) }), [
      "coverage 71.4 % of lines is below 80 % (coverage.xml; least covered: shop/worker.py 12 %, shop/mail.py 12.3 %, shop/a.py 12.6 %)",
    ]);
    assert.deepEqual(failures({ coverage: covered(79.99) }), ["coverage 79.9 % of lines is below 80 % (coverage.xml)"]);
    assert.deepEqual(failures({ coverage: covered(null) }), [
      "no line is measured, and 80 % have to be covered (coverage.xml)",
    ]);
    assert.deepEqual(failures({ coverage: covered(1) }, { ...thresholds, coverage: undefined }), []);
  });

  it("a shown percentage never reaches a threshold that was missed", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100_000 }), fc.nat(100_000), fc.nat(100), (lines, some, atLeast) => {
        const percent = (100 * Math.min(some, lines)) / lines;
        if (percent < atLeast) assert.ok(Number.parseFloat(percentText(percent)) < atLeast);
      }),
    );
  });

  it("more warnings than are let through fail it, with the number and the files; errors count", () => {
    const files = ["web/app/page.tsx", "b.ts", "c.ts", "d.ts"].map((file, index) => ({ file, count: 4 - index }));
    assert.deepEqual(failures({ warnings: warned({ warnings: 3, errors: 0, files: files.slice(2) }) }), [
      "3 warnings, 0 are let through (eslint.json; c.ts: 2, d.ts: 1)",
    ]);
    assert.deepEqual(
      failures(
        { warnings: warned({ warnings: 9, errors: 1, files }) },
        { ...thresholds, warnings: { file: "eslint.json", format: undefined, atMost: 1 } },
      ),
      ["1 error and 9 warnings, 1 is let through (eslint.json; web/app/page.tsx: 4, b.ts: 3, c.ts: 2, ...)"],
    );
    assert.deepEqual(failures({ warnings: warned({ warnings: 0, errors: 1, files: files.slice(3) }) }), [
      "1 error, 0 are let through (eslint.json; d.ts: 1)",
    ]);
    const many = { file: "eslint.json", format: undefined, atMost: 10 };
    assert.deepEqual(
      failures({ warnings: warned({ warnings: 9, errors: 1, files }) }, { coverage: undefined, warnings: many }),
      [],
    );
  });

  it("a failed test fails it although its command ended well; ten are named", () => {
    const named = Array.from({ length: 12 }, (_, index) => ({
      name: `test_${index}`,
      message: index === 0 ? "" : "no",
    }));
    const found = { tests: [tested({}), tested({ failed: 12, failures: named }, "more.xml")] };
    const { summary } = judgeReports(thresholds, { ...nothing, ...found });
    assert.deepEqual(failures(found), [
      "12 of 28 tests failed (more.xml)",
      "  test_0",
      ...named.slice(1, 10).map(({ name }) => `  ${name}: no`),
      "  and 2 more",
    ]);
    assert.deepEqual(summary.tests, {
      tests: 28,
      failed: 12,
      skipped: 2,
      durationMs: 1800,
      failures: named.slice(0, 10),
    });
  });

  it("a report that was not written fails it; of test results only where the command itself ended well", () => {
    const missing = {
      tests: [{ kind: "missing", file: "report.xml" }],
      coverage: { kind: "missing", file: "coverage.xml" },
      warnings: { kind: "missing", file: "eslint.json" },
    } as const;
    const others = ["coverage.xml was not written", "eslint.json was not written"];
    assert.deepEqual(failures(missing), ["report.xml was not written", ...others]);
    assert.deepEqual(failures({ ...missing, commandPassed: false }), others);
  });

  it("a report that cannot be read fails it, whatever the command did", () => {
    const tests = [{ kind: "unreadable", file: "report.xml", why: "the report cannot be read: it is empty" }] as const;
    const expected = ["report.xml: the report cannot be read: it is empty"];
    assert.deepEqual(failures({ tests }), expected);
    assert.deepEqual(failures({ tests, commandPassed: false }), expected);
  });
});
