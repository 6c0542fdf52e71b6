import type { Check } from "../config/types.ts";

/** One run of a check: the check itself, or one combination of its matrix. */
export type CheckJob = {
  /** `lint`, or `lint (NODE=22, DB=17)`. */
  readonly id: string;
  /** With `${NAME}` filled in, and the matrix's values among its variables. */
  readonly check: Check;
  readonly matrix: Readonly<Record<string, string>>;
  /** Ids of all jobs of the checks that it needs. */
  readonly needs: readonly string[];
};

/** How a job ended. `cached`: it passed before, and nothing it reads has changed since. */
export type JobOutcome = "passed" | "cached" | "failed" | "timed-out" | "cancelled" | "skipped";

/** A line of a check's output, without its line break and with secrets masked. */
export type LogLine = {
  /** Milliseconds since the check began. */
  readonly atMs: number;
  readonly stream: "stdout" | "stderr";
  readonly text: string;
};

export type TestFailure = {
  readonly name: string;
  /** First line of what was said about it; empty where nothing was. */
  readonly message: string;
  /** Where the report says it: a file of the repository, from its root, and the line in it. */
  readonly file?: string | undefined;
  readonly line?: number | undefined;
};

/** What JUnit reports say, all files together. */
export type TestSummary = {
  /** All of them, skipped ones included. */
  readonly tests: number;
  readonly failed: number;
  readonly skipped: number;
  readonly durationMs: number;
  /** The first of those that failed. */
  readonly failures: readonly TestFailure[];
};

/** What a coverage report says. */
export type CoverageSummary = {
  /** Of lines, 0 to 100; null where the report measures no line. */
  readonly percent: number | null;
  /** The files with the smallest share, smallest first. */
  readonly leastCovered: readonly { readonly file: string; readonly percent: number }[];
};

/** One warning or error at its place. */
export type Finding = {
  readonly severity: "error" | "warning";
  /** Of the repository, from its root. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column?: number | undefined;
  readonly message: string;
};

/** What a report of warnings says. */
export type WarningSummary = {
  readonly warnings: number;
  readonly errors: number;
  /** The files with the most of both, most first. */
  readonly files: readonly { readonly file: string; readonly count: number }[];
  /** The first of those that have a line, errors first; absent for none. */
  readonly findings?: readonly Finding[] | undefined;
};

/** What a check's reports say; null for what it does not report. */
export type ReportSummary = {
  readonly tests: TestSummary | null;
  readonly coverage: CoverageSummary | null;
  readonly warnings: WarningSummary | null;
};

/** A configured report after the check ran. */
export type Found<Summary> =
  | { readonly kind: "read"; readonly file: string; readonly summary: Summary }
  | { readonly kind: "missing"; readonly file: string }
  | { readonly kind: "unreadable"; readonly file: string; readonly why: string };

/** Everything that was found for a check. */
export type FoundReports = {
  /** Whether its command ended with exit code 0. */
  readonly commandPassed: boolean;
  readonly tests: readonly Found<TestSummary>[];
  /** Null where none is configured. */
  readonly coverage: Found<CoverageSummary> | null;
  readonly warnings: Found<WarningSummary> | null;
};
