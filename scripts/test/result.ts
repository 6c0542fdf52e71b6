import { readFileSync } from "node:fs";

/** What one test came to, as it stands in test-results/results.jsonl. */
export type TestResult = {
  file: string;
  name: string;
  /** The suites and tests around it, outermost first. */
  suites: readonly string[];
  result: "passed" | "failed" | "skipped";
  milliseconds: number;
  /** Why it was skipped or failed, where that was said. */
  reason?: string;
};

/** Reads a file of results; one that a killed process left may end in half a line. */
export function readResults(path: string): TestResult[] {
  return readFileSync(path, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as TestResult);
}
