import assert from "node:assert/strict";
import { test } from "node:test";
import {
  annotationProperties,
  checkAnnotations,
  errorAnnotations,
  failureAnnotation,
  outcomeNotices,
  shownAnnotations,
} from "../../src/action/annotations.ts";
import { resultWord, stepPasses } from "../../src/action/outputs.ts";
import { type StoryCheck, untold } from "../../src/action/story.ts";

const places = { root: "/repo", project: "/repo/web" };
const error = {
  code: "config/invalid",
  blame: "usage",
  message: "not valid",
  remedy: "Mend it.",
  where: undefined,
} as const;
const check: StoryCheck = {
  job: "test",
  outcome: "failed",
  required: true,
  durationMs: 1,
  reasons: ["it ended with exit code 1"],
  tests: null,
  coverage: null,
  findings: [],
};

test("every problem of the configuration stands at its line, from the repository's root", () => {
  const details = ["shiplock.yml:4:1: bogus: unknown key", "shiplock.yml:9:12: a: b: c"];
  assert.deepEqual(errorAnnotations({ ...error, details }, places), [
    {
      level: "error",
      title: "shiplock: config/invalid",
      message: "bogus: unknown key",
      at: { file: "web/shiplock.yml", line: 4, column: 1 },
    },
    {
      level: "error",
      title: "shiplock: config/invalid",
      message: "a: b: c\nwhat to do: Mend it.",
      at: { file: "web/shiplock.yml", line: 9, column: 12 },
    },
  ]);
});

test("an error that lies in no file of the repository says where it lies, in words", () => {
  const [host] = errorAnnotations({ ...error, where: "web-1", details: ["Permission denied"] }, places);
  assert.deepEqual(host, {
    level: "error",
    title: "shiplock: config/invalid",
    message: "web-1: not valid\n  Permission denied\nwhat to do: Mend it.",
    at: null,
  });
  const [outside] = errorAnnotations({ ...error, where: { file: "/etc/other.yml", line: 3 }, details: [] }, places);
  assert.equal(outside?.at, null);
  assert.match(outside.message, /^\/etc\/other\.yml:3: not valid/);
  const [climbing] = errorAnnotations({ ...error, details: ["../../x.yml:1:1: no"] }, places);
  assert.equal(climbing?.at, null);
});

test("failed tests and findings stand at their lines, and the check's own sentence says why it failed", () => {
  const root = { root: "/repo", project: "/repo" };
  const tests = {
    tests: 9,
    failed: 2,
    failures: [
      { name: "adds", message: "1 is not 2", file: "a.test.js", line: 3 },
      { name: "waits", message: "", file: "a.test.js", line: undefined },
      { name: "elsewhere", message: "no", file: "/usr/lib/x.js" },
    ],
  };
  const findings = [{ severity: "warning", file: "b.js", line: 7, column: 2, message: "unused" } as const];
  assert.deepEqual(
    checkAnnotations([{ ...check, tests, findings }], root).map((one) => [one.level, one.title, one.message, one.at]),
    [
      ["error", "check test failed", "it ended with exit code 1", null],
      ["error", "test: adds", "1 is not 2", { file: "a.test.js", line: 3 }],
      ["error", "test: waits", "failed", { file: "a.test.js" }],
      ["warning", "test", "unused", { file: "b.js", line: 7, column: 2 }],
    ],
  );
});

test("a check that is not required warns, and findings of a check that passed are told too", () => {
  const findings = [{ severity: "error", file: "b.js", line: 7, column: undefined, message: "bad" } as const];
  const told = (changes: Partial<StoryCheck>): string[] =>
    checkAnnotations([{ ...check, ...changes }], places).map(({ level }) => level);
  assert.deepEqual(told({ required: false }), ["warning"]);
  assert.deepEqual(told({ outcome: "passed", findings }), ["warning"]);
  assert.deepEqual(told({ outcome: "skipped" }), []);
  const [one] = checkAnnotations(
    [{ ...check, tests: { tests: 1, failed: 1, failures: [{ name: "adds", message: "no" }] } }],
    places,
  );
  assert.match(one?.message ?? "", / {2}adds: no$/);
});

test("no more is told than GitHub shows, and the last one says how many there are", () => {
  const many = Array.from({ length: 14 }, () => ({ level: "error", title: "t", message: "m", at: null }) as const);
  const shown = shownAnnotations([...many, { level: "notice", title: "t", message: "m", at: null }]);
  assert.equal(shown.length, 11);
  assert.match(shown[9]?.message ?? "", /^and 5 more/);
});

test("an automatic deployment that was skipped is seen, and is no error", () => {
  const outcome = "ada holds staging: demo";
  assert.deepEqual(outcomeNotices({ ...untold, state: "skipped", outcome, environment: "staging" }), [
    { level: "notice", title: "shiplock: skipped in staging", message: outcome, at: null },
  ]);
  assert.deepEqual(outcomeNotices({ ...untold, state: "succeeded" }), []);
  const gates = [
    { gate: "hold", answer: "pass", reason: "nobody holds it" },
    { gate: "reviewers", answer: "wait", reason: "one of ops has to approve" },
  ];
  const [waiting] = outcomeNotices({ ...untold, state: "waiting", deployment: "d-1", gates });
  assert.equal(waiting?.message, "deployment d-1 is waiting\nreviewers: one of ops has to approve");
});

test("a command that fails without an error or a failed check points at its log", () => {
  const [drift] = failureAnnotation(untold, "drift", 1);
  assert.match(drift?.message ?? "", /^drift ended with exit code 1/);
  const [cut] = failureAnnotation(untold, "check", 130);
  assert.equal(cut?.message, "check was interrupted");
  const [watched] = failureAnnotation({ ...untold, state: "rolled-back", outcome: "web answered 500" }, "deploy", 1);
  assert.equal(watched?.message, "web answered 500");
  assert.deepEqual(failureAnnotation(untold, "drift", 0), []);
  assert.deepEqual(failureAnnotation({ ...untold, errors: [{ ...error, details: [] }] }, "deploy", 3), []);
  assert.deepEqual(failureAnnotation({ ...untold, checks: [check] }, "check", 1), []);
  assert.deepEqual(failureAnnotation({ ...untold, state: "waiting" }, "deploy", 3), []);
});

test("a request that was told not to wait passes while it waits, and nothing else that a gate stops does", () => {
  const waiting = { ...untold, state: "waiting" };
  assert.equal(stepPasses(waiting, 3, { "no-wait": "true" }), true);
  assert.equal(stepPasses(waiting, 3, {}), false);
  assert.equal(stepPasses({ ...untold, state: "blocked" }, 3, { "no-wait": "true" }), false);
  assert.equal(stepPasses(waiting, 1, { "no-wait": "true" }), false);
  assert.equal(resultWord(waiting, 3), "waiting");
});

test("a column without a line is no place", () => {
  const at = { file: "a", column: 3 };
  assert.equal(annotationProperties({ level: "error", title: "t", message: "m", at })["col"], undefined);
});
