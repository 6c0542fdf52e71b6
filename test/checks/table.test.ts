import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type CheckRow, checkTable, durationText, renderTable } from "../../src/checks/table.ts";

const plain = (text: string): string => text;
const noColour = { dim: plain, green: plain, red: plain };
const inColour = {
  dim: (text: string) => `\u001b[2m${text}\u001b[22m`,
  green: (text: string) => `\u001b[32m${text}\u001b[39m`,
  red: (text: string) => `\u001b[31m${text}\u001b[39m`,
};

function row(id: string, changes: Partial<CheckRow> = {}): CheckRow {
  return { id, outcome: "passed", reason: "", durationMs: 1_234, reports: null, required: true, ...changes };
}

const nothing = { tests: null, coverage: null, warnings: null };

describe("the table at the end of a run", () => {
  it("tells every check's result, time and figures", () => {
    const rows = [
      row("lint", {
        outcome: "cached",
        durationMs: 12,
        reports: { ...nothing, warnings: { warnings: 2, errors: 1, files: [] } },
      }),
      row("test (NODE=22, DB=17)", {
        outcome: "failed",
        durationMs: 185_000,
        reason: "2 of 14 tests failed (report.xml)",
        reports: {
          ...nothing,
          tests: { tests: 14, failed: 2, skipped: 1, durationMs: 1, failures: [] },
          coverage: { percent: 71.46, leastCovered: [] },
        },
      }),
      row("audit", { outcome: "timed-out", durationMs: 600_000, required: false, reason: "longer than 10 min" }),
      row("größe", { outcome: "skipped", durationMs: null, reason: "test (NODE=22, DB=17) failed" }),
      row("e2e", { outcome: "cancelled", durationMs: 59_999 }),
    ];
    assert.deepEqual(renderTable(checkTable(rows), noColour), [
      "check                  result                      duration  tests                           coverage  warnings  why",
      "lint                   cached                         12 ms                                                   3",
      "test (NODE=22, DB=17)  failed                     3 min 5 s  2 failed, 11 passed, 1 skipped    71.4 %            2 of 14 tests failed (report.xml)",
      "audit                  timed out (not required)  10 min 0 s                                                      longer than 10 min",
      "größe                  skipped                                                                                   test (NODE=22, DB=17) failed",
      "e2e                    cancelled                  1 min 0 s",
    ]);
  });

  it("leaves out what no check has anything to say about", () => {
    assert.deepEqual(checkTable([row("lint")]).heading, ["check", "result", "duration"]);
  });

  it("a reason of several lines stays in its row", () => {
    const lines = renderTable(checkTable([row("lint", { reason: "no image:\n  cannot be pulled" })]), noColour);
    assert.equal(lines[1], "lint   passed     1.2 s  no image: cannot be pulled");
  });

  it("columns begin in one place in every line, and colours do not move them", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "ä", "e\u0301", " b", "🚢") });
    const rows = fc.array(
      fc.record({ id: text.map((id) => `x${id}`), reason: text.map((reason) => `because${reason}`) }),
      { minLength: 1 },
    );
    fc.assert(
      fc.property(rows, (all) => {
        const table = checkTable(all.map(({ id, reason }) => row(id, { reason })));
        const lines = renderTable(table, noColour);
        const before = (line: string): number =>
          [...new Intl.Segmenter().segment(line.slice(0, line.lastIndexOf("passed")))].length;
        assert.equal(new Set(lines.slice(1).map(before)).size, 1, lines.join("\n"));
        const uncoloured = renderTable(table, inColour).map((line) => line.replaceAll(/\u001b\[\d+m/g, ""));
        assert.deepEqual(uncoloured, lines);
      }),
    );
  });

  for (const [milliseconds, expected] of [
    [0, "0 ms"],
    [999.4, "999 ms"],
    [1_000, "1.0 s"],
    [59_949, "59.9 s"],
    [59_950, "1 min 0 s"],
    [185_400, "3 min 5 s"],
  ] as const) {
    it(`${milliseconds} ms are ${expected}`, () => {
      assert.equal(durationText(milliseconds), expected);
    });
  }
});
