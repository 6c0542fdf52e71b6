import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { waitFor } from "../../lab/process.ts";

export type CommandOptions = {
  cwd: string;
  /** The whole environment of the command; nothing of the test's own. */
  env: Readonly<Record<string, string>>;
  /** Until it is killed and the test fails, in milliseconds; three minutes unless told. */
  timeoutMs?: number;
};

/** `json` is the document of `--json`, or the list of events of `--json=stream`; undefined without either or if it is none. */
export type CommandResult = { code: number; stdout: string; stderr: string; json: unknown; milliseconds: number };

/** What an error is in `--json`. */
export type ToldError = { code: string; message: string; where?: string; remedy?: string; details: string[] };

export type RunningCommand = {
  readonly pid: number;
  /** What it wrote so far, both streams as they came. */
  output(): string;
  /** Waits for this text or pattern in its output. Fails when the command ends without it, or after `timeoutMs` (two minutes). */
  waitForOutput(pattern: string | RegExp, timeoutMs?: number): Promise<void>;
  /** Sends a signal to the command's own process alone. */
  kill(signal: NodeJS.Signals): void;
  /** Its end; 128 is the code after a signal. */
  readonly ended: Promise<CommandResult>;
};

const defaultTimeoutMs = 180_000;

/** The command line under test: what SHIPLOCK_E2E_PROGRAM names, which is the built program in `npm test`; otherwise the sources. */
export const program = process.env["SHIPLOCK_E2E_PROGRAM"] ?? join(import.meta.dirname, "../../../src/cli/shiplock.ts");

/** Starts the command line as a child process with an argument list. */
export function startCommand(args: readonly string[], options: CommandOptions): RunningCommand {
  const began = performance.now();
  const child: ChildProcess = spawn(process.execPath, [program, ...args], {
    cwd: options.cwd,
    env: { ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const { pid } = child;
  if (pid === undefined) throw new Error("the command line could not be started");
  const streams = { stdout: "", stderr: "" };
  let both = "";
  let over = false;
  for (const name of ["stdout", "stderr"] as const) {
    child[name]?.setEncoding("utf8").on("data", (text: string) => {
      streams[name] += text;
      both += text;
    });
  }
  const timeoutMs = options.timeoutMs ?? defaultTimeoutMs;
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    child.kill("SIGKILL");
  }, timeoutMs);
  const ended = new Promise<CommandResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => {
      over = true;
      clearTimeout(timer);
      if (timedOut) return reject(new Error(`shiplock ${args.join(" ")} did not end within ${timeoutMs} ms:\n${both}`));
      resolve({
        code: code ?? 128,
        ...streams,
        json: jsonOf(args, streams.stdout),
        milliseconds: performance.now() - began,
      });
    });
  });
  // Whoever awaits it hears of it; a test that failed before must not end the whole run.
  ended.catch(() => undefined);
  return {
    pid,
    output: () => both,
    waitForOutput: async (pattern, waitMs = 120_000) => {
      const seen = (): boolean => (typeof pattern === "string" ? both.includes(pattern) : pattern.test(both));
      await waitFor(`${String(pattern)} in the output of shiplock ${args.join(" ")}`, () => seen() || over, {
        timeoutMs: waitMs,
        everyMs: 10,
        detail: () => both,
      });
      if (!seen()) throw new Error(`shiplock ${args.join(" ")} ended without ${String(pattern)}:\n${both}`);
    },
    kill: (signal) => {
      child.kill(signal);
    },
    ended,
  };
}

/** The error of a `--json` document; an exception with all that was said if there is none. */
export function errorOf(result: CommandResult): ToldError {
  const documents = Array.isArray(result.json) ? result.json : [result.json];
  for (const document of documents) {
    if (typeof document === "object" && document !== null && "error" in document) return document.error as ToldError;
  }
  throw new Error(`no error was told (exit ${result.code}):\n${result.stdout}\n${result.stderr}`);
}

function jsonOf(args: readonly string[], stdout: string): unknown {
  try {
    if (args.includes("--json")) return JSON.parse(stdout);
    if (args.includes("--json=stream"))
      return stdout
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => JSON.parse(line) as unknown);
  } catch {
    // Not JSON: the test that wanted it sees so, and all output beside it.
  }
  return undefined;
}
