import { type Change, changesOf } from "./changes.ts";
import { environmentsOf } from "./environments.ts";
import { commandsOf, type Ran } from "./scripts.ts";
import type { CompositeAction, Job, ReadFile, Step, Workflow } from "./types.ts";
import { textOf } from "./values.ts";

/** A step as a job runs it: its own, or one of a composite action that it takes in. */
export type StepFacts = {
  readonly file: string;
  readonly step: Step;
  readonly ran: readonly Ran[];
  /** What its scripts and those that it calls do to a place where the application runs. */
  readonly changes: readonly Change[];
  /** The step of the workflow that takes in the action; null for a step of the job itself. */
  readonly caller: Step | null;
};

export type JobFacts = {
  readonly file: string;
  readonly workflow: Workflow;
  readonly job: Job;
  readonly steps: readonly StepFacts[];
  readonly changes: readonly Change[];
  /** It changes what people use. */
  readonly deploys: boolean;
  /** The environments that it can change, in small letters; empty where that is not written in the file. */
  readonly environments: readonly string[];
};

/** Files that are looked at together, because locks and environments belong to all of them. */
export type Project = {
  readonly files: readonly ReadFile[];
  readonly workflows: readonly Workflow[];
  readonly actions: readonly CompositeAction[];
  readonly jobs: readonly JobFacts[];
};

/** Composite actions that take in composite actions. */
const DEEPEST = 5;

/** What files say together. */
export function projectOf(files: readonly ReadFile[]): Project {
  const workflows = files.flatMap(({ content }) => (content?.kind === "workflow" ? content : []));
  const actions = files.flatMap(({ content }) => (content?.kind === "action" ? content : []));
  const jobs = workflows.flatMap((workflow) => workflow.jobs.map((job) => factsOf(workflow, job, actions)));
  return { files, workflows, actions, jobs };
}

function factsOf(workflow: Workflow, job: Job, actions: readonly CompositeAction[]): JobFacts {
  const context = { workflow, job };
  const shell = job.shell ?? workflow.shell;
  const own = job.steps.map((step) => ({ file: workflow.file, step, shell, caller: null }));
  const listed = own
    .flatMap((each) => withInner(each, actions, 0))
    .map(({ shell: standard, ...each }) => ({
      ...each,
      ran: commandsOf(each.step, standard),
    }));
  const changed = changesOf(context, listed);
  const steps = listed.map((each, index) => ({ ...each, changes: changed[index] ?? [] }));
  const changes = steps.flatMap((step) => step.changes);
  return {
    file: workflow.file,
    workflow,
    job,
    steps,
    changes,
    deploys: changes.length > 0 || (saysThatItDeploys(job) && reachesPlace(job, steps)),
    environments: environmentsOf(workflow, job),
  };
}

type Listed = { file: string; step: Step; shell: string | null; caller: Step | null };

/** A step, and after it the steps of the action of this repository that it uses. */
function withInner(listed: Listed, actions: readonly CompositeAction[], depth: number): readonly Listed[] {
  const action = depth < DEEPEST ? localAction(listed.step, actions) : null;
  if (action === null) return [listed];
  const caller = listed.caller ?? listed.step;
  const inner = action.steps.map((step) => ({ file: action.file, step, shell: null, caller }));
  return [listed, ...inner.flatMap((each) => withInner(each, actions, depth + 1))];
}

/** The composite action of this repository that a step uses. */
export function localAction(step: Step, actions: readonly CompositeAction[]): CompositeAction | null {
  const uses = step.uses?.value ?? "";
  if (!uses.startsWith("./")) return null;
  const folder = uses.slice(2).replace(/\/$/, "");
  return (
    actions.find(({ file }) => isUnder(file, `${folder}/action.yml`) || isUnder(file, `${folder}/action.yaml`)) ?? null
  );
}

/** The jobs that call a workflow of this repository. */
export function callersOf({ jobs }: Project, workflow: Workflow): readonly JobFacts[] {
  return jobs.filter(({ job }) => {
    const uses = job.uses?.value ?? "";
    return uses.startsWith("./") && isUnder(workflow.file, uses.slice(2));
  });
}

function isUnder(file: string, path: string): boolean {
  return file === path || file.endsWith(`/${path}`);
}

/** A job whose name says that it deploys; what it runs is then in a script that is not read here. */
function saysThatItDeploys({ id, name, uses }: Job): boolean {
  return uses === null && /(?:^|[^a-z])(?:deploy|promote|rollback)/i.test(`${id} ${name?.value ?? ""}`);
}

/** It has an environment, or goes to a host. GitHub's own pages are neither. */
function reachesPlace({ environment }: Job, steps: readonly StepFacts[]): boolean {
  if (environment !== null) return environment.name.value !== "github-pages";
  return steps.some(({ ran }) => ran.some(({ program, script }) => program.name === "ssh" || script.where === "host"));
}

/** The jobs that have to end before a job, over all steps of `needs`. */
export function neededBy({ jobs }: Project, facts: JobFacts): readonly JobFacts[] {
  const found: JobFacts[] = [];
  const open = [...facts.job.needs];
  for (let id = open.shift(); id !== undefined; id = open.shift()) {
    const needed = jobs.find(({ workflow, job }) => workflow === facts.workflow && job.id === id);
    if (needed === undefined || found.includes(needed)) continue;
    found.push(needed);
    open.push(...needed.job.needs);
  }
  return found;
}

/** The jobs that wait for a job, over all steps of `needs`. */
export function waitingFor(project: Project, facts: JobFacts): readonly JobFacts[] {
  return project.jobs.filter(
    (other) => other.workflow === facts.workflow && other !== facts && neededBy(project, other).includes(facts),
  );
}

/** Whether a workflow begins by an event. */
export function startsBy(workflow: Workflow, ...events: readonly string[]): boolean {
  return workflow.triggers.some(({ event }) => events.includes(event));
}

/** A variable of a step's environment as the workflow writes it, looked for in the step, the job and the workflow. */
export function variableIn(
  { job, workflow }: Pick<JobFacts, "job" | "workflow">,
  step: Pick<Step, "env">,
  name: string,
): string | null {
  for (const entries of [step.env, job.env, workflow.env]) {
    const found = textOf(entries.find(({ key }) => key === name)?.value);
    if (found !== null) return found;
  }
  return null;
}
