import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { type Outcome, readFeatures, states, unprovenFeatures } from "./features.ts";

const table = (state: string, proof: string): string =>
  `# Features\n\n| row | state | what | proof |\n|---|---|---|---|\n| 1.1 | ${state} | configuration | ${proof} |\n`;
const passed: Outcome = { name: "a key is refused", suites: ["configuration"], result: "passed" };
const problemsOf = (state: string, proof: string, outcomes: readonly Outcome[]): string[] =>
  unprovenFeatures(readFeatures(table(state, proof)), outcomes);

describe("the table of features", () => {
  it("is proven when every test it names ran and passed", () => {
    assert.deepEqual(problemsOf("works", "`a key is refused`", [passed]), []);
    assert.deepEqual(problemsOf("works", "see `configuration > a key is refused`", [passed]), []);
    assert.deepEqual(problemsOf("not yet", "", []), []);
  });

  it("is not believed when a named test did not run, failed or was skipped", () => {
    const where = "docs/features.md:5: 1.1";
    assert.deepEqual(problemsOf("works", "`another`", [passed]), [`${where} names a test that did not run: another`]);
    assert.deepEqual(problemsOf("partly", "`a key is refused`", [passed, { ...passed, result: "failed" }]), [
      `${where} names a test that failed: a key is refused`,
    ]);
    assert.deepEqual(problemsOf("works", "`a key is refused`", [{ ...passed, result: "skipped" }]), [
      `${where} names a test that was skipped: a key is refused`,
    ]);
    assert.deepEqual(problemsOf("works", "", [passed]), [`${where} works, and no test is named`]);
    assert.deepEqual(problemsOf("nearly", "", []), [`${where} is "nearly"`]);
  });

  it("has every row once, in order, with a state it explains", () => {
    const features = readFeatures(readFileSync(new URL("../../docs/features.md", import.meta.url), "utf8"));
    const rows = features.map(({ row }) => row.split(".").map(Number));
    const expected = rows.toSorted(([a = 0, b = 0], [c = 0, d = 0]) => a - c || b - d);
    assert.deepEqual(rows, expected);
    assert.equal(new Set(features.map(({ row }) => row)).size, features.length);
    for (const { row, state } of features) assert.ok((states as readonly string[]).includes(state), `${row}: ${state}`);
    const sections = new Set(rows.map(([section]) => section));
    assert.deepEqual(
      [...sections],
      Array.from({ length: 17 }, (_, index) => index + 1),
    );
  });
});
