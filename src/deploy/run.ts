import type { JournalEntry } from "../environments/record/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { LineMask, Masker } from "../secrets/mask.ts";
import type { GraphNode } from "./graph.ts";
import { reversed, runGraph } from "./graph.ts";
import { stepsBeforeCommit } from "./plan.ts";
import type { Evidence, Plan, Step, StepKind } from "./types.ts";

/**
 * What carries a plan's steps out on a target.
 *
 * `perform` is convergent: it looks at the world first, acts only where something is missing, and may be called again after any crash. It returns when its
 * effect is observed, not when a command returned. `undo` brings back what was before, looks first too, and may be called for a step that never began.
 * Steps are called as soon as the plan lets them, so those of different hosts at the same time, and those of one host that only write files beside the others.
 * All end within their own deadlines and soon after `signal` aborts.
 */
export type StepWorker = {
  perform(step: Step, run: StepRun): Promise<Evidence>;
  undo(step: Step, run: StepRun): Promise<Evidence>;
};

export type StepRun = { signal: AbortSignal; log: (line: string) => void };

export type StepEvent = {
  kind: "step-began" | "step-done" | "step-failed" | "undo-began" | "undo-done" | "undo-failed" | "step-log";
  step: Step;
  at: string;
  text?: string;
  evidence?: Evidence;
};

export type RunOptions = {
  plan: Plan;
  worker: StepWorker;
  fence: number;
  /** Hosts worked on at once. */
  parallel: number;
  /** Writes journal entries; returns when they are synced. */
  append: (entries: readonly JournalEntry[]) => Promise<void>;
  /** Aborted when the user interrupts: the deployment then goes back, if it is before its commit point. */
  signal: AbortSignal;
  /** Aborted when the right to change the environment is gone: nothing more is attempted, not even going back. */
  lost: AbortSignal;
  now: () => Date;
  /** Takes the values of secrets out of text that came from outside; everything that is kept or told passes it. */
  mask: Masker;
  onEvent: (event: StepEvent) => void;
  /** Steps that began before this run and were not undone since: empty on the first run, read from the journal on a resume. */
  begun?: ReadonlySet<string>;
  /** Whether the commit point lies behind: the record says so when a deployment is resumed. From there the way is only forward. */
  committed?: boolean;
};

export type StepFailure = { step: Step; error: unknown };

export type RunResult =
  | { kind: "completed" }
  /** It failed (or was interrupted) before the commit point and everything is as it was. */
  | { kind: "undone"; cause: StepFailure | "interrupted" }
  /** The right to act was lost in the middle: whoever holds the environment now decides. */
  | { kind: "lost"; cause: StepFailure | "interrupted" }
  /** Going back failed too, or something after the commit point did: a person or `resume` is needed. */
  | { kind: "stuck"; cause: StepFailure | "interrupted"; undo: readonly StepFailure[]; committed: boolean };

/** Steps that only look: they need no journal entry before they begin. */
const observing: ReadonlySet<StepKind> = new Set(["ready", "drain", "verify"]);

type Work = GraphNode & { step: Step };

/**
 * Runs a plan from its beginning. Resuming is the same call: every step looks first. On a failure before the commit point, everything that began is undone
 * in reverse order; after it, the way is only forward.
 */
export async function runPlan(options: RunOptions): Promise<RunResult> {
  const journal = openJournal(options);
  const began = new Set(options.begun);
  let committed = options.committed ?? false;
  const forward = await runGraph(
    options.plan.steps.map(toWork),
    options.parallel,
    async ({ step }) => {
      if (isOvertaken(step, options)) return;
      began.add(step.id);
      // What has been begun of a commit is carried out: half of it would leave in doubt which release is live.
      const uninterrupted = committed || step.action.kind === "commit";
      await performStep(step, options, journal, uninterrupted ? neverAborted : options.signal);
      if (step.action.kind === "commit") committed = true;
    },
    () => options.lost.aborted || (options.signal.aborted && !committed),
  );
  await journal.flush();
  const [failure] = forward.failed;
  if (failure === undefined && forward.skipped.length === 0) return { kind: "completed" };
  const cause: StepFailure | "interrupted" =
    failure === undefined || (options.signal.aborted && !committed)
      ? "interrupted"
      : { step: failure.node.step, error: failure.error };
  if (options.lost.aborted) return { kind: "lost", cause };
  // A commit that failed may have happened: only a fresh look at the record can tell, so nothing is undone on a guess.
  const commitInDoubt = forward.failed.some(({ node }) => node.step.action.kind === "commit");
  if (committed || commitInDoubt) return { kind: "stuck", cause, undo: [], committed };
  const undone = await undoPlan(options, began);
  if (undone.length === 0) return { kind: "undone", cause };
  return options.lost.aborted ? { kind: "lost", cause } : { kind: "stuck", cause, undo: undone, committed: false };
}

/**
 * Undoes every step before the commit point that began, the last one first.
 * @param began ids of the steps that may have had an effect; the journal tells them after a crash
 * @returns the failures; empty when everything is as it was
 */
