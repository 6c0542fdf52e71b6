import { isPlain } from "../../config/own-branch.ts";
import { matchesRef } from "../../config/ref-pattern.ts";
import type { Environment } from "../../config/types.ts";
import { type Condition, quoted } from "./expressions.ts";

/** What has to be true of a run of the team's own CI: it passed, and what it ran for was pushed to this repository. A run for a pull request, above all a fork's, is none. */
export const trustedRun = [
  "github.event.workflow_run.conclusion == 'success'",
  "github.event.workflow_run.event == 'push'",
  "github.event.workflow_run.head_repository.full_name == github.repository",
] as const;

/** How environments are deployed by themselves, in GitHub's words. */
export type Triggers = {
  readonly branches: readonly string[];
  readonly tags: readonly string[];
  /** Names of workflows. */
  readonly workflows: readonly string[];
  /** Branches that these workflows run for. */
  readonly checked: readonly string[];
  readonly schedules: readonly string[];
};

/** Everything that begins a run. A filter may let through more than an environment's patterns do: the gate `trigger` decides. */
export function triggersOf(environments: readonly Environment[]): Triggers {
  const waiting = environments.filter(({ gates }) => gates.on.checks.length > 0);
  const direct = environments.filter(({ gates }) => gates.on.checks.length === 0);
  return {
    branches: unique(direct.flatMap(({ gates }) => gates.on.push.map(filterOf))),
    tags: unique(environments.flatMap(({ gates }) => gates.on.tags.map(filterOf))),
    workflows: unique(waiting.flatMap(({ gates }) => gates.on.checks)),
    checked: unique(waiting.flatMap(({ gates }) => gates.on.push.map(filterOf))),
    schedules: unique(environments.flatMap(({ gates }) => gates.on.schedule)),
  };
}

/** Whether anything is deployed to it by itself. */
export function comesByItself({ gates: { on } }: Environment): boolean {
  return [on.push, on.tags, on.schedule].some((list) => list.length > 0) || on.checks.length > 0;
}

/** Whether a run of the team's CI, where it is one, is such that something may be done for it. */
export const notUntrusted: Condition = { any: ["github.event_name != 'workflow_run'", { all: trustedRun }] };

/**
 * When a run is one for this environment. Expressions know no patterns, so this lets through what begins like them. What lets an environment before it go on may let this one go on, too.
 * @param all environments of the workflow
 */
export function conditionFor(environment: Environment, all: readonly Environment[]): Condition {
  const { on } = environment.gates;
  const waits = on.checks.length > 0;
  const branches = (where: string, prefix: string): Condition => ({
    any: on.push.map((pattern) => refCondition(where, prefix, pattern)),
  });
  const tags = on.tags.map((pattern) => refCondition("github.ref", "refs/tags/", pattern));
  const pushed = [...(waits || on.push.length === 0 ? [] : [branches("github.ref", "refs/heads/")]), ...tags];
  const passed = {
    any: checksUpTo(environment, all).map((name) => `github.event.workflow_run.name == ${quoted(name)}`),
  };
  return {
    any: [
      ...(pushed.length === 0 ? [] : [{ all: ["github.event_name == 'push'", { any: pushed }] }]),
      ...(waits ? [{ all: [...trustedRun, passed, branches("github.event.workflow_run.head_branch", "")] }] : []),
      ...on.schedule.map((cron) => `github.event.schedule == ${quoted(cron)}`),
    ],
  };
}

/** Workflows of the team's CI of which the last one to pass brings something here: those that this environment waits for, and those that one before it waits for. */
function checksUpTo(environment: Environment, all: readonly Environment[]): string[] {
  const { on, after } = environment.gates;
  const before = all.filter(
    (one) => after.some(({ environment: name }) => name === one.name) && mayComeTogether(one, environment),
  );
  return unique([...on.checks, ...before.flatMap((one) => checksUpTo(one, all))]);
}

/** Whether one push (or one run of the team's CI, or one time) may deploy both. */
export function mayComeTogether({ gates: left }: Environment, { gates: right }: Environment): boolean {
  const [a, b] = [left.on, right.on];
  const branches = overlap(a.push, b.push);
  const both = a.checks.length > 0 && b.checks.length > 0;
  const neither = a.checks.length === 0 && b.checks.length === 0;
  return (
    (branches && (both || neither)) || overlap(a.tags, b.tags) || a.schedule.some((cron) => b.schedule.includes(cron))
  );
}

function overlap(left: readonly string[], right: readonly string[]): boolean {
  return left.some((one) => right.some((other) => one === other || matchesRef(one, other) || matchesRef(other, one)));
}

/** The condition that a name fits a pattern, or begins as the pattern does; with nothing to compare, that it is one at all. */
function refCondition(where: string, prefix: string, pattern: string): string {
  if (isPlain(pattern)) return `${where} == ${quoted(`${prefix}${pattern}`)}`;
  const start = `${prefix}${beginningOf(pattern)}`;
  return start === "" ? "true" : `startsWith(${where}, ${quoted(start)})`;
}

/**
 * A pattern for the filters of GitHub's workflows, whose characters mean other things than in the patterns of its environments: there `?` and `+` repeat what is before
 * them. Where the two differ, it is cut short and lets through whatever begins like it.
 */
function filterOf(pattern: string): string {
  if (/^[A-Za-z0-9._/@*-]*$/.test(pattern) && !pattern.includes("**")) return pattern;
  if (isPlain(pattern)) return escaped(pattern);
  return `${escaped(beginningOf(pattern))}**`;
}

function escaped(text: string): string {
  return text.replaceAll(/[?+[\]!\\]/g, String.raw`\$&`);
}

function beginningOf(pattern: string): string {
  return /^[^*?[\\]*/.exec(pattern)?.[0] ?? "";
}

function unique(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
