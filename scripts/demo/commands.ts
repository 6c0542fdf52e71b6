import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { DemoFailed } from "./failure.ts";
import type { Paper } from "./paper.ts";

/** One person's machine: a clone, a home and a history of its own. */
export type Machine = { who: string; folder: string; env: Readonly<Record<string, string>> };

export type ShiplockOptions = {
  program: string;
  paper: Paper;
  /** Aborted when the demo is to end: the command is asked to end, and made to. */
  signal: AbortSignal;
  /** Hears every line that the command writes. */
  onLine?: (line: string) => void;
};

const timeoutMs = 10 * 60_000;
/** How long an interrupted command may go back to a safe state. The lab is torn down afterwards in any case. */
const graceMs = 10_000;

/**
 * Runs `shiplock ARGS` as a child process, and shows the command and what it writes.
 * @param wanted the exit code it has to end with
 * @throws DemoFailed when it ends with another one; the signal's reason when the demo is interrupted
 */
export async function shiplock(
  machine: Machine,
  args: readonly string[],
  { program, paper, signal, onLine }: ShiplockOptions,
  wanted = 0,
): Promise<string> {
  signal.throwIfAborted();
  paper.command(["shiplock", ...args.map(quoted)].join(" "), machine.who);
  // In a process group of its own, so that Ctrl-C reaches the demo alone, which then ends it with all that it started.
  const child = spawn(process.execPath, [program, ...args], {
    cwd: machine.folder,
    env: { ...machine.env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const said: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on("line", (line) => {
      said.push(line);
      paper.output(line);
      onLine?.(line);
    });
  }
  const code = await endOf(child, AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]));
  signal.throwIfAborted();
  if (code === wanted) return said.join("\n");
  throw new DemoFailed(`\`shiplock ${args.join(" ")}\` ended with exit code ${code}, not ${wanted}`);
}

function endOf(child: ChildProcess, signal: AbortSignal): Promise<number> {
  return new Promise((resolve, reject) => {
    let kill: NodeJS.Timeout | undefined;
    function end(): void {
      signalGroup(child, "SIGTERM");
      kill = setTimeout(() => signalGroup(child, "SIGKILL"), graceMs);
    }
    signal.addEventListener("abort", end, { once: true });
    child.once("error", reject);
    child.once("close", (code) => {
      clearTimeout(kill);
      signal.removeEventListener("abort", end);
      resolve(code ?? 128);
    });
  });
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    // It ended in this very moment.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** As one would have to type it in a shell; for reading, nothing is run from it. */
function quoted(argument: string): string {
  return /^[A-Za-z0-9_./:=@-]+$/.test(argument) ? argument : `'${argument.replaceAll("'", "'\\''")}'`;
}
