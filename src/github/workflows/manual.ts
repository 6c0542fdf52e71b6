import type { Config, Environment } from "../../config/types.ts";
import { deployPermissions, hostsFor, leavesWaiting, longestMs, recordPermissions } from "./deploy-job.ts";
import { ifOf, quoted, valueOf } from "./expressions.ts";
import {
  actionStep,
  checkout,
  concurrencyOf,
  emulation,
  environmentOf,
  hostsOf,
  permissions,
  runsOn,
  timeout,
} from "./job.ts";
import { neededToDeploy, neededToRecord } from "./needed.ts";
import { withoutGap } from "./pull-request.ts";
import type { WorkflowInput } from "./types.ts";
import { entry, mapping, type Mapping, plain } from "./yaml.ts";

/** What makes something else live, or ends what was left in the middle. */
const deploying = ["deploy", "promote", "rollback"] as const;
const ending = ["resume", "abort"] as const;
/** What changes the record of an environment and nothing that runs: it must be able to go past a deployment that waits. */
const recording = ["hold", "unhold", "cancel"] as const;
const answering = ["approve", "reject"] as const;

const recordMs = 10 * 60_000;
/** The configuration that decides is the one of the default branch, whatever the run was started from. */
const trunk = "github.event.repository.default_branch";

/** The workflow by which people deploy, promote and go back by hand, with everything to choose from in lists. */
export function manualWorkflow(input: WorkflowInput): Mapping | null {
  const environments = Object.values(input.config.environments);
  return mapping(
    entry("name", "Deploy by hand"),
    entry("run-name", "${{ inputs.action }} ${{ inputs.environment }} ${{ inputs.what }} by ${{ github.actor }}"),
    entry("on", mapping(entry("workflow_dispatch", mapping(entry("inputs", inputsOf(input.config))))), { apart: true }),
    entry("permissions", mapping(), { apart: true, above: ["Every job says what it may do."] }),
    entry(
      "jobs",
      mapping(
        ...withoutGap(
          environments.flatMap((environment) => [
            entry(`change-${environment.name}`, changeJob(input, environment), { apart: true }),
            entry(`record-${environment.name}`, recordJob(input, environment), { apart: true }),
            ...(environment.gates.reviewers === undefined
              ? []
              : [entry(`resume-${environment.name}`, resumeJob(input, environment), { apart: true })]),
          ]),
        ),
      ),
      { apart: true },
    ),
  );
}

function inputsOf({ environments }: Config): Mapping {
  const all = Object.values(environments);
  const reviewed = all.some(({ gates }) => gates.reviewers !== undefined);
  const actions = [...deploying, ...recording, ...(reviewed ? answering : []), ...ending];
  return mapping(
    entry("action", plain({ description: "What to do", required: true, type: "choice", options: actions })),
    entry(
      "environment",
      plain({ description: "Where", required: true, type: "choice", options: all.map(({ name }) => name) }),
    ),
    entry(
      "what",
      plain({
        description:
          "deploy: branch, tag or commit (the branch chosen above). promote: environment it comes from. rollback: release, version or commit (the last healthy one)",
        type: "string",
      }),
    ),
    entry("confirm", plain({ description: "Type the environment's name, where it asks for it", type: "string" })),
    entry("reason", plain({ description: "Why; stays in the record", type: "string" })),
    entry("take-over", plain({ description: "Also where somebody else holds it", type: "boolean" })),
    all.some(({ gates }) => gates.freeze.length > 0)
      ? entry("override-freeze", plain({ description: "Also during a freeze; needs a reason", type: "boolean" }))
      : null,
    all.some(({ gates }) => gates.emergency !== undefined)
      ? entry(
          "emergency",
          plain({ description: "Pass the gates that an emergency may pass; needs a reason", type: "boolean" }),
        )
      : null,
  );
}

