import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import { ShiplockError } from "./errors.ts";

export type ProgramResult = { exitCode: number; stdout: string; stderr: string };

export type ProgramOptions = {
  cwd?: string;
  env?: Readonly<Record<string, string | undefined>>;
  input?: string | Uint8Array;
  timeoutMs: number;
  signal?: AbortSignal;
  onLine?: (line: string, stream: "stdout" | "stderr") => void;
  /** Most bytes kept of each stream; the beginning is dropped beyond it. */
  keepBytes?: number;
};

/** For the output to close, once the program has ended. */
const lastOutputMs = 2_000;

/**
 * Runs a program with an argument list (never a shell line) and waits for its end. On timeout or abort its whole process group is ended.
 * @throws ShiplockError `program/missing`, `program/timeout`, `program/interrupted`; an exit code is returned, not thrown
 */
export function runProgram(program: string, args: readonly string[], options: ProgramOptions): Promise<ProgramResult> {
  return new Promise((resolve, reject) => {
    if (options.signal?.aborted === true) return reject(interrupted(program));
    const child = spawn(program, [...args], {
      cwd: options.cwd,
      env: options.env === undefined ? process.env : { ...options.env },
      stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      detached: true,
    });
    let failure: ShiplockError | null = null;
    const keepBytes = options.keepBytes ?? 16 * 1024 * 1024;
    const streams = { stdout: collect("stdout"), stderr: collect("stderr") };
    const end = (error: ShiplockError): void => {
      failure ??= error;
      endGroup(child.pid);
    };
    const timer = setTimeout(() => end(timedOut(program, options.timeoutMs)), options.timeoutMs);
    const onAbort = (): void => end(interrupted(program));
    options.signal?.addEventListener("abort", onAbort, { once: true });
    child.on("error", (error: NodeJS.ErrnoException) => {
      clear();
      reject(error.code === "ENOENT" ? missing(program) : error);
    });
    child.once("exit", () => {
      // What it left running in the background may hold its output for as long as it likes. What was written by now is still read.
      const late = setTimeout(() => {
        setImmediate(() => {
          child.stdout?.destroy();
          child.stderr?.destroy();
        });
      }, lastOutputMs);
      child.once("close", () => clearTimeout(late));
    });
    child.on("close", (code) => {
      clear();
      if (failure !== null) return reject(failure);
      resolve({ exitCode: code ?? 1, stdout: streams.stdout(), stderr: streams.stderr() });
    });
    // A program may end without reading its input; its exit code tells what that meant.
    child.stdin?.on("error", () => undefined);
    if (options.input !== undefined) child.stdin?.end(options.input);

    function clear(): void {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    }

    function collect(name: "stdout" | "stderr"): () => string {
      const chunks: Buffer[] = [];
      let size = 0;
      const decoder = new StringDecoder("utf8");
      let rest = "";
      child[name]?.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        size += chunk.length;
        while (size - (chunks[0]?.length ?? 0) > keepBytes) size -= chunks.shift()?.length ?? 0;
        if (options.onLine === undefined) return;
        const lines = (rest + decoder.write(chunk)).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) options.onLine(line, name);
      });
      const tellRest = (): void => {
        if (rest !== "") options.onLine?.(rest, name);
        rest = "";
      };
      child[name]?.on("end", tellRest);
      // Without an end, where it is held by somebody else.
      child[name]?.on("close", tellRest);
      return () => Buffer.concat(chunks).toString("utf8");
    }
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // The group may have ended between the decision and the signal.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function missing(program: string): ShiplockError {
  return new ShiplockError({
    code: "program/missing",
    blame: "usage",
    message: `the program "${program}" is not installed here`,
    remedy: `install ${program} and run the command again`,
  });
}

function timedOut(program: string, timeoutMs: number): ShiplockError {
  return new ShiplockError({
    code: "program/timeout",
    message: `${program} did not end within ${timeoutMs / 1000} s and was stopped`,
  });
}

function interrupted(program: string): ShiplockError {
  return new ShiplockError({
    code: "program/interrupted",
    message: `${program} was stopped because the command was interrupted`,
  });
}
