// Everything that decides whether a commit is good: checks, build, unit tests, tests on hosts in a box, the table of features.
// The last line is `N passed, N failed, N skipped`.
import { randomUUID } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { readFeatures, unprovenFeatures } from "../test/docs/features.ts";
import { findTests, namedTests, type TestFiles } from "./test/find-tests.ts";
import { lendEngine, prepareLabs, stopLeftLabs } from "./test/labs.ts";
import type { TestResult } from "./test/result.ts";
import { runTests } from "./test/run-tests.ts";
import { root, runTool } from "./tool.ts";

const minuteMs = 60_000;
const resultsFolder = join(root, "test-results");

const { values: options } = parseArgs({
  options: {
    /** `unit`, `lab`, or a test file; may be repeated. */
    only: { type: "string", multiple: true, default: [] },
    /** Also what `npm test` has no time for: see `testsAll`. */
    all: { type: "boolean", default: false },
    /** Leave labs up that a test left behind. */
    keep: { type: "boolean", default: false },
  },
});
const inCi = !["", "false"].includes(process.env["CI"] ?? "");
const interrupt = new AbortController();
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => interrupt.abort(signal));

const started = performance.now();
rmSync(resultsFolder, { recursive: true, force: true });
mkdirSync(resultsFolder, { recursive: true });
const results: TestResult[] = [];
/** Written into every lab that this run starts. */
const run = randomUUID();
process.env["SHIPLOCK_TEST_RUN"] = run;
if (options.all) process.env["SHIPLOCK_TEST_ALL"] = "1";
// Every test file is a process of its own, and most of them read the same sources.
process.env["NODE_COMPILE_CACHE"] ??= join(root, "node_modules/.cache/compiled");
try {
  const wanted = wantedTests();
  // Somebody who runs one file again and again has his editor tell him the rest.
  const onlyFiles = options.only.length > 0 && !options.only.some((one) => one === "unit" || one === "lab");
  const scripts = onlyFiles ? ["build"] : ["check", "build"];
  for (const script of scripts) results.push(await runScript(script));
  // What is delivered is what is tested on hosts, and it starts in a third of the time that the sources take.
  const built = results.some(({ name, result }) => name === "build" && result === "passed");
  if (built) process.env["SHIPLOCK_E2E_PROGRAM"] ??= join(root, "dist/shiplock.js");
  const labProblem = await prepareLabs(say);
  results.push(...(await withEngine(wanted.unit, labProblem, () => unitTests(wanted.unit))));
  results.push(...(await labTests(wanted.lab, labProblem)));
} catch (error) {
  say(error instanceof Error ? (error.stack ?? error.message) : String(error));
  results.push(ownResult("the tests can be run", "failed"));
} finally {
  if (!options.keep && !(await stopLeftLabs(run, say))) results.push(ownResult("labs are stopped", "failed"));
}
if (options.only.length === 0) results.push(...provenFeatures());
writeFileSync(join(resultsFolder, "results.jsonl"), results.map((result) => `${JSON.stringify(result)}\n`).join(""));
summarize();

function wantedTests(): TestFiles {
  const { only } = options;
  const found = findTests();
  if (only.length === 0) return found;
  const named = namedTests(
    only.filter((one) => one !== "unit" && one !== "lab"),
    process.cwd(),
  );
  return {
    unit: only.includes("unit") ? found.unit : named.unit,
    lab: only.includes("lab") ? found.lab : named.lab,
  };
}

async function runScript(name: string): Promise<TestResult> {
  say(`\n── ${name}`);
  const { exitCode, output, seconds } = await runTool(["node", `scripts/${name}.ts`], 5 * minuteMs);
  say(output.trim());
  return { ...ownResult(name, exitCode === 0 ? "passed" : "failed"), milliseconds: Math.round(seconds * 1000) };
}

/** Two files at a time; those that share the lent engine one after the other, since each removes images there; and last, with nothing beside them, those that measure rates. */
async function unitTests(files: readonly string[]): Promise<TestResult[]> {
  const measuring = files.filter((file) => file.startsWith("test/load/"));
  const sharing = files.filter(sharesEngine);
  const others = files.filter((file) => !measuring.includes(file) && !sharing.includes(file));
  const ended: TestResult[] = [];
  for (const group of [others, sharing, measuring]) {
    if (group.length === 0) continue;
    say(`\n── unit tests (${group.length} files)`);
    ended.push(
      ...(await runTests({
        files: group,
        show: options.only.some((one) => one !== "unit") ? "spec" : "dot",
        isolation: group === measuring ? "none" : "process",
        ...(group === sharing ? { atOnce: 1 } : {}),
        testTimeoutMs: 2 * minuteMs,
        deadlineMs: 8 * minuteMs,
        signal: interrupt.signal,
      })),
    );
  }
  return ended;
}

