import { counted } from "../counted.ts";
import type { Check } from "../config/types.ts";
import type {
  CoverageSummary,
  Found,
  FoundReports,
  ReportSummary,
  TestFailure,
  TestSummary,
  WarningSummary,
} from "./types.ts";

const testsNamed = 10;
const filesNamed = 3;

/**
 * What a check's reports mean for it: what they say, and why it failed by them, as sentences; none where it did not. Whether its command failed is the caller's to add.
 *
 * A report that was asked for and is not there, or cannot be read, fails the check: what is unknown does not pass. Only missing test results are no news once the command itself has failed.
 */
export function judgeReports(
  check: Pick<Check, "coverage" | "warnings">,
  found: FoundReports,
): { summary: ReportSummary; failures: readonly string[] } {
  const tests = allTests(found.tests);
  return {
    summary: {
      tests,
      coverage: summaryOf(found.coverage),
      warnings: summaryOf(found.warnings),
    },
    failures: [
      ...found.tests.flatMap((one) => (one.kind === "missing" && !found.commandPassed ? [] : unusable(one))),
      ...(tests === null ? [] : testFailures(tests, found.tests)),
      ...judgeCoverage(found.coverage, check.coverage?.atLeast),
      ...judgeWarnings(found.warnings, check.warnings?.atMost ?? 0),
    ],
  };
}

function allTests(found: FoundReports["tests"]): TestSummary | null {
  const read = found.flatMap((one) => (one.kind === "read" ? [one.summary] : []));
  if (read.length === 0) return null;
  const sum = (of: (summary: TestSummary) => number): number => read.reduce((total, one) => total + of(one), 0);
  return {
    tests: sum(({ tests }) => tests),
    failed: sum(({ failed }) => failed),
    skipped: sum(({ skipped }) => skipped),
    durationMs: sum(({ durationMs }) => durationMs),
    failures: read.flatMap(({ failures }) => failures).slice(0, testsNamed),
  };
}

function testFailures(tests: TestSummary, found: FoundReports["tests"]): readonly string[] {
  if (tests.failed === 0) return [];
  const files = found.flatMap((one) => (one.kind === "read" && one.summary.failed > 0 ? [one.file] : []));
  const more = tests.failed - tests.failures.length;
  return [
    `${tests.failed} of ${counted(tests.tests, "test")} failed (${firstOf(files, filesNamed)})`,
    ...tests.failures.map(failureLine),
    ...(more > 0 ? [`  and ${more} more`] : []),
  ];
}

/** One test that failed, as a line below the sentence that counts them. */
function failureLine({ name, message }: TestFailure): string {
  return `  ${name === "" ? "(a test without a name)" : name}${message === "" ? "" : `: ${message}`}`;
}

function judgeCoverage(found: Found<CoverageSummary> | null, atLeast: number | undefined): readonly string[] {
  if (found === null) return [];
  if (found.kind !== "read") return unusable(found);
  if (atLeast === undefined || atLeast === 0) return [];
  const { percent, leastCovered } = found.summary;
  if (percent === null) return [`no line is measured, and ${atLeast} % have to be covered (${found.file})`];
  if (percent >= atLeast) return [];
  const least = leastCovered.slice(0, filesNamed).map((one) => `${one.file} ${percentText(one.percent)}`);
  const worst = least.length === 0 ? "" : `; least covered: ${least.join(", ")}`;
  return [`coverage ${percentText(percent)} of lines is below ${atLeast} % (${found.file}${worst})`];
}

/** Errors count as well: a report that lets no warning through does not let an error through. */
function judgeWarnings(found: Found<WarningSummary> | null, atMost: number): readonly string[] {
  if (found === null) return [];
  if (found.kind !== "read") return unusable(found);
  const { warnings, errors, files } = found.summary;
  if (warnings + errors <= atMost) return [];
  const what = [
    ...(errors > 0 ? [counted(errors, "error")] : []),
    ...(warnings > 0 ? [counted(warnings, "warning")] : []),
  ].join(" and ");
  const where = firstOf(
    files.map(({ file, count }) => `${file}: ${count}`),
    filesNamed,
  );
  return [`${what}, ${atMost} ${atMost === 1 ? "is" : "are"} let through (${found.file}; ${where})`];
}

function unusable(found: Found<unknown>): readonly string[] {
  if (found.kind === "read") return [];
  return [found.kind === "missing" ? `${found.file} was not written` : `${found.file}: ${found.why}`];
}

function summaryOf<Summary>(found: Found<Summary> | null): Summary | null {
  return found?.kind === "read" ? found.summary : null;
}

/** Rounded down, so that no number looks as if it reached a threshold that it missed. */
export function percentText(percent: number): string {
  return `${String(Math.floor(percent * 10 + 1e-9) / 10)} %`;
}

function firstOf(texts: readonly string[], most: number): string {
  return [...texts.slice(0, most), ...(texts.length > most ? ["..."] : [])].join(", ");
}
