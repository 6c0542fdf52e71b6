import type { TestFailure, TestSummary } from "../types.ts";
import { shortened } from "./findings.ts";
import { readXml, wholeNumber } from "./xml.ts";

const failuresKept = 100;
const messageLength = 200;

type Suite = {
  name: string;
  file: string | undefined;
  declaredTests: number;
  declaredFailed: number;
  declaredSkipped: number;
  cases: number;
  failed: number;
  timeMs: number | undefined;
  childrenMs: number;
};
type Place = Pick<TestFailure, "file" | "line">;
type Case = { name: string; place: Place; failure: { message: string; text: string } | undefined; skipped: boolean };

/**
 * Reads a JUnit report, in the dialects of pytest, Vitest, jest-junit, node:test, gotestsum and Surefire: the root is a suite or a list of suites, suites may lie in suites, and cases
 * anywhere. A case with a failure or an error failed, once; what failed first and then passed (Surefire's `flakyFailure`) did not. A suite that declares failures or
 * lists an error of its own without a case for it counts as a failure: something did not pass.
 * @param mask takes out of messages what may not be read, before they are cut
 * @param folder absolute path at which the check ran; files below it are named without it
 * @throws ShiplockError `check/report-unreadable`
 */
export function readJunit(bytes: Uint8Array, file: string, mask = unmasked, folder?: string): TestSummary {
  const counted = { tests: 0, failed: 0, skipped: 0, durationMs: 0 };
  const failures: TestFailure[] = [];
  const suites: Suite[] = [];
  let current: Case | undefined;
  /** The element whose text is wanted: a failure's or an error's. */
  let hearing: { message: string; text: string } | undefined;

  const fail = (name: string, failure: { message: string; text: string }, place: Place = {}): void => {
    counted.failed += 1;
    for (const suite of suites) suite.failed += 1;
    if (failures.length < failuresKept) failures.push({ name, message: firstLine(failure, mask), ...place });
  };

  readXml(bytes, file, ["testsuites", "testsuite"], {
    open(name, attributes) {
      if (name === "testsuites" || name === "testsuite") return void suites.push(suiteOf(name, attributes));
      if (name === "testcase") {
        const place = placeOf(attributes, suites, folder);
        current = { name: caseName(attributes, suites), place, failure: undefined, skipped: false };
        for (const suite of suites) suite.cases += 1;
        const last = suites.at(-1);
        if (last !== undefined) last.childrenMs += milliseconds(attributes["time"]) ?? 0;
        return;
      }
      if (name === "skipped" && current !== undefined) current.skipped = true;
      if (name !== "failure" && name !== "error") return;
      hearing = { message: attributes["message"] ?? attributes["type"] ?? "", text: "" };
      if (current !== undefined) current.failure ??= hearing;
    },
    text(text) {
      if (hearing !== undefined && hearing.text.length < 2_000) hearing.text += text.slice(0, 2_000);
    },
    close(name) {
      if (name === "failure" || name === "error") {
        if (hearing !== undefined && current === undefined) {
          fail(suites.at(-1)?.name ?? "", hearing);
          counted.tests += 1;
        }
        hearing = undefined;
      }
      if (name === "testcase" && current !== undefined) {
        counted.tests += 1;
        if (current.failure !== undefined) fail(current.name, current.failure, current.place);
        else if (current.skipped) counted.skipped += 1;
        current = undefined;
      }
      if (name !== "testsuites" && name !== "testsuite") return;
      const suite = suites.pop();
      if (suite === undefined) return;
      endSuite(suite);
    },
  });
  return { ...counted, durationMs: Math.round(counted.durationMs), failures };

  function endSuite(suite: Suite): void {
    const outer = suites.at(-1);
    if (suite.cases === 0 && suite.declaredTests > 0) {
      // A summary without its cases; those around it shall not count it again.
      counted.tests += suite.declaredTests;
      counted.skipped += suite.declaredSkipped;
      for (const around of suites) around.cases += suite.declaredTests;
    }
    if (suite.failed === 0 && suite.declaredFailed > 0) {
      const message = `declares ${suite.declaredFailed} failures and lists none`;
      fail(suite.name, { message, text: "" });
      counted.failed += suite.declaredFailed - 1;
      counted.tests = Math.max(counted.tests, counted.failed + counted.skipped);
    }
    const timeMs = suite.timeMs ?? suite.childrenMs;
    if (outer === undefined) counted.durationMs = timeMs;
    else outer.childrenMs += timeMs;
  }
}

function suiteOf(element: string, attributes: Readonly<Record<string, string>>): Suite {
  const count = (name: string): number => wholeNumber(attributes[name]) ?? 0;
  return {
    // A list of suites is called like its runner.
    name: element === "testsuites" ? "" : (attributes["name"] ?? ""),
    file: attributes["file"],
    declaredTests: count("tests"),
    declaredFailed: count("failures") + count("errors"),
    declaredSkipped: count("skipped"),
    cases: 0,
    failed: 0,
    timeMs: milliseconds(attributes["time"]),
    childrenMs: 0,
  };
}

/** Where a case lies, as far as its runner says: with itself, or with a suite around it. pytest counts lines from 0. */
function placeOf(
  attributes: Readonly<Record<string, string>>,
  suites: readonly Suite[],
  folder: string | undefined,
): Place {
  const file = attributes["file"] ?? suites.findLast((suite) => suite.file !== undefined)?.file;
  if (file === undefined || file === "") return {};
  const counted = wholeNumber(attributes["line"]);
  const line = counted === undefined ? undefined : counted + (suites.at(-1)?.name === "pytest" ? 1 : 0);
  return { file: shortened(file, folder), ...(line === undefined || line === 0 ? {} : { line }) };
}

/** `tests.test_worker: test_retry`. Where the runner gives no class, or a word without meaning (node:test), the suites around it stand for one. */
function caseName(attributes: Readonly<Record<string, string>>, suites: readonly Suite[]): string {
  const { classname = "", name = "" } = attributes;
  if (classname !== "" && classname !== "test" && classname !== "suite") {
    // jest-junit and Vitest may repeat it in the name.
    return name.startsWith(classname) ? name : `${classname}: ${name}`;
  }
  const around = suites.map((suite) => suite.name).filter((one) => one !== "");
  return [...around, name].join(": ");
}

/** Where the message only says that it failed (gotestsum), the first line of the text that says more, without Go's own headings. */
function firstLine(failure: { message: string; text: string }, mask: (text: string) => string): string {
  const message = filledLines(mask(failure.message))[0];
  const saysNothing = message === undefined || /^failed$/i.test(message);
  const told = saysNothing ? filledLines(mask(failure.text)).find((line) => !/^(?:===|---) /.test(line)) : message;
  const text = told ?? message ?? "";
  return text.length > messageLength ? `${text.slice(0, messageLength - 1)}…` : text;
}

function unmasked(text: string): string {
  return text;
}

function filledLines(text: string): string[] {
  return text.split("\n").flatMap((line) => (line.trim() === "" ? [] : [line.trim()]));
}

/**
 * Seconds as runners write them: `0.012`, Surefire's `1,234.5` with marks between thousands, and `0,012` where the machine's language has a decimal comma.
 * Undefined for anything else.
 */
function milliseconds(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const written = text.trim();
  const thousands = /^[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?$/.test(written);
  const plain = thousands ? written.replaceAll(",", "") : written.replace(",", ".");
  return /^\d+(?:\.\d*)?(?:e[+-]?\d{1,2})?$/i.test(plain) ? Number(plain) * 1_000 : undefined;
}
