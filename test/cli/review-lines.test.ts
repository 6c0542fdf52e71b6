import assert from "node:assert/strict";
import { it } from "node:test";
import { checklistShort, checklistWords } from "../../src/cli/checklist-lines.ts";
import type { Paint } from "../../src/cli/output.ts";
import { requestLines } from "../../src/cli/request-lines.ts";
import type { ChecklistRow } from "../../src/environments/checklist.ts";
import { withDueReview, withReviewed } from "../../src/environments/emergency/reviews.ts";
import { emptyState } from "../../src/environments/record/changes.ts";

const paint: Paint = {
  bold: (text) => text,
  dim: (text) => text,
  cyan: (text) => text,
  green: (text) => `green(${text})`,
  yellow: (text) => `yellow(${text})`,
  red: (text) => `red(${text})`,
};

it("status shows an emergency that nobody has looked at, in red once it is overdue, and no more once somebody has", () => {
  const ada = { name: "ada", aliases: [], source: "local" } as const;
  const due = withDueReview(emptyState("shop", "production"), {
    ...{ deployment: "d-2", release: "r-v2", by: ada, reason: "the shop is down", at: "2026-11-20T10:00:00.000Z" },
    ...{ passed: [], dueBy: "2026-11-21T10:00:00.000Z", reviewed: null },
  });
  const linesOf = (state: typeof due, day: string): string[] =>
    requestLines({ state, gone: new Set(), reviewers: undefined, now: new Date(day) }, paint);
  assert.match(linesOf(due, "2026-11-21").join("\n"), /^yellow\(the emergency d-2 .* due by 2026-11-21T10:00/);
  assert.match(linesOf(due, "2026-11-22").join("\n"), /^red\(the emergency d-2 .* overdue since 2026-11-21T10:00/);
  const reviewed = withReviewed(due, "d-2", { ...ada, name: "grace" }, "2026-11-21", "right call");
  assert.deepEqual(linesOf(reviewed, "2026-11-22"), []);
});

it("a deployment shows of its checklist what is not plain ok before it begins, and status the whole in a line", () => {
  const rows: ChecklistRow[] = [
    { item: "checks", state: "passed-by-emergency", text: "lint failed" },
    { item: "scan", state: "ok", text: "nothing that blocks" },
    { item: "coverage", state: "not-asked", text: "no check measures it" },
    { item: "drift", state: "not-ok", text: "web: 1 of 2" },
  ];
  assert.deepEqual(checklistShort(rows, { paint }), [
    "  not plain ok",
    "    red(checks, passed as an emergency:) lint failed",
    "    yellow(drift:) web: 1 of 2",
    "  not asked for: coverage",
  ]);
  assert.deepEqual(checklistShort(rows.slice(1, 2), { paint }), []);
  assert.equal(
    checklistWords(rows, { paint }),
    "1 ok; yellow(not ok: drift); red(passed as an emergency: checks); not asked for: coverage",
  );
});
