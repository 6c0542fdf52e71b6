import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readJunit } from "../../../src/checks/reports/junit.ts";
import { fixture, refusal, text } from "./support.ts";

describe("a JUnit report", () => {
  it("of pytest: failures, errors of the set-up and skipped tests", async () => {
    assert.deepEqual(readJunit(await fixture("pytest.xml"), "report.xml"), {
      tests: 5,
      failed: 2,
      skipped: 1,
      durationMs: 412,
      failures: [
        { name: "tests.test_orders: test_discount[10%]", message: "assert 108 == 90" },
        {
          name: "tests.test_worker.TestRetry: test_connects",
          message: 'failed on setup with "ConnectionError: redis:6379"',
        },
      ],
    });
  });

  it("of jest-junit: what failed is said in the text, and a file that could not be loaded counts", async () => {
    assert.deepEqual(readJunit(await fixture("jest.xml"), "junit.xml"), {
      tests: 4,
      failed: 2,
      skipped: 1,
      durationMs: 2871,
      failures: [
        {
          name: "cart removes an item",
          message: "Error: expect(received).toBe(expected) // Object.is equality",
        },
        {
          name: "Test suite failed to run: web/broken.test.tsx",
          message: "Cannot find module './missing' from 'web/broken.test.tsx'",
        },
      ],
    });
  });

  it("of Vitest", async () => {
    assert.deepEqual(readJunit(await fixture("vitest.xml"), "junit.xml"), {
      tests: 3,
      failed: 1,
      skipped: 1,
      durationMs: 318,
      failures: [
        {
          name: "web/app/price.test.ts: price > rounds half up",
          message: "expected 1.12 to be 1.13 // Object.is equality",
        },
      ],
    });
  });

  it("of node:test: suites within suites, and tests outside of all", async () => {
    assert.deepEqual(readJunit(await fixture("node.xml"), "junit.xml", undefined, "/src"), {
      tests: 5,
      failed: 1,
      skipped: 2,
      durationMs: 4,
      failures: [
        { name: "orders & money: refunds: are exact", message: "expected 12, got 13", file: "orders.test.js" },
      ],
    });
  });

  it("names the line of a failed test as people count, where its runner says it", () => {
    const failed = (suite: string, place: string): unknown =>
      readJunit(
        text(`<testsuite ${suite}><testcase name="a" ${place}><failure message="no"/></testcase></testsuite>`),
        "j.xml",
        undefined,
        "/work",
      ).failures;
    const told = { name: "a", message: "no" };
    assert.deepEqual(failed('name="pytest"', 'file="tests/test_a.py" line="11"'), [
      { ...told, name: "pytest: a", file: "tests/test_a.py", line: 12 },
    ]);
    assert.deepEqual(failed('name=""', 'file="/work/tests/ATest.php" line="11"'), [
      { ...told, file: "tests/ATest.php", line: 11 },
    ]);
    assert.deepEqual(failed('name="" file="/work/spec/a.js"', ""), [{ ...told, file: "spec/a.js" }]);
    assert.deepEqual(failed('name=""', 'line="4"'), [told]);
  });

  it("of gotestsum: the line that says more than that it failed", async () => {
    assert.deepEqual(readJunit(await fixture("gotestsum.xml"), "junit.xml"), {
      tests: 4,
      failed: 2,
      skipped: 1,
      durationMs: 512,
      failures: [
        { name: "example.com/shop/worker: TestRetry/third_time", message: "retry_test.go:31: got 2 tries, want 3" },
        { name: "example.com/shop/worker: TestRetry", message: "Failed" },
      ],
    });
  });

  it("of Surefire: marks between thousands, and a test that passed at its second try passed", async () => {
    assert.deepEqual(readJunit(await fixture("surefire.xml"), "TEST-OrderTest.xml"), {
      tests: 4,
      failed: 1,
      skipped: 1,
      durationMs: 1_204_350,
      failures: [
        {
          name: "com.example.shop.OrderTest: pays",
          message: 'Cannot invoke "Card.charge()" because "card" is null',
        },
      ],
    });
  });

  it("counts a test with a failure and an error once", () => {
    const { tests, failed } = readJunit(
      text('<testsuite tests="1" failures="1" errors="1"><testcase name="a"><failure/><error/></testcase></testsuite>'),
      "r.xml",
    );
    assert.deepEqual({ tests, failed }, { tests: 1, failed: 1 });
  });

  it("never passes what says that something failed: suites that list nothing, or an error outside of all tests", () => {
    const sums = readJunit(
      text(
        '<testsuites tests="9" failures="2"><testsuite name="api" tests="9" failures="1" errors="1" skipped="3"/></testsuites>',
      ),
      "r.xml",
    );
    assert.deepEqual(
      { ...sums, failures: sums.failures.map(({ name }) => name) },
      { tests: 9, failed: 2, skipped: 3, durationMs: 0, failures: ["api"] },
    );
    const outside = readJunit(text('<testsuite name="db"><error message="no engine"/></testsuite>'), "r.xml");
    assert.deepEqual(outside.failures, [{ name: "db", message: "no engine" }]);
    assert.equal(outside.failed, 1);
  });

  for (const [written, expected] of [
    ["0.25", 250],
    ["1,234.5", 1_234_500],
    ["12,345", 12_345_000],
    ["0,25", 250],
    ["1e-3", 1],
    ["", 0],
    ["soon", 0],
    ["-1", 0],
    ["NaN", 0],
  ] as const) {
    it(`a time of "${written}" seconds is ${expected} ms`, () => {
      const { durationMs } = readJunit(text(`<testsuite><testcase name="a" time="${written}"/></testsuite>`), "r.xml");
      assert.equal(durationMs, expected);
    });
  }

  it("names a hundred failures at most, and counts them all; a message is one line of 200 characters at most", () => {
    const failing = `<testcase name="a"><failure message="${"x".repeat(100_000)}"/></testcase>`;
    const { failed, failures } = readJunit(text(`<testsuite>${failing.repeat(150)}</testsuite>`), "r.xml");
    assert.deepEqual([failed, failures.length, failures[0]?.message.length], [150, 100, 200]);
  });

  it("with another root is refused, and the root is named", () => {
    assert.match(
      refusal(() => readJunit(text("<html><body/></html>"), "r.xml")).message,
      /root is <html>, and <testsuites>/,
    );
  });
});