/** Deploy, promote and go back, one after the other. */
function changeJob(input: WorkflowInput, environment: Environment): Mapping {
  const { config } = input;
  const { name, gates } = environment;
  const needed = neededToDeploy(config, environment);
  const hosts = hostsOf(Object.values(config.environments));
  const from = sourceFor(config, environment);
  return mapping(
    entry("name", `\${{ inputs.action }} ${name}`),
    entry("if", ifOf({ all: [isHere(name), isOneOf([...deploying, ...ending])] })),
    runsOn(config),
    timeout(longestMs(environment)),
    environmentOf(name),
    concurrencyOf(input, name),
    permissions(deployPermissions(config, environment, needed)),
    entry("steps", [
      checkout(trunk, true),
      ...emulation(config),
      actionStep(input, {
        name: `shiplock \${{ inputs.action }} ${name}`,
        if: isOneOf(deploying),
        inputs: {
          command: valueOf("inputs.action"),
          environment: name,
          ref: valueOf("inputs.action == 'deploy' && (inputs.what || github.ref_name) || ''"),
          from: valueOf(
            `inputs.action == 'promote' && ${from === null ? "inputs.what" : `(inputs.what || ${quoted(from)})`} || ''`,
          ),
          to: valueOf("inputs.action == 'rollback' && inputs.what || ''"),
          confirm: valueOf("inputs.confirm"),
          reason: valueOf("inputs.reason"),
          "take-over": valueOf("inputs.take-over"),
          "override-freeze": gates.freeze.length > 0 ? valueOf("inputs.override-freeze") : undefined,
          emergency: gates.emergency === undefined ? undefined : valueOf("inputs.emergency"),
          "no-wait": leavesWaiting(environment) ? valueOf("inputs.action != 'rollback'") : undefined,
        },
        needed,
        hosts,
      }),
      actionStep(input, {
        name: `shiplock \${{ inputs.action }} ${name}`,
        above: ["What a dead runner left in the middle."],
        if: isOneOf(ending),
        inputs: { command: valueOf("inputs.action"), environment: name },
        needed,
        hosts,
      }),
    ]),
  );
}

/** Not under the lock: whoever holds an environment or answers for it must not wait for what waits for them. */
function recordJob(input: WorkflowInput, environment: Environment): Mapping {
  const { config } = input;
  const { name, gates } = environment;
  const needed = neededToRecord(config, environment);
  const reviewed = gates.reviewers !== undefined;
  const withReason = ["hold", ...(reviewed ? answering : [])];
  return mapping(
    entry("name", `\${{ inputs.action }} ${name}`),
    entry("if", ifOf({ all: [isHere(name), isOneOf([...recording, ...(reviewed ? answering : [])])] })),
    runsOn(config),
    timeout(recordMs),
    environmentOf(name),
    permissions(recordPermissions(config, environment, needed)),
    entry("steps", [
      checkout(trunk, true),
      actionStep(input, {
        name: `shiplock \${{ inputs.action }} ${name}`,
        inputs: {
          command: valueOf("inputs.action"),
          environment: name,
          reason: valueOf(`${isOneOf(withReason)} && inputs.reason || ''`),
          "take-over": valueOf(`${isOneOf(["hold", "unhold"])} && inputs.take-over || ''`),
        },
        needed,
        hosts: hostsFor(config, environment),
      }),
    ]),
  );
}

/** What was approved is carried out under the lock, like everything else. */
function resumeJob(input: WorkflowInput, environment: Environment): Mapping {
  const { config } = input;
  const { name } = environment;
  const needed = neededToDeploy(config, environment);
  return mapping(
    entry("name", `carry out what was approved for ${name}`),
    entry("needs", [`record-${name}`]),
    entry("if", ifOf({ all: [isHere(name), isOneOf(["approve"])] })),
    runsOn(config),
    timeout(longestMs(environment)),
    environmentOf(name),
    concurrencyOf(input, name),
    permissions(deployPermissions(config, environment, needed)),
    entry("steps", [
      checkout(trunk, true),
      actionStep(input, {
        name: `shiplock resume ${name}`,
        inputs: { command: "resume", environment: name, "no-wait": true },
        needed,
        hosts: hostsFor(config, environment),
      }),
    ]),
  );
}

function isHere(environment: string): string {
  return `inputs.environment == ${quoted(environment)}`;
}

function isOneOf(actions: readonly string[]): string {
  const [only, ...others] = actions;
  if (others.length === 0) return `inputs.action == ${quoted(only ?? "")}`;
  return `contains(fromJSON(${quoted(JSON.stringify(actions))}), inputs.action)`;
}

/** Where a promotion comes from unless told: what has to come first, or else what stands before it in the file. */
function sourceFor({ environments }: Config, { name, gates }: Environment): string | null {
  const [first] = gates.after;
  if (first !== undefined) return first.environment;
  const names = Object.keys(environments);
  return names[names.indexOf(name) - 1] ?? null;
}
