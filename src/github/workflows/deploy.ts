import { ownBranch } from "../../config/own-branch.ts";
import type { Environment } from "../../config/types.ts";
import { ShiplockError } from "../../errors.ts";
import { checkJobs, requiredJobs } from "./check-jobs.ts";
import { deployPermissions, hostsFor, leavesWaiting, longestMs } from "./deploy-job.ts";
import { type Condition, expressionOf, ifOf, quoted, valueOf } from "./expressions.ts";
import { actionStep, checkout, concurrencyOf, emulation, environmentOf, permissions, runsOn, timeout } from "./job.ts";
import { neededToDeploy } from "./needed.ts";
import { withoutGap } from "./pull-request.ts";
import { tagStep, versionedEnvironment } from "./release.ts";
import { comesByItself, conditionFor, mayComeTogether, notUntrusted, triggersOf, trustedRun } from "./triggers.ts";
import type { WorkflowInput } from "./types.ts";
import { entry, mapping, type Mapping } from "./yaml.ts";

/** The workflow by which environments get what is pushed, by themselves. Null where none does. */
export function deployWorkflow(input: WorkflowInput): Mapping | null {
  const { config } = input;
  const environments = Object.values(config.environments).filter(comesByItself);
  if (environments.length === 0) return null;
  const { workflows } = triggersOf(environments);
  return mapping(
    entry("name", "Deploy"),
    entry("on", triggerEntries(environments), { apart: true }),
    entry("permissions", mapping(), { apart: true, above: ["Every job says what it may do."] }),
    entry(
      "jobs",
      mapping(
        ...withoutGap([
          ...checkJobs(input, {
            ref: sourceOf(environments),
            when: whenTrusted(environments),
            cacheWhen: workflows.length === 0 ? null : "github.event_name != 'workflow_run'",
          }),
          ...environments.map((environment) =>
            entry(deployJob(environment.name), jobOf(input, environment, environments), { apart: true }),
          ),
        ]),
      ),
      { apart: true },
    ),
  );
}

/** The name of an environment's job. */
export function deployJob(environment: string): string {
  return `deploy-${environment}`;
}

function triggerEntries(environments: readonly Environment[]): Mapping {
  const { branches, tags, workflows, checked, schedules } = triggersOf(environments);
  const pushes = [
    branches.length === 0 ? null : entry("branches", branches),
    tags.length === 0 ? null : entry("tags", tags),
  ];
  return mapping(
    pushes.every((one) => one === null) ? null : entry("push", mapping(...pushes)),
    workflows.length === 0
      ? null
      : entry(
          "workflow_run",
          mapping(entry("workflows", workflows), entry("types", ["completed"]), entry("branches", checked)),
          {
            above: ["The team's own CI: what it passed for is deployed, and nothing else."],
          },
        ),
    schedules.length === 0
      ? null
      : entry(
          "schedule",
          schedules.map((cron) => mapping(entry("cron", cron))),
          { above: ["In UTC."] },
        ),
  );
}

/** Runs of the team's CI alone can be ones that nothing may be done for. */
function whenTrusted(environments: readonly Environment[]): Condition | null {
  const { branches, tags, workflows, schedules } = triggersOf(environments);
  if (workflows.length === 0) return null;
  return branches.length + tags.length + schedules.length === 0 ? { all: trustedRun } : notUntrusted;
}

/**
 * Expression of the commit that a run is about; null where it is the one that GitHub says. For a run of the team's CI GitHub says the newest one of the default branch, and for
 * a schedule too.
 */
function sourceOf(environments: readonly Environment[]): string | null {
  const ran = triggersOf(environments).workflows.length > 0 ? ["github.event.workflow_run.head_sha"] : [];
  const ways = [...ran, ...scheduledBranches(environments)];
  return ways.length === 0 ? null : [...ways, "github.sha"].join(" || ");
}

/**
 * Expression of the branch or tag that a run is about. Where a bare commit was checked out it is that commit of the branch, which may have moved on.
 */
function refOf(environments: readonly Environment[]): string {
  if (sourceOf(environments) === null) return "github.ref_name";
  const { branches, tags, workflows } = triggersOf(environments);
  const run = "github.event.workflow_run";
  const pushed = [
    ...(branches.length === 0 ? [] : ["github.ref_type == 'branch' && format('{0}:{1}', github.ref_name, github.sha)"]),
    ...(tags.length === 0 ? [] : ["github.ref_name"]),
  ];
  const ways = [
    ...(workflows.length === 0 ? [] : [`${run}.head_sha && format('{0}:{1}', ${run}.head_branch, ${run}.head_sha)`]),
    ...scheduledBranches(environments),
    ...pushed,
  ];
  return ways.join(" || ");
}

