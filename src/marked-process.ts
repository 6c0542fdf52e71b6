import { spawn } from "node:child_process";
import { StringDecoder } from "node:string_decoder";
import type { Clock } from "./clock.ts";
import { messageOf } from "./errors.ts";
import { endMarked, type Marked, marked, markVariables } from "./process-tree.ts";

/** How a process ended: by itself, with what ended it where that was a signal, or because its time was over. */
export type ProcessEnd =
  | { readonly kind: "ended"; readonly exitCode: number; readonly because: string | null }
  | { readonly kind: "timed-out" };

/** Lines as they come. */
export type TellLine = (line: { stream: "stdout" | "stderr"; text: string }) => void;

export type MarkedProcess = {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** All that it gets, besides the mark. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Of all its processes; `outer` is what the variable holds here already. */
  readonly mark: { readonly kind: Marked; readonly own: string; readonly outer: string | undefined };
  readonly timeoutMs: number;
  /** Between SIGTERM and SIGKILL when it is stopped; with 0 there is no SIGTERM. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly tell: TellLine;
  readonly interrupted: () => Error;
  readonly notStarted: (error: NodeJS.ErrnoException) => Error;
};

const longestLine = 1024 * 1024;
/** For the pipes to close, once every process that could hold them is gone. */
const lastLinesMs = 5_000;

/**
 * Runs a program of this machine, never a shell line, in a process group of its own, and waits for its end. When it ends, its time is over, or `signal` aborts, everything that it
 * started is told to end too; who has to know that nothing of it is left waits with `endMarked`.
 * @throws what `interrupted` and `notStarted` make
 */
export function runMarkedProcess(request: MarkedProcess): Promise<ProcessEnd> {
  const { mark, signal, clock, graceMs } = request;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(request.interrupted());
    const child = spawn(request.program, [...request.args], {
      cwd: request.cwd,
      env: { ...request.env, [markVariables[mark.kind]]: marked(mark.own, mark.outer) },
      stdio: ["ignore", "pipe", "pipe"],
      // A group of its own: Ctrl-C in a terminal goes to Shiplock alone, which ends it in order.
      detached: true,
    });
    readLines(child.stdout, "stdout", request.tell);
    readLines(child.stderr, "stderr", request.tell);
    let end: ProcessEnd | null = null;
    let failure: Error | null = null;
    let grace: NodeJS.Timeout | undefined;
    const endAll = (): void => {
      signalGroup(child.pid, "SIGKILL");
      endMarked(mark.kind, (one) => one === mark.own, clock).catch((error: unknown) => {
        failure ??= error instanceof Error ? error : new Error(messageOf(error));
      });
    };
    const stopAll = (): void => {
      if (graceMs === 0) return endAll();
      signalGroup(child.pid, "SIGTERM");
      grace ??= setTimeout(endAll, graceMs);
    };
    const timer = setTimeout(() => {
      end ??= { kind: "timed-out" };
      stopAll();
    }, request.timeoutMs);
    const stop = (): void => {
      failure ??= request.interrupted();
      stopAll();
    };
    signal.addEventListener("abort", stop, { once: true });
    const settle = (): void => {
      clearTimeout(timer);
      clearTimeout(grace);
      signal.removeEventListener("abort", stop);
    };
    child.once("error", (error) => {
      settle();
      reject(request.notStarted(error));
    });
    child.once("exit", (code, signalName) => {
      const because = signalName === null ? null : `it was ended by ${signalName}`;
      end ??= { kind: "ended", exitCode: code ?? 128, because };
      // What it left running in the background may hold its pipes.
      endAll();
      const late = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, lastLinesMs);
      child.once("close", () => clearTimeout(late));
    });
    child.once("close", () => {
      settle();
      if (failure !== null) return reject(failure);
      resolve(end ?? { kind: "ended", exitCode: 128, because: null });
    });
  });
}

/** Why a program did not start, for a person. */
export function notStartedWords(program: string, error: NodeJS.ErrnoException): string {
  return error.code === "ENOENT"
    ? `the program "${program}" is not installed here`
    : `"${program}" could not be started: ${messageOf(error)}`;
}

function signalGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function readLines(source: NodeJS.ReadableStream, stream: "stdout" | "stderr", tell: TellLine): void {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  source.on("data", (chunk: Buffer) => {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) tell({ stream, text: line.replace(/\r$/, "") });
    // A line without an end is told in pieces: nothing is held without bounds.
    if (rest.length < longestLine) return;
    tell({ stream, text: rest });
    rest = "";
  });
  source.on("close", () => {
    if (rest !== "") tell({ stream, text: rest });
    rest = "";
  });
}
