import { contextsIn, expressionsIn } from "../read/expressions.ts";
import { callersOf, type JobFacts, type Project, startsBy } from "../read/project.ts";
import type { Concurrency, Workflow } from "../read/types.ts";
import { refVaries } from "./refs.ts";

/** A `concurrency` group that a job is in while it deploys. */
export type Lock = {
  readonly concurrency: Concurrency;
  readonly file: string;
  /** The group's name, in small letters, as GitHub compares it; what it is made of at run time stays as it is written. */
  readonly name: string;
  /** What makes it another group from run to run; null for one that stays. */
  readonly varies: string | null;
  /** Some of the name cannot be told from the files. */
  readonly unknown: boolean;
};

/** The locks under which a job runs: its own, its workflow's, and those of the jobs that call its workflow. */
export function locksOf(project: Project, facts: JobFacts): readonly Lock[] {
  const callers = callersOf(project, facts.workflow).map(writtenLocks);
  const everybody = callers.length > 0 && callers.every((locks) => locks.length > 0);
  return everybody ? [...writtenLocks(facts), ...callers.flat()] : writtenLocks(facts);
}

function writtenLocks(facts: JobFacts): readonly Lock[] {
  return [facts.job.concurrency, facts.workflow.concurrency].flatMap((concurrency): readonly Lock[] => {
    const group = concurrency?.group ?? null;
    return concurrency === null || group === null ? [] : [lockOf(facts, concurrency, group.value)];
  });
}

/** A workflow that only others call, and none of these files does. */
export function isCalledFromElsewhere(project: Project, workflow: Workflow): boolean {
  const { triggers } = workflow;
  const onlyCalled = triggers.length > 0 && triggers.every(({ event }) => event === "workflow_call");
  return onlyCalled && callersOf(project, workflow).length === 0;
}

/** The lock's name for one environment, where the name is chosen together with it. */
export function lockNameFor(lock: Lock, facts: JobFacts, environment: string): string {
  const written = facts.job.environment?.name.value.trim().toLowerCase();
  if (written === undefined || !written.startsWith("${{")) return lock.name;
  return lock.name.replaceAll(written, environment);
}

function lockOf(facts: JobFacts, concurrency: Concurrency, group: string): Lock {
  const { workflow, file } = facts;
  let name = group;
  let varies: string | null = null;
  let unknown = false;
  for (const { start, end, body } of expressionsIn(group).toReversed()) {
    if (body.toLowerCase() === "github.workflow") {
      name = name.slice(0, start) + (workflow.name ?? file) + name.slice(end);
      continue;
    }
    const isEnvironment = facts.job.environment?.name.value.trim() === group.slice(start, end);
    if (!isEnvironment) unknown = true;
    for (const context of contextsIn(body)) varies ??= isEnvironment ? null : varyingContext(facts, context);
  }
  return { concurrency, file, name: name.trim().toLowerCase(), varies, unknown };
}

/** What is another for each run, or for each branch where several branches deploy. */
function varyingContext(facts: JobFacts, context: string): string | null {
  if (/^github\.(?:run_id|run_number|run_attempt|sha|event\.after|event\.head_commit\.id)$/.test(context))
    return context;
  if (!/^github\.(?:ref|ref_name|event\.ref)$/.test(context)) return null;
  return refVaries(facts) || startsBy(facts.workflow, "workflow_dispatch") ? context : null;
}
