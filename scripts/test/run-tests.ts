import { spawn } from "node:child_process";
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root } from "../tool.ts";
import { readResults, type TestResult } from "./result.ts";

export type TestRun = {
  files: readonly string[];
  /** What is shown meanwhile: a line per test or a dot. */
  show: "spec" | "dot";
  isolation: "none" | "process";
  /** How many files run beside each other in processes of their own; 2 unless given. */
  atOnce?: number;
  /** For each test, in milliseconds. */
  testTimeoutMs: number;
  /** For the whole process, in milliseconds; after that it is ended, and that is a failure. */
  deadlineMs: number;
  /** Aborted when the run is to end early. */
  signal: AbortSignal;
};

const resultsFolder = join(root, "test-results", "parts");
const graceMs = 20_000;
let runs = 0;

/** Runs test files in one process of node:test and answers what each test came to, also when the process was ended. */
export async function runTests(run: TestRun): Promise<TestResult[]> {
  mkdirSync(resultsFolder, { recursive: true });
  runs += 1;
  const path = join(resultsFolder, `${String(runs).padStart(3, "0")}.jsonl`);
  const end = await endOf(run, path);
  const results = existsSync(path) ? readResults(path) : [];
  const explained = results.some(({ result }) => result === "failed");
  if (end === null || explained) return results;
  // Whatever ended the process is a failure, also when no test says so.
  const [file = ""] = run.files;
  process.stdout.write(`${file}: ${end}\n`);
  return [...results, { file, name: file, suites: [], result: "failed", milliseconds: 0, reason: end }];
}

/** Null when the process ended well, otherwise how it ended. */
async function endOf(run: TestRun, path: string): Promise<string | null> {
  if (run.signal.aborted) return "it was not begun";
  const reporter = pathToFileURL(join(root, "scripts/test/record-results.ts")).href;
  const child = spawn(
    process.execPath,
    [
      "--test",
      `--test-isolation=${run.isolation}`,
      ...(run.isolation === "process" ? [`--test-concurrency=${run.atOnce ?? 2}`] : []),
      `--test-timeout=${run.testTimeoutMs}`,
      `--test-reporter=${run.show}`,
      "--test-reporter-destination=stdout",
      `--test-reporter=${reporter}`,
      `--test-reporter-destination=${path}`,
      ...run.files,
    ],
    { cwd: root, stdio: ["ignore", "inherit", "inherit"] },
  );
  let late = false;
  let killer: NodeJS.Timeout | undefined;
  // Tests clean up when they are asked to end; only then they are killed.
  const stop = (): void => {
    child.kill("SIGTERM");
    killer ??= setTimeout(() => child.kill("SIGKILL"), graceMs);
  };
  const timer = setTimeout(() => {
    late = true;
    stop();
  }, run.deadlineMs);
  run.signal.addEventListener("abort", stop, { once: true });
  try {
    return await new Promise<string | null>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code, signal) => {
        if (late) resolve(`it did not end within ${run.deadlineMs / 60_000} minutes`);
        else if (signal !== null) resolve(`its process was ended by ${signal}`);
        else resolve(code === 0 ? null : `its process ended with exit code ${code}`);
      });
    });
  } finally {
    clearTimeout(timer);
    clearTimeout(killer);
    run.signal.removeEventListener("abort", stop);
  }
}
