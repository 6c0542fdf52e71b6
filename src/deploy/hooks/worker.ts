import type { JournalEntry } from "../../environments/record/types.ts";
import { ShiplockError } from "../../errors.ts";
import type { ProcessEnd } from "../../marked-process.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import type { StepRun, StepWorker } from "../run.ts";
import type { Evidence, Plan, Step } from "../types.ts";
import type { Hook, HookPoint } from "./types.ts";
import { type HookState, hookVariables } from "./variables.ts";

/**
 * Runs a hook on the machine that deploys.
 *
 * `run` returns when the hook has ended and no process of it is left, at the latest soon after its timeout. It rejects with `hook/interrupted` soon after `signal` aborts, and with
 * `hook/not-started` where there is no such program. Hooks never run beside each other within one deployment.
 */
export type HookRunner = { run(call: HookCall, run: StepRun): Promise<ProcessEnd> };

/** `variables` are all it gets besides a few of the machine's own; they may hold secrets. */
export type HookCall = { hook: Hook; point: HookPoint; variables: Readonly<Record<string, string>> };

/** What a hook of a deployment needs to know. */
export type HookContext = {
  runner: HookRunner;
  plan: Plan;
  document: ReleaseDocument;
  /** Of all hooks that run, by name. */
  secrets: Readonly<Record<string, string>>;
};

/** A worker that also runs hooks, and why the deployment is to be followed by a rollback; null as long as no hook said so. */
export type HookWorker = StepWorker & { wantsRollback(): string | null };

/** Lines of a hook's output that an error shows. */
const shownLines = 10;

/**
 * Runs the hooks of a plan, and leaves all other steps to `worker`. A hook whose end stands in the journal is not run again; one that was begun and whose end nobody wrote is.
 * @param journal of the same deployment, from before this run
 */
export function withHooks(worker: StepWorker, context: HookContext, journal: readonly JournalEntry[]): HookWorker {
  let wanted: string | null = null;

  async function perform(step: Step, point: HookPoint, hook: Hook, run: StepRun): Promise<Evidence> {
    const { ended, inDoubt } = earlier(journal, step.id);
    const evidence = ended ?? (await runHook(step, point, hook, run, inDoubt));
    if (evidence.demands === "rollback") wanted ??= evidence.summary;
    return evidence;
  }

  async function runHook(step: Step, point: HookPoint, hook: Hook, run: StepRun, inDoubt: boolean): Promise<Evidence> {
    if (inDoubt) run.log("this hook was begun before and its end is not known: it runs again");
    // Everything that a deployment is about lies behind it by now.
    const state = point === "after" ? { state: "succeeded", outcome: `${context.plan.to} is live` } : null;
    const failure = await failureOf(point, hook, context, state, run);
    if (failure === null) return { acted: true, summary: "passed" };
    if (hook.onFailure === "stop") throw failure;
    const goesBack = hook.onFailure === "rollback" && context.plan.kind !== "rollback";
    if (goesBack)
      return { acted: true, failed: true, summary: `${failure.message}; a rollback is wanted`, demands: "rollback" };
    return { acted: true, failed: true, summary: `${failure.message}; the deployment goes on` };
  }

  return {
    perform: (step, run) => {
      const { action } = step;
      return action.kind === "hook" ? perform(step, action.point, action.hook, run) : worker.perform(step, run);
    },
    undo: async (step, run) =>
      step.action.kind === "hook"
        ? { acted: false, summary: "what a hook did is not taken back" }
        : worker.undo(step, run),
    wantsRollback: () => wanted,
  };
}

/**
 * Runs a hook to its end.
 * @returns why it failed, with its last lines; null when it passed
 * @throws what the runner rejects with when it was interrupted
 */
export async function failureOf(
  point: HookPoint,
  hook: Hook,
  context: HookContext,
  state: HookState | null,
  { signal, log }: StepRun,
): Promise<ShiplockError | null> {
  const last: string[] = [];
  const keep = (line: string): void => {
    last.push(line);
    if (last.length > shownLines) last.shift();
    log(line);
  };
  const variables = hookVariables(context, point, hook, state);
  const named = `the hook "${hook.name}" (${point})`;
  try {
    const end = await context.runner.run({ hook, point, variables }, { signal, log: keep });
    if (end.kind === "ended" && end.exitCode === 0) return null;
    const how =
      end.kind === "timed-out"
        ? `did not end within ${hook.timeoutMs / 1000} s and was stopped`
        : `failed: ${end.because ?? `exit code ${end.exitCode}`}`;
    return new ShiplockError({
      code: end.kind === "timed-out" ? "hook/timeout" : "hook/failed",
      message: `${named} ${how}`,
      details: last,
      remedy: `mend the command${end.kind === "timed-out" ? ", give it more time with `timeout`" : ""}, or let the deployment go on without it with \`onFailure: continue\``,
    });
  } catch (error) {
    if (!(error instanceof ShiplockError) || error.code !== "hook/not-started") throw error;
    const { code, blame, message, remedy } = error;
    const what = { code, blame, message: `${named}: ${message}`, cause: error };
    return new ShiplockError(remedy === undefined ? what : { ...what, remedy });
  }
}

/** What the journal knows of a hook since it was last taken back: how it ended, or only that it was begun. */
function earlier(journal: readonly JournalEntry[], step: string): { ended: Evidence | null; inDoubt: boolean } {
  let ended: Evidence | null = null;
  let inDoubt = false;
  for (const entry of journal) {
    if (entry.step !== step) continue;
    if (entry.event === "done") {
      const demanded = entry.demands === undefined ? {} : { demands: entry.demands };
      ended = { acted: false, summary: `was run before: ${entry.summary ?? "passed"}`, ...demanded };
    } else if (entry.event !== "began") ended = null;
    inDoubt = entry.event === "began";
  }
  return { ended, inDoubt };
}
