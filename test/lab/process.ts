import { spawn } from "node:child_process";
import { closeSync, openSync, readdirSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { messageOf, ShiplockError } from "../../src/errors.ts";

/** A process that was started, told apart from a later one with the same id by its start time (clock ticks since boot). */
export type ProcessMark = { pid: number; startTime: string };

export type RunOptions = {
  /** Milliseconds until the program is killed; 60 seconds unless told. */
  timeoutMs?: number;
  input?: string | Buffer;
  env?: Record<string, string | undefined>;
  cwd?: string;
};

export type RunResult = { code: number; stdout: string; stderr: string };

/**
 * Runs a program with an argument list and collects what it says. A non-zero exit is a result, not an error; 124 is the
 * code after the timeout. Throws only when the program cannot be started at all.
 */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [program = "", ...args] = argv;
  const { promise, resolve, reject } = Promise.withResolvers<RunResult>();
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: options.env ?? process.env,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  const stdout: Buffer[] = [];
  const stderr: Buffer[] = [];
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
    // A grandchild may hold the pipes open; what was said so far is enough.
    child.stdout.destroy();
    child.stderr.destroy();
  }, options.timeoutMs ?? 60_000);
  child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
  child.stdin.on("error", (error: NodeJS.ErrnoException) => {
    // The program may end without reading its input; its exit code tells the rest.
    if (error.code !== "EPIPE") stderr.push(Buffer.from(`${error.message}\n`));
  });
  child.on("error", (error) => {
    clearTimeout(timer);
    reject(
      new ShiplockError({
        code: "lab-program",
        message: `${program} cannot be started: ${error.message}`,
        cause: error,
      }),
    );
  });
  child.on("close", (code) => {
    clearTimeout(timer);
    resolve({
      code: timedOut ? 124 : (code ?? 128),
      stdout: Buffer.concat(stdout).toString(),
      stderr: Buffer.concat(stderr).toString(),
    });
  });
  child.stdin.end(options.input ?? "");
  return promise;
}

/** Like `run`, but a non-zero exit is an error that carries the command and what it said. Returns its standard output. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const result = await run(argv, options);
  if (result.code === 0) return result.stdout;
  throw new ShiplockError({
    code: "lab-command",
    message: `${argv.join(" ")} ended with ${result.code}: ${(result.stderr || result.stdout).trim().slice(-800)}`,
  });
}

/**
 * Starts a program that outlives this one, with its output appended to a file. Returns its mark.
 * @param env the whole environment of the program
 */
export async function startDaemon(
  argv: readonly string[],
  options: { logFile: string; env: Record<string, string>; cwd?: string },
): Promise<ProcessMark> {
  const [program = "", ...args] = argv;
  const log = openSync(options.logFile, "a", 0o600);
  try {
    const child = spawn(program, args, {
      detached: true,
      stdio: ["ignore", log, log],
      env: options.env,
      cwd: options.cwd ?? "/",
    });
    const started = Promise.withResolvers<void>();
    child.once("spawn", () => started.resolve());
    child.once("error", (error) => started.reject(error));
    await started.promise;
    child.unref();
    const mark = child.pid === undefined ? undefined : markOf(child.pid);
    if (mark !== undefined) return mark;
    throw new ShiplockError({ code: "lab-daemon", message: `${program} ended at once: ${tail(options.logFile)}` });
  } finally {
    closeSync(log);
  }
}

/** The last lines of a log file, for an error message; says so when there is none. */
export function tail(file: string, characters = 1200): string {
  try {
    return readFileSync(file, "utf8").slice(-characters).trim();
  } catch (error) {
    return `(no log: ${messageOf(error)})`;
  }
}

type Stat = { state: string; parent: number; startTime: string };

function statOf(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The name in parentheses may hold spaces and parentheses itself, so fields count from the last one.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return { state: fields[0] ?? "", parent: Number(fields[1]), startTime: fields[19] ?? "" };
}

/** The mark of a running process, or undefined when there is none with that id. */
export function markOf(pid: number): ProcessMark | undefined {
  const stat = statOf(pid);
  return stat === undefined || stat.state === "Z" ? undefined : { pid, startTime: stat.startTime };
}

/** Whether exactly this process still runs (a zombie does not). */
export function isAlive(mark: ProcessMark): boolean {
  return markOf(mark.pid)?.startTime === mark.startTime;
}

/** The ids of the processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statOf(candidate)?.parent === pid);
}

/** Sends a signal to exactly this process; false when it no longer runs. */
export function signal(mark: ProcessMark, name: NodeJS.Signals): boolean {
  if (!isAlive(mark)) return false;
  try {
    process.kill(mark.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** Ends a recorded process: SIGTERM, and SIGKILL after `graceMs`. Returns when it is gone; one that is gone already is fine. */
export async function endProcess(mark: ProcessMark, graceMs: number): Promise<void> {
  if (graceMs > 0 && signal(mark, "SIGTERM")) {
    const gone = await until(() => !isAlive(mark), { timeoutMs: graceMs });
    if (gone) return;
  }
  if (!signal(mark, "SIGKILL")) return;
  await waitFor(`process ${mark.pid} to end`, () => !isAlive(mark), { timeoutMs: 15_000 });
}

export type WaitOptions = { timeoutMs: number; everyMs?: number };

/** Looks until the condition holds; false when the time is over. */
export async function until(condition: () => boolean | Promise<boolean>, options: WaitOptions): Promise<boolean> {
  const deadline = performance.now() + options.timeoutMs;
  for (;;) {
    if (await condition()) return true;
    if (performance.now() >= deadline) return false;
    await delay(options.everyMs ?? 25);
  }
}

/** Looks until the condition holds. Throws, with `detail()` added, when it never does within the time. */
export async function waitFor(
  what: string,
  condition: () => boolean | Promise<boolean>,
  options: WaitOptions & { detail?: () => string },
): Promise<void> {
  if (await until(condition, options)) return;
  const detail = options.detail?.() ?? "";
  throw new ShiplockError({
    code: "lab-timeout",
    message: `waited ${options.timeoutMs} ms in vain for ${what}${detail === "" ? "" : `: ${detail}`}`,
  });
}

/** Runs `work` over the items, at most `limit` at a time; the results keep the items' order. The first failure is thrown at the end. */
export async function inParallel<T, R>(
  items: readonly T[],
  limit: number,
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const waiting = [...items.entries()];
  async function worker(): Promise<void> {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) results[next[0]] = await work(next[1]);
  }
  const outcomes = await Promise.allSettled(Array.from({ length: limit }, worker));
  const failure = outcomes.find((outcome) => outcome.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return results;
}
