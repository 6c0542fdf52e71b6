import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { expandChecks, nextJobs, passed, selectJobs, unmetNeeds } from "../../src/checks/graph.ts";
import type { CheckJob, JobOutcome } from "../../src/checks/types.ts";
import { ShiplockError } from "../../src/errors.ts";
import { check, checks } from "./samples.ts";

/** Checks that need only earlier ones in `order`, listed in another order, some with a matrix. */
const graphs = fc
  .array(fc.record({ needs: fc.array(fc.nat(9)), width: fc.integer({ min: 1, max: 3 }), place: fc.nat() }), {
    minLength: 1,
    maxLength: 10,
  })
  .map((all) => {
    const made = all.map(({ needs, width, place }, index) => ({
      place,
      check: check(`c${index}`, {
        needs: [...new Set(needs.filter((need) => need < index).map((need) => `c${need}`))],
        matrix: width === 1 ? {} : { N: Array.from({ length: width }, (_, value) => String(value)) },
      }),
    }));
    return checks(...made.sort((left, right) => left.place - right.place).map((one) => one.check));
  });

const ends = fc.constantFrom<JobOutcome>("passed", "passed", "passed", "cached", "failed", "timed-out");

/** Runs all jobs: whatever may start is started, and those that run end in any order with any outcome. */
function run(
  jobs: readonly CheckJob[],
  limit: number,
  choose: { end: () => JobOutcome; which: () => number },
): { outcomes: Map<string, JobOutcome>; started: string[]; most: number } {
  const outcomes = new Map<string, JobOutcome>();
  const running = new Set<string>();
  const started: string[] = [];
  let most = 0;
  for (;;) {
    const { start, skip } = nextJobs(jobs, outcomes, running, limit);
    for (const job of skip) {
      assert.ok(unmetNeeds(job, outcomes).length > 0 || skip.some((other) => job.needs.includes(other.id)));
      assert.ok(!started.includes(job.id) && !outcomes.has(job.id));
    }
    for (const job of skip) outcomes.set(job.id, "skipped");
    for (const job of start) {
      assert.ok(!started.includes(job.id) && !outcomes.has(job.id), "started once");
      assert.ok(
        job.needs.every((need) => passed(outcomes.get(need))),
        "after all its needs",
      );
      running.add(job.id);
      started.push(job.id);
    }
    most = Math.max(most, running.size);
    const ending = [...running][choose.which() % Math.max(1, running.size)];
    if (ending === undefined) return { outcomes, started, most };
    running.delete(ending);
    outcomes.set(ending, choose.end());
  }
}

describe("checks as a graph", () => {
  it("every job ends started or skipped, none before its needs, and never more than the limit run", () => {
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 4 }), fc.gen(), (all, limit, gen) => {
        const jobs = expandChecks(all);
        const { outcomes, most } = run(jobs, limit, { end: () => gen(() => ends), which: () => gen(fc.nat) });
        assert.equal(outcomes.size, jobs.length);
        assert.ok(most <= limit);
        for (const job of jobs) {
          const skipped = outcomes.get(job.id) === "skipped";
          assert.equal(skipped, !job.needs.every((need) => passed(outcomes.get(need))), "skipped exactly for a need");
        }
      }),
    );
  });

  it("what could start together starts in the order of the file", () => {
    fc.assert(
      fc.property(graphs, fc.integer({ min: 1, max: 4 }), (all, limit) => {
        const jobs = expandChecks(all);
        const { start } = nextJobs(jobs, new Map(), new Set(), limit);
        const free = jobs.filter((job) => job.needs.length === 0);
        assert.deepEqual(start, free.slice(0, limit));
      }),
    );
  });

  it("the first failure stops what depends on it, also through others, and nothing else", () => {
    const jobs = expandChecks(
      checks(
        check("report", { needs: ["test"] }),
        check("lint", { required: false }),
        check("test", { needs: ["lint"] }),
        check("audit"),
      ),
    );
    const { start, skip } = nextJobs(jobs, new Map([["lint", "failed"]]), new Set(), 4);
    assert.deepEqual(
      { start: start.map(({ id }) => id), skip: skip.map(({ id }) => id) },
      { start: ["audit"], skip: ["report", "test"] },
    );
  });

  it("an answer from the cache counts as passed, and a full machine starts nothing", () => {
    const jobs = expandChecks(checks(check("lint"), check("test", { needs: ["lint"] })));
    assert.deepEqual(
      nextJobs(jobs, new Map([["lint", "cached"]]), new Set(), 1).start.map(({ id }) => id),
      ["test"],
    );
    assert.deepEqual(nextJobs(jobs, new Map([["lint", "cached"]]), new Set(["other"]), 1).start, []);
  });
});

