import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Contexts, createEvaluation, type Evaluation, type Functions } from "../official/expressions.ts";
import { createCommandFiles } from "./command-files.ts";
import type { ForeignActions } from "./foreign/table.ts";
import { hashFiles } from "./hash-files.ts";
import type { JobLog } from "./job-log.ts";
import type { Machine } from "./machine.ts";
import { findOwnAction, inputVariables, type OwnAction } from "./own-action.ts";
import type { TokenPermissions } from "./permissions.ts";
import { runStepProcess } from "./step-process.ts";
import type { JobResult, RunIdentity, RunnerOptions, StepEnd } from "./types.ts";
import type { Job, Step } from "./workflow-file.ts";

export type StepsTask = {
  readonly run: RunIdentity;
  readonly job: Job;
  readonly name: string;
  /** All but `env`, `steps` and `job`, which steps change. */
  readonly contexts: Contexts;
  /** What every process finds, of machine and runner. */
  readonly env: Readonly<Record<string, string>>;
  /** `env` of workflow and job. */
  readonly variables: Readonly<Record<string, string>>;
  readonly machine: Machine;
  readonly permissions: TokenPermissions;
  readonly token: string;
  readonly log: JobLog;
  readonly limitMs: number;
  readonly foreign: ForeignActions;
  readonly options: RunnerOptions;
  readonly cancelled: AbortSignal;
  readonly lost: AbortSignal;
  readonly onProcess: (pid: number | null) => void;
  readonly onSummary: (text: string) => void;
  readonly onStep: (end: StepEnd) => void;
};

type Status = "success" | "failure" | "cancelled";
type Post = {
  readonly name: string;
  readonly condition: string;
  readonly run: (cancelled: AbortSignal) => Promise<boolean>;
};
type Done = { readonly succeeded: boolean; readonly outputs: Record<string, string> };

