import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readEslint } from "../../../src/checks/reports/eslint.ts";
import { readSarif } from "../../../src/checks/reports/sarif.ts";
import { fixture, refusal, text } from "./support.ts";

describe("a report of ESLint", () => {
  it("has warnings and errors by file; what a comment suppresses does not count", async () => {
    assert.deepEqual(readEslint(await fixture("eslint.json"), "eslint.json", "/src"), {
      warnings: 2,
      errors: 1,
      files: [
        { file: "web/app/page.tsx", count: 2 },
        { file: "web/app/cart.ts", count: 1 },
      ],
      findings: [
        { severity: "error", file: "web/app/cart.ts", line: 1, column: 9, message: "Parsing error: Unexpected token" },
        {
          severity: "warning",
          file: "web/app/page.tsx",
          line: 4,
          column: 7,
          message: "'price' is never used. (no-unused-vars)",
        },
        {
          severity: "warning",
          file: "web/app/page.tsx",
          line: 9,
          column: 5,
          message: "Dangerous property. (react/no-danger)",
        },
      ],
    });
  });

  it("without sums is counted message by message", () => {
    const report = '[{"filePath":"a.ts","messages":[{"severity":1},{"severity":2},{"severity":1}]}]';
    assert.deepEqual(readEslint(text(report), "e.json"), {
      warnings: 2,
      errors: 1,
      files: [{ file: "a.ts", count: 3 }],
    });
  });

  for (const [what, written, why] of [
    ["cut off", '[{"filePath":"a.ts","mess', /not JSON, or was cut off/],
    ["of another shape", '{"results":[]}', /not a list of files/],
    ["whose numbers are none", '[{"filePath":"a","messages":[],"warningCount":-1}]', /not a list of files/],
  ] as const) {
    it(`${what} is refused`, () => {
      assert.match(refusal(() => readEslint(text(written), "e.json")).message, why);
    });
  }
});

describe("a report in SARIF", () => {
  it("counts by level, which may come from the rule; suppressed, absent and harmless results and notes do not count", async () => {
    assert.deepEqual(readSarif(await fixture("findings.sarif.json"), "findings.sarif", "/src"), {
      warnings: 3,
      errors: 4,
      files: [
        { file: "(no file)", count: 5 },
        { file: "shop/db.py", count: 1 },
        { file: "shop/my db.py", count: 1 },
      ],
    });
  });

  const run = (more: string): string => `{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"x"}}${more}}]}`;

  it("says at which line a result lies, where it does", () => {
    const at = (region: string): string =>
      `{"ruleId":"sql","message":{"text":"Injection.\\nMore."},"locations":[{"physicalLocation":{"artifactLocation":{"uri":"file:///src/db.py"}${region}}}]}`;
    const results = [at(""), at(',"region":{"startLine":12,"startColumn":3}'), at(',"region":{"startLine":0}')];
    assert.deepEqual(readSarif(text(run(`,"results":[${results.join()}]`)), "s", "/src").findings, [
      { severity: "warning", file: "db.py", line: 12, column: 3, message: "Injection. (sql)" },
    ]);
  });

  it("that found nothing says so", () => {
    assert.deepEqual(readSarif(text(run(',"results":[]')), "s"), { warnings: 0, errors: 0, files: [] });
  });

  for (const [what, written, why] of [
    ["of another version", '{"version":"2.0.0","runs":[]}', /SARIF 2.0.0, and 2.1.0 is expected/],
    ["without a run", '{"version":"2.1.0","runs":[]}', /holds no run/],
    ["of a run that never looked", run(""), /no results, so it did not look/],
    ["of a run that broke off", run(',"results":[],"invocations":[{"executionSuccessful":false}]'), /not successful/],
    ["of another shape", "[]", /not SARIF/],
    ["with a level that does not exist", run(',"results":[{"level":"fatal"}]'), /not SARIF/],
  ] as const) {
    it(`${what} is refused`, () => {
      assert.match(refusal(() => readSarif(text(written), "s")).message, why);
    });
  }
});
