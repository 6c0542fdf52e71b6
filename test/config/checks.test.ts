import assert from "node:assert/strict";
import { test } from "node:test";
import { changed, load, problemsIn } from "./example.ts";

function withChecks(...lines: readonly string[]): string {
  return changed(["services:\n", `checks:\n${lines.map((line) => `  ${line}\n`).join("")}services:\n`]);
}

test("a check is complete after loading: durations in milliseconds, one form for lines and lists, values of the matrix as text", () => {
  const { checks } = load(
    withChecks(
      "lint: { image: 'node:${NODE}-slim', matrix: { NODE: [22, 24] }, run: npm run lint }",
      "test: { image: python, needs: [lint], run: [pytest], junit: report.xml, warnings: { file: w.json }, timeout: 1m30s }",
    ),
  );
  assert.deepEqual(checks["lint"]?.matrix, { NODE: ["22", "24"] });
  assert.deepEqual(checks["lint"]?.run, { kind: "shell", line: "npm run lint" });
  const { run, timeoutMs, junit, warnings, required, cached, retries } = checks["test"] ?? assert.fail("no check");
  assert.deepEqual(
    { run, timeoutMs, junit, warnings, required, cached, retries },
    {
      run: { kind: "arguments", arguments: ["pytest"] },
      timeoutMs: 90_000,
      junit: ["report.xml"],
      warnings: { file: "w.json", format: undefined, atMost: 0 },
      required: true,
      cached: true,
      retries: 0,
    },
  );
});

test("checks that wait for each other are refused, and the circle is named once", () => {
  assert.deepEqual(
    problemsIn(
      withChecks(
        "a: { image: x, run: 'true', needs: [b] }",
        "b: { image: x, run: 'true', needs: [c] }",
        "c: { image: x, run: 'true', needs: [b] }",
        "d: { image: x, run: 'true', needs: [d] }",
      ),
    ),
    [
      '8:31: checks.b.needs: no check of this circle could ever start: "b" needs "c" needs "b"',
      '10:31: checks.d.needs: no check of this circle could ever start: "d" needs "d"',
    ],
  );
});

test("a check that needs one there is not is told with the nearest name", () => {
  assert.deepEqual(problemsIn(withChecks("lint: { image: x, run: a }", "test: { image: x, run: a, needs: [lnt] }")), [
    '8:37: checks.test.needs[0]: there is no check "lnt" under checks (did you mean "lint"?)',
  ]);
});

test("only the matrix fills in a check, so that it is the same check on every machine", () => {
  assert.deepEqual(problemsIn(withChecks("lint: { image: 'node:${NODE}', run: 'echo ${HOME}' }")), [
    "7:18: checks.lint.image: NODE is no variable of the check's matrix; write the value itself, or name a secret",
  ]);
});

test("what a check's place cannot offer is refused", () => {
  assert.deepEqual(
    problemsIn(
      withChecks(
        "a: { process: true, run: x, services: { db: { image: postgres:17 } } }",
        "b: { image: x, run: x, network: host, services: { db: { image: postgres:17 } } }",
        "c: { image: x, process: true, run: x }",
        "d: { image: x, run: x, artifacts: [../secrets] }",
      ),
    ).map((line) => line.replace(/^\d+:\d+: /, "")),
    [
      "checks.a.services: needs a container: give the check an image instead of process",
      "checks.b.services: cannot be reached by name with network: host",
      "checks.c.process: takes only one of the keys image or process, found image and process",
      'checks.d.artifacts[0]: must be a path below the check\'s directory, without ".." and not starting with "/", found "../secrets"',
    ],
  );
});

test("a matrix of more than 256 combinations is a slip of the pen", () => {
  const values = `[${Array.from({ length: 17 }, (_, index) => index).join(", ")}]`;
  assert.deepEqual(problemsIn(withChecks(`a: { image: x, run: x, matrix: { A: ${values}, B: ${values} } }`)), [
    "7:26: checks.a.matrix: has 289 combinations; 256 are the most",
  ]);
});

test("names that differ in case alone are refused: to GitHub, and to some file systems, they are one", () => {
  const [problem, ...more] = problemsIn(
    withChecks("lint: { process: true, run: npm run lint }", "Lint: { process: true, run: npm run lint }"),
  );
  assert.match(problem ?? "", /checks\.Lint: differs from "lint" in case alone/);
  assert.deepEqual(more, []);
});
