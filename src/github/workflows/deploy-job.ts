import type { Config, Environment } from "../../config/types.ts";
import { hostsOf, packagesPermission } from "./job.ts";
import type { Needed } from "./needed.ts";
import { concerns } from "./needed.ts";

type Level = "read" | "write" | undefined;

/** For building and shipping, beside what a deployment itself may take. */
const buildMs = 60 * 60_000;
/** Longer than this nobody lets a runner wait: the request stays, and is carried out when somebody approves or resumes it. */
const longestWaitMs = 60 * 60_000;

/** What a job may do that changes an environment. */
export function deployPermissions(
  config: Config,
  environment: Environment,
  needed: Needed,
): Readonly<Record<string, Level>> {
  const told = config.notify.filter((one) => concerns(one, environment)).map(({ to }) => to.kind);
  const { statuses, reviewed, on } = environment.gates;
  const asks = statuses.length > 0;
  return {
    actions: on.checks.length > 0 ? "read" : undefined,
    checks: (config.github.ledger && Object.keys(config.checks).length > 0) || asks ? "read" : undefined,
    contents: "read",
    deployments: config.github.ledger ? "write" : undefined,
    "id-token": needed.cloud ? "write" : undefined,
    packages: packagesPermission(config, "write"),
    "pull-requests": told.includes("pull-request") ? "write" : reviewed === undefined ? undefined : "read",
    statuses: told.includes("commit-status") ? "write" : asks ? "read" : undefined,
  };
}

/** How long a deployment may take from its request to the end of its watch, waiting included, in milliseconds. */
export function longestMs(environment: Environment): number {
  const { timeoutMs, watch } = environment;
  return buildMs + waitMs(environment) + timeoutMs + (watch?.forMs ?? 0);
}

/** Whether the job ends while the request waits: for people, or for longer than a runner should be kept. */
export function leavesWaiting(environment: Environment): boolean {
  return environment.gates.reviewers !== undefined || longestWait(environment) > longestWaitMs;
}

function waitMs(environment: Environment): number {
  return leavesWaiting(environment) ? 0 : longestWait(environment);
}

function longestWait({ gates }: Environment): number {
  return gates.waitMs + Math.max(0, ...gates.after.map(({ healthyMs }) => healthyMs));
}

/** How the hosts of an environment are reached, and of those that a release has to have run in before. */
export function hostsFor(config: Config, environment: Environment): "ssh" | "local" {
  const before = environment.gates.after.flatMap(({ environment: name }) => config.environments[name] ?? []);
  return hostsOf([environment, ...before]);
}

/** What a job may do that changes the record of an environment and nothing that runs. */
export function recordPermissions(
  config: Config,
  environment: Environment,
  needed: Needed,
): Readonly<Record<string, Level>> {
  const told = config.notify.filter((one) => concerns(one, environment)).map(({ to }) => to.kind);
  return {
    contents: "read",
    deployments: config.github.ledger ? "write" : undefined,
    "id-token": needed.cloud ? "write" : undefined,
    "pull-requests": told.includes("pull-request") ? "write" : undefined,
    statuses: told.includes("commit-status") ? "write" : undefined,
  };
}
