import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { JsonObject } from "../../../src/json.ts";
import { type Contexts, createEvaluation, type Evaluation } from "../official/expressions.ts";
import { gitHubContext, gitHubVariables, inputsOf } from "./contexts.ts";
import { isFromFork } from "./events.ts";
import type { ForeignActions } from "./foreign/table.ts";
import { createJobLog } from "./job-log.ts";
import { createMachine } from "./machine.ts";
import type { Cell } from "./matrix.ts";
import { tokenPermissions } from "./permissions.ts";
import { createSteps } from "./steps.ts";
import type { JobResult, JobRun, Need, RunIdentity, RunnerOptions, Settings } from "./types.ts";
import type { Job } from "./workflow-file.ts";

export type JobTask = {
  readonly run: RunIdentity;
  readonly job: Job;
  readonly name: string;
  readonly cell: Cell;
  readonly failFast: boolean;
  readonly needs: Readonly<Record<string, Need>>;
  /** Of the repository, and of the job's environment if it has one. */
  readonly settings: Settings;
  readonly foreign: ForeignActions;
  readonly cancelled: AbortSignal;
  readonly options: RunnerOptions;
  /** Called when the job has printed something, and at its end. */
  readonly onChange: () => void;
};

const defaultLimitMs = 120_000;

/** A job that begins now. `ended` resolves when its last post step is over and its machine is gone. */
export function startJob(task: JobTask): { jobRun: JobRun; ended: Promise<void> } {
  const { run, job, options, settings } = task;
  const fork = isFromFork(run.event);
  const permissions = tokenPermissions(run.workflow.permissions, job.permissions, { fork });
  const token = options.token(permissions);
  const secrets = { ...(fork ? {} : settings.secrets), GITHUB_TOKEN: token };
  const log = createJobLog(Object.values(secrets), task.onChange);
  const mark = `github_${randomUUID()}`;
  const machine = createMachine(options.repository.name, mark);
  const lost = new AbortController();
  let process: number | null = null;
  const summaries: string[] = [];
  const leftRunning: string[] = [];

  const eventPath = join(machine.temporary, "event.json");
  writeFileSync(eventPath, JSON.stringify(run.event.payload));
  const github: JsonObject = {
    ...gitHubContext(run, options),
    job: job.id,
    token,
    workspace: machine.workspace,
    event_path: eventPath,
  };

  const contexts: Contexts = {
    github,
    needs: needsContext(task.needs),
    matrix: task.cell.matrix,
    inputs: inputsOf(run),
    secrets,
    vars: { ...settings.variables },
    strategy: {
      "fail-fast": task.failFast,
      "job-index": task.cell.index,
      "job-total": task.cell.total,
    },
    runner: {
      os: "Linux",
      arch: machine.env["RUNNER_ARCH"] ?? "",
      name: machine.env["RUNNER_NAME"] ?? "",
      temp: machine.temporary,
      tool_cache: machine.env["RUNNER_TOOL_CACHE"] ?? "",
      environment: "github-hosted",
    },
  };

  const jobRun: JobRun = {
    id: job.id,
    name: task.name,
    result: null,
    outputs: {},
    steps: [],
    annotations: log.annotations,
    permissions,
    log: () => log.text(),
    rawLog: () => log.raw(),
    summary: () => summaries.join("\n"),
    leftRunning,
    process: () => process,
    lose: () => lost.abort(),
  };

  async function work(): Promise<JobResult> {
    const atWorkflow = createEvaluation(contexts).texts(run.workflow.env);
    const atJob = createEvaluation({ ...contexts, env: atWorkflow }).texts(job.env);
    const limit = limitOf(createEvaluation(contexts), task);
    const steps = createSteps({
      ...task,
      contexts,
      env: { ...options.machine, ...gitHubVariables(github), ...machine.env },
      variables: { ...atWorkflow, ...atJob },
      machine,
      permissions,
      token,
      log,
      limitMs: limit,
      lost: lost.signal,
      onProcess: (pid) => void (process = pid),
      onSummary: (text) => void summaries.push(text),
      onStep: (end) => void jobRun.steps.push(end),
    });
    const result = await steps.run();
    if (!lost.signal.aborted)
      jobRun.outputs = withoutSecrets(steps.evaluation().texts(job.outputs), Object.values(secrets));
    return result;
  }

  async function finish(): Promise<void> {
    try {
      jobRun.result = await work();
    } finally {
      const left = machine.endProcesses();
      // What a lost machine ran went with it.
      if (!lost.signal.aborted) leftRunning.push(...left);
      machine.remove();
      task.onChange();
    }
  }

  return { jobRun, ended: finish() };
}

function limitOf(evaluation: Evaluation, { job, options }: JobTask): number {
  const allowed = options.limitMs ?? defaultLimitMs;
  const minutes = job.timeoutMinutes === undefined ? 360 : Number(evaluation.value(job.timeoutMinutes));
  return Math.min(allowed, minutes * 60_000);
}

function needsContext(needs: Readonly<Record<string, Need>>): JsonObject {
  return Object.fromEntries(
    Object.entries(needs).map(([id, { result, outputs }]) => [id, { result, outputs: { ...outputs } }]),
  );
}

/** GitHub hands no output on that holds a secret. */
function withoutSecrets(outputs: Record<string, string>, secrets: readonly string[]): Record<string, string> {
  const held = (value: string): boolean => secrets.some((secret) => secret !== "" && value.includes(secret));
  return Object.fromEntries(Object.entries(outputs).filter(([, value]) => !held(value)));
}
