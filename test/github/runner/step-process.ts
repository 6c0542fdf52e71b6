import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export type StepProcess = {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** The whole environment; nothing of the test's own. */
  readonly env: Readonly<Record<string, string>>;
  readonly limitMs: number;
  readonly print: (line: string) => void;
  readonly onStart: (pid: number) => void;
  /** Somebody cancelled the run. */
  readonly cancelled: AbortSignal;
  /** The machine is gone. */
  readonly lost: AbortSignal;
};

/** How long GitHub's runner waits after SIGINT and after SIGTERM. */
const afterInterruptMs = 7_500;
const afterTerminateMs = 2_500;

/** For output that something left in the background holds open. */
const lastOutputMs = 5_000;

/** Runs a step's process to its end, as GitHub's runner does; resolves with the exit code, null after a signal. */
export function runStepProcess(step: StepProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(step.program, [...step.args], {
      cwd: step.cwd,
      env: { ...step.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const timers = new Set<NodeJS.Timeout>();
    const later = (ms: number, action: () => void): void => void timers.add(setTimeout(action, ms));
    const { pid } = child;
    let broken: Error | null = null;
    if (pid !== undefined) step.onStart(pid);

    const signalAlone = (signal: NodeJS.Signals): void => void child.kill(signal);
    const endAll = (): void => endGroup(pid);
    const cancel = (): void => {
      signalAlone("SIGINT");
      later(afterInterruptMs, () => signalAlone("SIGTERM"));
      later(afterInterruptMs + afterTerminateMs, endAll);
    };
    step.lost.addEventListener("abort", endAll, { once: true });
    if (step.cancelled.aborted) cancel();
    step.cancelled.addEventListener("abort", cancel, { once: true });
    later(step.limitMs, () => {
      step.print(`::error::The step has timed out after ${step.limitMs} ms.`);
      cancel();
    });

    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on("line", (line) => {
        try {
          step.print(line);
        } catch (error) {
          broken ??= new Error("a step printed what the runner for tests does not carry out", { cause: error });
          endAll();
        }
      });
    }
    child.once("error", reject);
    child.once("exit", () => {
      for (const timer of timers) clearTimeout(timer);
      const late = setTimeout(() => {
        child.stdout.destroy();
        child.stderr.destroy();
      }, lastOutputMs);
      child.once("close", () => clearTimeout(late));
    });
    child.once("close", (code) => {
      step.cancelled.removeEventListener("abort", cancel);
      step.lost.removeEventListener("abort", endAll);
      if (broken === null) resolve(code);
      else reject(broken);
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // It may have ended between the decision and the signal.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