describe("a matrix", () => {
  const [first, ...others] = expandChecks(
    checks(
      check("test", {
        matrix: { NODE: ["22", "24"], DB: ["17", "18"] },
        place: { kind: "container", image: "node:${NODE}-slim" },
        env: { URL: "postgres://db${DB}/x", PRICE: "5$$" },
        services: [
          {
            name: "db",
            image: "postgres:${DB}",
            env: { V: "${DB}" },
            command: undefined,
            health: undefined,
            startPeriodMs: 1000,
          },
        ],
      }),
      check("e2e", { needs: ["test"] }),
    ),
  );

  it("runs once for every combination, the first variable slowest, and what needs it waits for all", () => {
    const all = ["test (NODE=22, DB=17)", "test (NODE=22, DB=18)", "test (NODE=24, DB=17)", "test (NODE=24, DB=18)"];
    assert.deepEqual([first?.id, ...others.map(({ id }) => id)], [...all, "e2e"]);
    assert.deepEqual(others.at(-1)?.needs, all);
  });

  it("fills its values in, and gives them to the check as variables", () => {
    assert.deepEqual(first?.matrix, { NODE: "22", DB: "17" });
    assert.deepEqual(first.check.place, { kind: "container", image: "node:22-slim" });
    assert.deepEqual(first.check.env, { URL: "postgres://db17/x", PRICE: "5$", NODE: "22", DB: "17" });
    assert.deepEqual([first.check.services[0]?.image, first.check.services[0]?.env], ["postgres:17", { V: "17" }]);
  });
});

describe("naming checks", () => {
  const selected = (of: ReturnType<typeof checks>, names: readonly string[], ...handed: string[]): string[] =>
    selectJobs(of, names, new Set(handed)).map(({ id }) => id);
  const all = checks(
    check("e2e", { needs: ["test"] }),
    check("lint"),
    check("test", { needs: ["build"] }),
    check("build"),
  );

  it("takes what they need along, in the order of the file", () => {
    assert.deepEqual(selected(all, ["test"]), ["test", "build"]);
    assert.deepEqual(selected(all, ["lint", "e2e"]), ["e2e", "lint", "test", "build"]);
    assert.deepEqual(selected(all, []), ["e2e", "lint", "test", "build"]);
  });

  it("one run of a matrix is named by its values, and needs what the check needs", () => {
    const matrix = { DB: ["16", "17"], JS: ["x"] };
    const tested = checks(check("lint"), check("test", { needs: ["lint"], matrix }));
    assert.deepEqual(selected(tested, ["test (DB=17, JS=x)"]), ["lint", "test (DB=17, JS=x)"]);
    assert.deepEqual(selected(tested, ["test"]), ["lint", "test (DB=16, JS=x)", "test (DB=17, JS=x)"]);
    assert.throws(() => selectJobs(tested, ["test (DB=18, JS=x)"]), { code: "check/unknown" });
  });

  it("what was handed over is not run again, nor what that alone needs, unless it is named", () => {
    assert.deepEqual(selected(all, ["e2e"], "test"), ["e2e"]);
    assert.deepEqual(selected(all, ["e2e", "build"], "test"), ["e2e", "build"]);
    assert.deepEqual(selected(all, ["test"], "test"), ["test", "build"]);
  });

  it("an unknown one is refused with the nearest name", () => {
    const refusal = (names: readonly string[]) => {
      try {
        selectJobs(all, names);
      } catch (error) {
        if (error instanceof ShiplockError) return [error.code, error.blame, error.message, error.remedy];
      }
      return assert.fail("not refused");
    };
    assert.deepEqual(refusal(["tset"]), ["check/unknown", "usage", 'there is no check "tset"', 'did you mean "test"?']);
    assert.deepEqual(refusal(["constructor"]).at(-1), "the checks are e2e, lint, test, build");
  });
});