/** Lends a real engine to the tests of hosts, except where only the quick tests were asked for. */
async function withEngine(
  files: readonly string[],
  labProblem: string | null,
  work: () => Promise<TestResult[]>,
): Promise<TestResult[]> {
  const wanted = files.some((file) => file.startsWith("test/hosts/")) && !options.only.includes("unit");
  if (!wanted || labProblem !== null) return work();
  say("\n── an engine for the tests of hosts");
  const engine = await lendEngine(say);
  process.env["SHIPLOCK_TEST_ENGINE"] = engine.socketPath;
  try {
    return await work();
  } finally {
    delete process.env["SHIPLOCK_TEST_ENGINE"];
    await engine.end();
  }
}

/** Whether a file works with the engine that `withEngine` lends. */
function sharesEngine(file: string): boolean {
  return readFileSync(join(root, file), "utf8").includes("./test-image.ts");
}

/** Whether a file counts lost requests, which wants the machine for itself. */
function underLoad(file: string): boolean {
  return /support\/load[.]ts|load\/client[.]ts/.test(readFileSync(join(root, file), "utf8"));
}

async function labTests(files: readonly string[], problem: string | null): Promise<TestResult[]> {
  if (files.length === 0) return [];
  say(`\n── tests on hosts in a box (${files.length} files)`);
  if (problem !== null) {
    say(`not run: ${problem}`);
    return files.map((file) => ({ ...ownResult(file, inCi ? "failed" : "skipped"), file, reason: problem }));
  }
  const limits = { testTimeoutMs: (options.all ? 30 : 10) * minuteMs, deadlineMs: (options.all ? 60 : 25) * minuteMs };
  const alone = files.filter(underLoad);
  const beside = files.filter((file) => !alone.includes(file));
  const ended: TestResult[] = [];
  // Much of what these wait for is no work of this machine: two at a time leave half of two cores idle.
  if (beside.length > 1) {
    say(`\n── ${beside.join(", ")}`);
    const several = { files: beside, show: "spec", isolation: "process", atOnce: 3, ...limits } as const;
    ended.push(...(await runTests({ ...several, signal: interrupt.signal })));
  }
  for (const file of beside.length > 1 ? alone : files) {
    say(`\n── ${file}`);
    const one = { files: [file], show: "spec", isolation: "none", ...limits, signal: interrupt.signal } as const;
    ended.push(...(await runTests(one)));
  }
  return ended;
}

function provenFeatures(): TestResult[] {
  say("\n── docs/features.md");
  const problems = unprovenFeatures(readFeatures(readFileSync(join(root, "docs/features.md"), "utf8")), results);
  for (const problem of problems) say(problem);
  const name = "every test that docs/features.md names ran and passed";
  return [ownResult(name, problems.length === 0 ? "passed" : "failed")];
}

function ownResult(name: string, result: TestResult["result"]): TestResult {
  return { file: "scripts/test.ts", name, suites: [], result, milliseconds: 0 };
}

function summarize(): void {
  const [passed, failed, skipped] = (["passed", "failed", "skipped"] as const).map((wanted) =>
    results.filter(({ result }) => result === wanted),
  ) as [TestResult[], TestResult[], TestResult[]];
  say("");
  for (const { file, suites, name, reason } of [...failed, ...skipped]) {
    const word = failed.some((one) => one.name === name && one.file === file) ? "failed " : "skipped";
    const path = file.replace(`${root}/`, "");
    say(`${word} ${path}: ${[...suites, name].join(" > ")}${reason === undefined ? "" : ` (${reason})`}`);
  }
  const interrupted = interrupt.signal.aborted;
  if (interrupted) say(`interrupted by ${String(interrupt.signal.reason)}`);
  if (inCi && skipped.length > 0) say("in CI nothing may be skipped");
  const seconds = Math.round((performance.now() - started) / 1000);
  say(`${Math.floor(seconds / 60)} min ${seconds % 60} s; every result is in test-results/results.jsonl`);
  say(`${passed.length} passed, ${failed.length} failed, ${skipped.length} skipped`);
  if (failed.length > 0 || interrupted || (inCi && skipped.length > 0)) process.exitCode = 1;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