function scheduledBranches(environments: readonly Environment[]): string[] {
  return [...branchesBySchedule(environments)].flatMap(([cron, branch]) =>
    branch === null ? [] : [`github.event.schedule == ${quoted(cron)} && ${quoted(branch)}`],
  );
}

/** @throws ShiplockError `workflows/one-time-two-branches` */
function branchesBySchedule(environments: readonly Environment[]): Map<string, string | null> {
  const found = new Map<string, { branch: string | null; name: string }>();
  for (const { name, gates } of environments) {
    for (const cron of gates.on.schedule) {
      const branch = ownBranch(gates);
      const other = found.get(cron);
      if (other !== undefined && other.branch !== branch) throw twoBranches(cron, [other.name, name]);
      found.set(cron, { branch, name });
    }
  }
  return new Map([...found].map(([cron, { branch }]) => [cron, branch]));
}

function twoBranches(cron: string, names: readonly string[]): ShiplockError {
  return new ShiplockError({
    code: "workflows/one-time-two-branches",
    blame: "usage",
    message: `${names.join(" and ")} come at the same time, ${quoted(cron)}, from different branches: a workflow cannot tell these runs apart`,
    remedy: "give one of them another minute under `on.schedule`",
  });
}

function jobOf(input: WorkflowInput, environment: Environment, all: readonly Environment[]): Mapping {
  const { config } = input;
  const { name, gates } = environment;
  const needed = neededToDeploy(config, environment);
  const before = gates.after.flatMap(({ environment: earlier }) => {
    const found = all.find((one) => one.name === earlier);
    return found !== undefined && mayComeTogether(found, environment) ? [found] : [];
  });
  const when = conditionFor(environment, all);
  const names = versionedEnvironment(config)?.name === name && gates.on.tags.length > 0;
  const isNeeded = all.some((other) => other.gates.after.some((one) => one.environment === name));
  const maySkip = before.some((one) => expressionOf(conditionFor(one, all)) !== expressionOf(when));
  const needs = [...requiredJobs(input), ...before.map((one) => deployJob(one.name))];
  const waits = leavesWaiting(environment);
  return mapping(
    entry("name", `deploy ${name}`),
    needs.length === 0 ? null : entry("needs", needs),
    entry(
      "if",
      ifOf({
        all: [
          when,
          // One that is skipped, because this push is not for it, would else skip this one too.
          // A job that was cancelled alone, or ran out of time, is neither a failure nor a cancelled run: so what is needed is named.
          ...(maySkip ? ["!failure()", "!cancelled()", ...requiredJobs(input).map(succeeded)] : []),
          ...before.flatMap(({ name: earlier }) => [...(maySkip ? [notCancelled(earlier)] : []), notSkipped(earlier)]),
        ],
      }),
    ),
    runsOn(config),
    timeout(longestMs(environment)),
    environmentOf(name),
    concurrencyOf(input, name, [
      "Guard and deployment under one lock: whoever comes later waits, and nobody is thrown out.",
    ]),
    permissions(deployPermissions(config, environment, needed)),
    isNeeded ? entry("outputs", mapping(entry("result", "${{ steps.deploy.outputs.result }}"))) : null,
    entry("steps", [
      checkout(sourceOf(all), true),
      ...emulation(config),
      actionStep(input, {
        id: "deploy",
        name: `shiplock deploy ${name}`,
        ...(waits ? { above: ["What has to wait stays asked for; the job does not wait with it."] } : {}),
        inputs: {
          command: "deploy",
          environment: name,
          ref: valueOf(refOf(all)),
          automatic: true,
          "no-wait": waits ? true : undefined,
        },
        needed,
        hosts: hostsFor(config, environment),
      }),
      ...(names
        ? [
            tagStep(input, environment, "github.ref_name", {
              above: ["A tag that came here is the name of a version, too."],
              if: `github.ref_type == 'tag' && contains(fromJSON('["succeeded","nothing-to-do"]'), steps.deploy.outputs.result)`,
            }),
          ]
        : []),
    ]),
  );
}

function succeeded(job: string): string {
  return `needs.${job}.result == 'success'`;
}

function notCancelled(environment: string): string {
  return `needs.${deployJob(environment)}.result != 'cancelled'`;
}

/** Whether a deployment that comes before has not been left out: what did not come there is not for the next environment either. */
function notSkipped(environment: string): string {
  return `!contains(fromJSON('["skipped","superseded","waiting"]'), needs.${deployJob(environment)}.outputs.result)`;
}
