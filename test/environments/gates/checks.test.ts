import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { type CheckFacts, judgeChecks } from "../../../src/environments/gates/checks.ts";
import type { CheckJobEntry, CheckRunEntry } from "../../../src/ledger/types.ts";

const commit = "c0ffee1234567890";

function job(name: string, result: CheckJobEntry["result"]): CheckJobEntry {
  const reason = result === "passed" ? null : "it ended with exit code 1";
  return { job: name, check: name, result, cached: false, required: true, durationMs: 1, reason, summary: null };
}

function run(endedAt: number, jobs: readonly CheckJobEntry[], change: Partial<CheckRunEntry> = {}): CheckRunEntry {
  const who = { who: "ada", origin: "laptop" };
  const times = { startedAt: endedAt - 1, endedAt };
  const bound = { project: "shop", commit, source: "commit", definitions: "d1" };
  return { id: `r${endedAt}`, ...bound, ...who, ...times, result: "passed", jobs, ...change };
}

function facts(change: Partial<CheckFacts> = {}): CheckFacts {
  return { commit, source: "commit", definitions: "d1", required: ["lint", "test"], runs: [], recorded: [], ...change };
}

const allPassed = [job("lint", "passed"), job("test", "passed")];

describe("the gate of checks", () => {
  it("lets through what passed all of its required checks, and says which for the release", () => {
    const { decision, passed } = judgeChecks(facts({ runs: [run(1000, allPassed)] }));
    assert.equal(decision.answer, "pass");
    assert.deepEqual(passed, { definitions: "d1", passed: ["lint", "test"], at: "1970-01-01T00:00:01.000Z" });
  });

  it("keeps for the release what the checks measured of coverage", () => {
    const measured = {
      ...job("test", "passed"),
      summary: { tests: null, coverage: { percent: 81.5 }, warnings: null },
    };
    const { passed } = judgeChecks(facts({ runs: [run(1000, [job("lint", "passed"), measured])] }));
    assert.deepEqual(passed?.coverage, { test: 81.5 });
  });

  it("puts together what several runs say, and the newest word counts", () => {
    const [lint, test] = allPassed as [CheckJobEntry, CheckJobEntry];
    assert.equal(judgeChecks(facts({ runs: [run(1, [lint]), run(2, [test])] })).decision.answer, "pass");
    const failed = judgeChecks(facts({ runs: [run(3, [job("test", "timed-out")]), run(2, allPassed)] }));
    assert.equal(failed.decision.answer, "block");
    assert.match(failed.decision.reason, /test timed out \(it ended with exit code 1\)/);
    assert.equal(
      judgeChecks(facts({ runs: [run(4, allPassed), run(3, [job("test", "failed")])] })).decision.answer,
      "pass",
    );
    const silent = [run(5, [job("test", "cancelled"), job("lint", "skipped")]), run(4, allPassed)];
    assert.equal(judgeChecks(facts({ runs: silent })).decision.answer, "pass", "an interrupted run says nothing");
  });

  it("blocks what is unknown, and says what to run", () => {
    const { decision } = judgeChecks(facts({ runs: [run(1, [job("lint", "passed")])] }));
    assert.equal(decision.answer, "block");
    assert.match(decision.reason, /nothing is known about test$/);
    assert.match(
      decision.answer === "block" ? decision.remedy : "",
      /`shiplock check --ref c0ffee123456`, or add --check/,
    );
  });

  it("blocks results of other definitions, and of other files", () => {
    const other = judgeChecks(facts({ definitions: "d2", runs: [run(1, allPassed)] }));
    assert.match(other.decision.reason, /are of other definitions of the checks than the commit has/);
    const dirty = judgeChecks(facts({ source: "tree-hash", runs: [run(1, allPassed)] }));
    assert.match(dirty.decision.reason, /are of other files/);
    assert.match(dirty.decision.answer === "block" ? dirty.decision.remedy : "", /shiplock check --dirty/);
    const same = judgeChecks(facts({ source: "tree-hash", runs: [run(1, allPassed, { source: "tree-hash" })] }));
    assert.equal(same.decision.answer, "pass");
  });

  it("takes the release's own word where this machine knows nothing, but not against what it knows", () => {
    const recorded = [{ definitions: "d1", passed: ["lint", "test"], at: "2026-11-20T10:00:00.000Z" }];
    const trusted = judgeChecks(facts({ recorded }));
    assert.equal(trusted.decision.answer, "pass");
    assert.deepEqual(trusted.passed, recorded[0]);
    assert.equal(judgeChecks(facts({ recorded, definitions: "d2" })).decision.answer, "block");
    assert.equal(judgeChecks(facts({ recorded, required: ["lint", "e2e"] })).decision.answer, "block");
    assert.equal(judgeChecks(facts({ recorded, runs: [run(1, [job("test", "failed")])] })).decision.answer, "block");
  });

  it("demands nothing where nothing is required", () => {
    const { decision, passed } = judgeChecks(facts({ required: [] }));
    assert.equal(decision.answer, "pass");
    assert.equal(passed, null);
  });

  it("never passes unless of every required check the newest word is that it passed, for the same files and definitions", () => {
    const result = fc.constantFrom<CheckJobEntry["result"]>("passed", "failed", "timed-out", "skipped", "cancelled");
    const entry = fc.record({ name: fc.constantFrom("a", "b", "c"), result }).map((one) => job(one.name, one.result));
    const runs = fc.uniqueArray(
      fc
        .record({
          at: fc.integer({ min: 1, max: 50 }),
          jobs: fc.uniqueArray(entry, { selector: (one) => one.job, maxLength: 3 }),
          source: fc.constantFrom("commit", "tree"),
          definitions: fc.constantFrom("d1", "d2"),
        })
        .map(({ at, jobs, source, definitions }) => run(at, jobs, { source, definitions })),
      { selector: (one) => one.endedAt, maxLength: 8 },
    );
    fc.assert(
      fc.property(runs, fc.subarray(["a", "b", "c"], { minLength: 1 }), (all, required) => {
        const { decision } = judgeChecks(facts({ runs: all, required }));
        const expected = required.every((name) => {
          const words = all
            .filter((one) => one.source === "commit" && one.definitions === "d1")
            .toSorted((left, right) => left.endedAt - right.endedAt)
            .flatMap((one) => one.jobs.filter((each) => each.job === name).map((each) => each.result))
            .filter((word) => word !== "skipped" && word !== "cancelled");
          return words.at(-1) === "passed";
        });
        assert.equal(decision.answer, expected ? "pass" : "block");
      }),
    );
  });
});
