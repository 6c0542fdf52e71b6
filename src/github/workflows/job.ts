import type { Config, Environment } from "../../config/types.ts";
import type { Needed } from "./needed.ts";
import { valueOf } from "./expressions.ts";
import { pins } from "./pins.ts";
import type { Pin, WorkflowInput } from "./types.ts";
import { entry, type Entry, type Mapping, mapping, plain, type Value } from "./yaml.ts";

const minuteMs = 60_000;
/** A job of GitHub's own runners ends after six hours. */
const longestMinutes = 360;

/** `runs-on` of every job. */
export function runsOn({ github }: Config): Entry {
  const [only, ...others] = github.runner;
  return entry("runs-on", others.length === 0 ? (only ?? "") : github.runner);
}

/** `timeout-minutes` for work of so many milliseconds, and the time that a runner takes to begin. */
export function timeout(milliseconds: number): Entry {
  return entry("timeout-minutes", Math.min(longestMinutes, Math.ceil(milliseconds / minuteMs) + 10));
}

/** Permissions of a job, those that it has, in GitHub's words. */
export function permissions(given: Readonly<Record<string, "read" | "write" | undefined>>): Entry {
  const kept = Object.entries(given).filter(([, level]) => level !== undefined);
  return entry("permissions", mapping(...kept.map(([name, level]) => entry(name, level ?? "read"))));
}

/** A step that uses somebody's action. */
export function uses(pin: Pin, ...more: readonly (Entry | null)[]): (Entry | null)[] {
  return [entry("uses", pin.uses, pin.version === undefined ? {} : { beside: pin.version }), ...more];
}

/**
 * The checkout. No login stays in the folder, where code of the repository could find it.
 * @param ref expression of what is checked out; null for what the run is about
 * @param whole whether the history is needed: which commit comes before which
 */
export function checkout(ref: string | null, whole: boolean): Mapping {
  return mapping(
    ...uses(
      pins.checkout,
      entry(
        "with",
        mapping(
          ref === null ? null : entry("ref", valueOf(ref)),
          whole ? entry("fetch-depth", 0) : null,
          entry("persist-credentials", false),
        ),
      ),
    ),
  );
}

/** Lets the runner run programs of other machines, where images are built for them; runners of GitHub's are `linux/amd64`. */
export function emulation({ images }: Config): Mapping[] {
  const platforms = Object.values(images).flatMap((image) => image.platforms);
  const others = [...new Set(platforms.filter((platform) => platform !== "linux/amd64"))];
  const machines = [...new Set(others.map((platform) => platform.split("/")[1] ?? ""))].sort();
  if (machines.length === 0) return [];
  return [
    mapping(
      entry("name", "Emulate other machines"),
      ...uses(pins.emulation, entry("with", mapping(entry("platforms", machines.join(","))))),
    ),
  ];
}

export type ActionStep = {
  readonly id?: string;
  readonly name: string;
  readonly above?: readonly string[];
  readonly if?: string;
  readonly inputs: Readonly<Record<string, Value | undefined>>;
  readonly needed: Needed;
  /** What a secret becomes in this step; `secrets.NAME` unless told. */
  readonly secret?: (name: string) => string;
  readonly hosts?: "ssh" | "local";
};

/** A step that runs a command of Shiplock. */
export function actionStep({ config, configPath, action }: WorkflowInput, step: ActionStep): Mapping {
  const { secret = (name) => `secrets.${name}`, needed } = step;
  const inputs = Object.entries(step.inputs).flatMap(([name, value]) =>
    value === undefined ? [] : [entry(name, value)],
  );
  const token = config.github.token;
  const variables = [
    ...needed.secrets.map((name) => entry(name, valueOf(name === "GITHUB_TOKEN" ? "github.token" : secret(name)))),
    ...needed.variables.map((name) => entry(name, valueOf(`vars.${name}`))),
  ];
  return mapping(
    entry("name", step.name, step.above === undefined ? {} : { above: step.above }),
    step.id === undefined ? null : entry("id", step.id),
    step.if === undefined ? null : entry("if", step.if),
    ...uses(
      action,
      entry(
        "with",
        mapping(
          ...inputs,
          isFound(configPath) ? null : entry("config", configPath),
          ...(step.hosts === "ssh" ? sshInputs() : []),
          token === undefined || token === "GITHUB_TOKEN" ? null : entry("token", valueOf(secret(token))),
        ),
      ),
    ),
    variables.length === 0 ? null : entry("env", mapping(...variables)),
  );
}

/** Whether a command at the repository's root finds it by itself. */
function isFound(configPath: string): boolean {
  return ["shiplock.yml", "shiplock.yaml", "shiplock.config.ts"].includes(configPath);
}

function sshInputs(): Entry[] {
  return [
    entry("ssh-key", valueOf("secrets.SHIPLOCK_SSH_KEY")),
    entry("known-hosts", valueOf("vars.SHIPLOCK_KNOWN_HOSTS")),
  ];
}

/** How the hosts of these environments are reached from a runner. */
export function hostsOf(environments: readonly Environment[]): "ssh" | "local" {
  const hosts = environments.flatMap(({ target }) => target.hosts);
  return hosts.some(({ connection }) => connection.kind === "ssh") ? "ssh" : "local";
}

/** The one line in which everything stands that changes an environment, whichever workflow it comes from. Who waits is not thrown out by who comes later. */
export function concurrencyOf(input: WorkflowInput, environment: string, above: readonly string[] = []): Entry {
  return entry(
    "concurrency",
    mapping(entry("group", ownName(input, environment)), entry("queue", "max"), entry("cancel-in-progress", false)),
    above.length === 0 ? {} : { above },
  );
}

/**
 * A name that this project's workflows share with each other and with nobody else. Projects in one repository have environments and checks of the same names, and GitHub knows
 * groups, caches and statuses by nothing but their names in the whole repository.
 */
export function ownName({ config, configPath }: WorkflowInput, name: string): string {
  return configPath.includes("/") ? `shiplock-${config.project}-${name}` : `shiplock-${name}`;
}

/** GitHub's environment of the same name: its secrets and its reviewers, without a record of its own. */
export function environmentOf(name: string): Entry {
  return entry("environment", plain({ name, deployment: false }));
}

/** What a job may do with the registry, where GitHub's own token is the login. */
export function packagesPermission({ registry }: Config, level: "read" | "write"): "read" | "write" | undefined {
  const host = registry?.address.split("/")[0];
  return host === "ghcr.io" && registry?.login?.passwordVariable === "GITHUB_TOKEN" ? level : undefined;
}