/** The steps of one job, and after them, from the last to the first, what actions left to be done at the end. */
export function createSteps(task: StepsTask): { run(): Promise<JobResult>; evaluation(): Evaluation } {
  const { machine, log, lost } = task;
  const variables: Record<string, string> = { ...task.variables };
  const ends: Record<string, StepEnd> = {};
  const posts: Post[] = [];
  let paths: string[] = [];
  let failed = false;

  const status = (): Status => (task.cancelled.aborted ? "cancelled" : failed ? "failure" : "success");

  function evaluation(env: Readonly<Record<string, string>> = variables): Evaluation {
    const steps = Object.fromEntries(
      Object.values(ends).map(({ id, outcome, conclusion, outputs }) => [
        id,
        { outcome, conclusion, outputs: { ...outputs } },
      ]),
    );
    const functions: Functions = {
      success: () => status() === "success",
      failure: () => status() === "failure",
      cancelled: () => status() === "cancelled",
      always: () => true,
      hashFiles: (...patterns) => hashFiles(machine.workspace, patterns),
    };
    return createEvaluation({ ...task.contexts, env: { ...env }, steps, job: { status: status() } }, functions);
  }

  /** Told to a step when somebody cancels the run, unless its condition holds even then. */
  function cancelOf(condition: string): { signal: AbortSignal; done: () => void } {
    const controller = new AbortController();
    const cancel = (): void => {
      if (!evaluation().holds(condition)) controller.abort();
    };
    // A step that begins after the cancellation was allowed to.
    if (!task.cancelled.aborted) task.cancelled.addEventListener("abort", cancel, { once: true });
    return { signal: controller.signal, done: () => task.cancelled.removeEventListener("abort", cancel) };
  }

  async function process(
    program: string,
    args: readonly string[],
    { env, cwd, cancelled }: { env: Record<string, string>; cwd: string; cancelled: AbortSignal },
  ): Promise<{ code: number | null; files: ReturnType<ReturnType<typeof createCommandFiles>["read"]> }> {
    const files = createCommandFiles(join(machine.temporary, "_runner_file_commands", randomUUID()));
    const path = [...paths.toReversed(), task.env["PATH"] ?? ""].join(":");
    const code = await runStepProcess({
      program,
      args,
      cwd,
      env: { ...task.env, ...variables, ...env, PATH: path, ...files.env },
      limitMs: task.limitMs,
      print: log.print,
      onStart: task.onProcess,
      cancelled,
      lost,
    });
    task.onProcess(null);
    log.resume();
    const read = files.read();
    Object.assign(variables, read.variables);
    paths = [...paths, ...read.paths];
    if (read.summary !== "") task.onSummary(read.summary);
    return { code, files: read };
  }

  async function runScript(step: Step, env: Record<string, string>, cancelled: AbortSignal): Promise<Done> {
    const now = evaluation({ ...variables, ...env });
    const shell = step.shell ?? task.job.shell;
    const file = join(machine.temporary, `${randomUUID()}.sh`);
    writeFileSync(file, now.text(step.run ?? ""));
    const [program = "", ...args] = shellCommand(shell === undefined ? undefined : now.text(shell), file);
    const cwd = resolve(machine.workspace, step.workingDirectory === undefined ? "" : now.text(step.workingDirectory));
    const { code, files } = await process(program, args, { env, cwd, cancelled });
    if (code !== 0) log.print(`::error::Process completed with exit code ${code ?? 137}.`);
    return { succeeded: code === 0, outputs: files.outputs };
  }

  async function runOwn(
    step: Step,
    action: OwnAction,
    env: Record<string, string>,
    cancelled: AbortSignal,
  ): Promise<Done> {
    const now = evaluation({ ...variables, ...env });
    const inputs = inputVariables(action, now.texts(step.with), now);
    const own = { ...env, ...inputs, GITHUB_ACTION: step.id, GITHUB_ACTION_REPOSITORY: "", GITHUB_ACTION_REF: "" };
    const node = globalThis.process.execPath;
    const state: Record<string, string> = {};
    const { post } = action;
    if (post !== undefined) {
      posts.push({
        name: `Post ${nameOf(step, now)}`,
        condition: action.postIf,
        run: async (signal) => {
          const kept = Object.fromEntries(Object.entries(state).map(([key, value]) => [`STATE_${key}`, value]));
          const ended = await process(node, [join(action.folder, post)], {
            env: { ...own, ...kept },
            cwd: machine.workspace,
            cancelled: signal,
          });
          return ended.code === 0;
        },
      });
    }
    const { code, files } = await process(node, [join(action.folder, action.main)], {
      env: own,
      cwd: machine.workspace,
      cancelled,
    });
    Object.assign(state, files.state);
    const unknown = Object.keys(files.outputs).filter((name) => !action.outputs.includes(name));
    if (unknown.length > 0)
      throw new Error(`the action set outputs that action.yml does not name: ${unknown.join(", ")}`);
    return { succeeded: code === 0, outputs: files.outputs };
  }

  async function runForeign(step: Step, uses: string, env: Record<string, string>): Promise<Done> {
    const now = evaluation({ ...variables, ...env });
    const action = task.foreign.find(uses);
    const { outputs, post } = await action({
      inputs: now.texts(step.with),
      workspace: machine.workspace,
      home: machine.home,
      run: task.run,
      job: { name: task.name, token: task.token, permissions: task.permissions },
      repository: task.options.repository,
      print: log.print,
    });
    if (post !== undefined) {
      posts.push({
        name: `Post ${nameOf(step, now)}`,
        condition: "always()",
        run: async () => {
          await post(status() === "success");
          return true;
        },
      });
    }
    return { succeeded: true, outputs: { ...outputs } };
  }

  function runStep(step: Step, cancelled: AbortSignal): Promise<Done> {
    const env = evaluation().texts(step.env);
    if (step.uses === undefined) return runScript(step, env, cancelled);
    const action = findOwnAction(step.uses, { workspace: machine.workspace, action: task.options.action });
    return action === null ? runForeign(step, step.uses, env) : runOwn(step, action, env, cancelled);
  }

  async function carryOut(step: Step): Promise<void> {
    const name = nameOf(step, evaluation());
    const end = (outcome: JobResult, conclusion: JobResult, outputs: Record<string, string> = {}): void => {
      const ended = { id: step.id, name, outcome, conclusion, outputs };
      ends[step.id] = ended;
      task.onStep(ended);
    };
    if (!evaluation().holds(step.condition)) return end("skipped", "skipped");
    const cancel = cancelOf(step.condition);
    const { succeeded, outputs } = await runStep(step, cancel.signal).finally(cancel.done);
    if (succeeded) return end("success", "success", outputs);
    const goesOn = step.continueOnError !== undefined && evaluation().value(step.continueOnError) === true;
    if (cancel.signal.aborted) return end("cancelled", "cancelled", outputs);
    if (!goesOn) failed = true;
    end("failure", goesOn ? "success" : "failure", outputs);
  }

  async function runPost({ name, condition, run }: Post): Promise<void> {
    if (!evaluation().holds(condition)) return;
    const cancel = cancelOf(condition);
    const succeeded = await run(cancel.signal).finally(cancel.done);
    const result = succeeded ? "success" : "failure";
    task.onStep({ id: name, name, outcome: result, conclusion: result, outputs: {} });
    if (!succeeded) failed = true;
  }

  return {
    evaluation,
    run: async () => {
      mkdirSync(machine.workspace, { recursive: true });
      for (const step of task.job.steps) {
        await carryOut(step);
        if (lost.aborted) return "failure";
      }
      for (const post of posts.toReversed()) {
        await runPost(post);
        if (lost.aborted) return "failure";
      }
      return status();
    },
  };
}

function nameOf(step: Step, evaluation: Evaluation): string {
  if (step.name !== undefined) return evaluation.text(step.name);
  return step.uses ?? "Run";
}

/** As GitHub's runner starts a shell on Linux. */
function shellCommand(shell: string | undefined, file: string): string[] {
  switch (shell) {
    case undefined:
      return ["bash", "-e", file];
    case "bash":
      return ["bash", "--noprofile", "--norc", "-eo", "pipefail", file];
    case "sh":
      return ["sh", "-e", file];
    default:
      throw new Error(`the runner for tests does not know the shell ${shell}`);
  }
}
