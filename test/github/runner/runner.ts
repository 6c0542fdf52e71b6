import type { JsonObject } from "../../../src/json.ts";
import { runProgram } from "../../../src/process.ts";
import { createConcurrencyGroups } from "./concurrency.ts";
import { type GitHubEvent, wants } from "./events.ts";
import { createForeignActions } from "./foreign/table.ts";
import type { JobResult, RunnerOptions, WorkflowRun } from "./types.ts";
import { readWorkflow, type Workflow } from "./workflow-file.ts";
import { runName, startRun } from "./workflow-run.ts";

/** GitHub Actions for one repository: what happens in it starts the workflows that lie in it. */
export type Runner = AsyncDisposable & {
  /** Starts what the event starts, and says which runs these are. */
  trigger(event: GitHubEvent): Promise<WorkflowRun[]>;
  /** Runs a run again that has ended: same event, same commit, same workflow file. */
  again(run: WorkflowRun, who: string): Promise<WorkflowRun>;
  /** Every run there was, those that other runs started included. */
  readonly runs: readonly WorkflowRun[];
  /** When nothing runs any more, what follows from a run's end included. Fails if a run could not be carried out. */
  idle(): Promise<void>;
};

export function createRunner(options: RunnerOptions): Runner {
  const groups = createConcurrencyGroups();
  const foreign = createForeignActions();
  const runs: WorkflowRun[] = [];
  const following = new Set<Promise<void>>();
  const numbers = new Map<string, number>();
  let failure: Error | null = null;
  let nextId = 9_000_000;

  const git = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runProgram("git", ["--git-dir", options.repository.folder, ...args], {
      timeoutMs: 30_000,
    });
    if (exitCode === 0) return stdout;
    throw new Error(`git ${args.join(" ")}: ${stderr}`);
  };

  async function workflowsAt(commit: string): Promise<Workflow[]> {
    const names = await git("ls-tree", "-z", "--name-only", commit, ".github/workflows/");
    const files = names.split("\0").filter((name) => /\.ya?ml$/.test(name));
    return await Promise.all(files.map(async (file) => readWorkflow(file, await git("show", `${commit}:${file}`))));
  }

  async function start(
    workflow: Workflow,
    event: GitHubEvent,
    before?: WorkflowRun,
    who = event.actor,
  ): Promise<WorkflowRun> {
    const number = before?.number ?? (numbers.get(workflow.file) ?? 0) + 1;
    numbers.set(workflow.file, Math.max(number, numbers.get(workflow.file) ?? 0));
    const attempt = (before?.attempt ?? 0) + 1;
    const id = before?.id ?? nextId++;
    const identity = { id, number, attempt, event, workflow, triggeringActor: who };
    await options.observe?.began({ ...identity, name: runName(identity, options) });
    const run = startRun(identity, { options, groups, foreign });
    runs.push(run);
    const follow = followUp(run);
    following.add(follow);
    void follow.finally(() => following.delete(follow));
    return run;
  }

  /** GitHub tells of a run's end, and other workflows of the default branch may wait for that; those that follow such an end are followed no further than thrice. */
  async function followUp(run: WorkflowRun): Promise<void> {
    try {
      const { conclusion } = await run.ended;
      await options.observe?.ended(run, conclusion);
      const ref = `refs/heads/${options.repository.defaultBranch}`;
      const sha = (await git("rev-parse", ref)).trim();
      await trigger({ name: "workflow_run", ref, sha, actor: run.event.actor, payload: completed(run, conclusion) });
    } catch (error) {
      failure ??= error as Error;
    }
  }

  async function trigger(event: GitHubEvent): Promise<WorkflowRun[]> {
    const workflows = await workflowsAt(event.sha);
    const wanted = workflows.filter((workflow) => wants(workflow, event) && isDispatched(workflow, event));
    const started: WorkflowRun[] = [];
    for (const workflow of wanted) started.push(await start(workflow, event));
    return started;
  }

  async function idle(): Promise<void> {
    while (following.size > 0) await Promise.all(following);
    if (failure !== null) throw failure;
  }

  return {
    trigger,
    again: async (run, who) => {
      const latest = runs.findLast(({ id }) => id === run.id) ?? run;
      return await start(run.workflow, run.event, latest, who);
    },
    runs,
    idle,
    [Symbol.asyncDispose]: async () => {
      for (const run of runs) {
        run.cancel();
        for (const job of run.jobs) job.lose();
      }
      await Promise.allSettled(following);
      foreign[Symbol.dispose]();
    },
  };
}

/** A person starts one workflow, whose file the event names. */
function isDispatched({ file }: Workflow, { name, payload }: GitHubEvent): boolean {
  return name !== "workflow_dispatch" || payload["workflow"] === file;
}

function completed(run: WorkflowRun, conclusion: JobResult): JsonObject {
  const { event, workflow } = run;
  const pull = event.payload["pull_request"] as JsonObject | undefined;
  const head = pull?.["head"] as JsonObject | undefined;
  return {
    action: "completed",
    workflow: { name: workflow.name, path: workflow.file },
    workflow_run: {
      id: run.id,
      name: workflow.name,
      path: workflow.file,
      run_number: run.number,
      run_attempt: run.attempt,
      event: event.name,
      status: "completed",
      conclusion,
      head_branch: head?.["ref"] ?? event.ref.replace(/^refs\/(?:heads|tags)\//, ""),
      head_sha: head?.["sha"] ?? event.sha,
      head_repository: head?.["repo"] ?? event.payload["repository"] ?? null,
      actor: { login: event.actor },
      triggering_actor: { login: run.triggeringActor },
    },
    repository: event.payload["repository"] ?? null,
  };
}