export async function undoPlan(
  options: Omit<RunOptions, "signal">,
  began: ReadonlySet<string>,
): Promise<StepFailure[]> {
  const journal = openJournal(options);
  const steps = stepsBeforeCommit(options.plan).filter((step) => began.has(step.id));
  const result = await runGraph(
    reversed(steps.map(toWork)),
    options.parallel,
    async ({ step }) => undoStep(step, options, journal),
    () => options.lost.aborted,
  );
  await journal.flush();
  const failures = result.failed.map(({ node, error }) => ({ step: node.step, error }));
  if (failures.length > 0 || result.skipped.length === 0) return failures;
  const error = new ShiplockError({
    code: "deploy/not-undone",
    blame: "person",
    message: "the right to act was lost before everything was undone",
  });
  return result.skipped.map(({ step }) => ({ step, error }));
}

/** The steps of a journal that may have had an effect: whatever began, whether or not its end was written, unless it was undone since. */
export function stepsThatBegan(entries: readonly JournalEntry[]): Set<string> {
  const last = new Map(entries.map((entry) => [entry.step, entry.event]));
  return new Set([...last].filter(([, event]) => event !== "undone").map(([step]) => step));
}

/**
 * Traffic only moves forward: when a host had already been on its way to a later assignment, an earlier one is not set again, since replicas it names may have
 * been stopped by then. The same holds for the router of both releases once that of the new one alone was on its way.
 */
function isOvertaken(step: Step, options: RunOptions): boolean {
  const { kind } = step.action;
  if (kind !== "shift" && kind !== "proxy") return false;
  const later = options.plan.steps.slice(options.plan.steps.indexOf(step) + 1);
  return later.some(
    (other) => other.host === step.host && other.action.kind === kind && options.begun?.has(other.id) === true,
  );
}

const neverAborted = new AbortController().signal;

function toWork(step: Step): Work {
  return { id: step.id, needs: step.needs, lane: step.host, step };
}

type Journal = ReturnType<typeof openJournal>;

/** `note` keeps an entry until the next `before`; `before` returns when all entries so far are synced. */
function openJournal(options: Pick<RunOptions, "append" | "now" | "fence" | "lost" | "mask">) {
  let waiting: JournalEntry[] = [];
  const entry = (
    step: Step,
    event: JournalEntry["event"],
    summary?: string,
    demands?: Evidence["demands"],
  ): JournalEntry => ({
    step: step.id,
    event,
    at: options.now().toISOString(),
    fence: options.fence,
    ...(summary === undefined ? {} : { summary: options.mask(summary) }),
    ...(demands === undefined ? {} : { demands }),
  });
  async function flush(): Promise<void> {
    if (waiting.length === 0 || options.lost.aborted) return;
    const entries = waiting;
    waiting = [];
    await options.append(entries);
  }
  return {
    note(step: Step, event: JournalEntry["event"], summary?: string, demands?: Evidence["demands"]): void {
      waiting.push(entry(step, event, summary, demands));
    },
    async before(step: Step, event: JournalEntry["event"]): Promise<void> {
      waiting.push(entry(step, event));
      await flush();
    },
    flush,
  };
}

async function performStep(step: Step, options: RunOptions, journal: Journal, signal: AbortSignal): Promise<void> {
  const tell = teller(step, options);
  const log = stepLog(tell, options);
  tell("step-began");
  try {
    if (observing.has(step.action.kind)) journal.note(step, "began");
    else await journal.before(step, "began");
    const run = { signal: AbortSignal.any([signal, options.lost]), log: log.line };
    const evidence = await options.worker.perform(step, run).finally(log.end);
    // That the operation is closed stands in the record; the journal has nobody left to tell.
    if (step.action.kind !== "close") journal.note(step, "done", evidence.summary, evidence.demands);
    tell("step-done", { evidence });
  } catch (error) {
    // A signal is aborted with its name alone.
    const text = typeof error === "string" ? `interrupted by ${error}` : messageOf(error);
    journal.note(step, "failed", text);
    tell("step-failed", { text });
    throw error;
  }
}

async function undoStep(step: Step, options: Omit<RunOptions, "signal">, journal: Journal): Promise<void> {
  const tell = teller(step, options);
  const log = stepLog(tell, options);
  if (observing.has(step.action.kind)) return;
  tell("undo-began");
  try {
    await journal.before(step, "undoing");
    const evidence = await options.worker.undo(step, { signal: options.lost, log: log.line }).finally(log.end);
    journal.note(step, "undone", evidence.summary);
    tell("undo-done", { evidence });
  } catch (error) {
    tell("undo-failed", { text: messageOf(error) });
    throw error;
  }
}

/** What a step lets its containers say: a secret may be broken over lines of it. */
function stepLog(tell: ReturnType<typeof teller>, { mask }: Pick<RunOptions, "mask">) {
  const lines: LineMask<null> = mask.lines((_none, text) => tell("step-log", { text }));
  return { line: (text: string): void => lines.push(null, text), end: lines.end };
}

function teller(step: Step, options: Pick<RunOptions, "now" | "onEvent" | "mask">) {
  return (kind: StepEvent["kind"], { text, evidence }: Pick<StepEvent, "text" | "evidence"> = {}): void =>
    options.onEvent({
      kind,
      step,
      at: options.now().toISOString(),
      ...(text === undefined ? {} : { text: options.mask(text) }),
      ...(evidence === undefined ? {} : { evidence: { ...evidence, summary: options.mask(evidence.summary) } }),
    });
}
