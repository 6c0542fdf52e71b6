import { hostname, userInfo } from "node:os";
import type { Config, Environment } from "../config/types.ts";
import type { Origin } from "../deploy/types.ts";
import type { Ledger } from "../ledger/types.ts";
import { messageOf, ShiplockError } from "../errors.ts";
import type { GitHubMemory } from "./github-memory.ts";
import type { Output } from "./output.ts";
import type { SecretMemory } from "./secret-memory.ts";
import { workflowRunOf } from "./workflow-run.ts";

/** Options that every command takes. */
export type CommonOptions = { json?: boolean | string; config?: string; project?: string };

/** What a command has to work with. */
export type CommandContext = {
  options: CommonOptions;
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  output: Output;
  /** Aborted by Ctrl-C, SIGTERM or SIGHUP. */
  signal: AbortSignal;
  /** The whole command line, for records; never holds a secret. */
  commandLine: string;
  /** So that the command reads each secret once; without it every part that wants one asks anew. */
  secrets?: SecretMemory;
  /** So that the command's parts ask GitHub once; without it every part asks anew. */
  github?: GitHubMemory;
};

/** The configuration of the project, with every error at file, line and column. */
export async function loadProject(context: CommandContext): Promise<Config> {
  const { loadConfig } = await import("../config/load.ts");
  const { readFile } = await import("node:fs/promises");
  await requireFolder(context);
  const config = await loadConfig({
    ...(context.options.config === undefined ? {} : { path: context.options.config }),
    cwd: context.cwd,
    readFile: (path) => readFile(path, "utf8"),
    env: context.env,
  });
  // Whatever speaks from now on may repeat what it was given: a service its variables, a registry the login it refused, a program what it was started with.
  const { declaredSecrets } = await import("../config/secret-names.ts");
  const key = context.env["SHIPLOCK_AGE_KEY"] ?? "";
  context.output.hide([...Object.values(declaredSecrets(config, context.env)), ...(key === "" ? [] : [key])]);
  return config;
}

/** Without this, a folder that is not there would be answered with the configuration of one above it. */
export async function requireFolder({ options, cwd }: CommandContext): Promise<void> {
  if (options.project === undefined) return;
  const { stat } = await import("node:fs/promises");
  const found = await stat(cwd).catch((error: NodeJS.ErrnoException) => error);
  if (!(found instanceof Error) && found.isDirectory()) return;
  throw new ShiplockError({
    code: "cli/no-project-folder",
    blame: "usage",
    message: found instanceof Error ? `--project: ${messageOf(found)}` : "--project names a file, not a folder",
    where: cwd,
    remedy: "name the folder of the project, or leave out --project to work in this one",
  });
}

export async function loadEnvironment(
  context: CommandContext,
  name: string,
): Promise<{ config: Config; environment: Environment }> {
  const config = await loadProject(context);
  const { resolveEnvironment } = await import("../config/environment.ts");
  return { config, environment: resolveEnvironment(config, name) };
}

/** The history on this machine; in a run of a GitHub workflow also what other machines have to know of it, which is shared through GitHub. */
export async function openHistory(context: CommandContext): Promise<Ledger> {
  const { ledgerPath } = await import("../ledger/location.ts");
  const { openLedger } = await import("../ledger/open.ts");
  const { stateRules } = await import("../deploy/states.ts");
  const local = await openLedger({
    path: ledgerPath({ env: context.env, home: userInfo().homedir }),
    states: stateRules,
  });
  if (context.env["GITHUB_ACTIONS"] !== "true") return local;
  const { sharedOnGitHub } = await import("./github-ledger.ts");
  return sharedOnGitHub(context, local, () => loadProject(context));
}

/**
 * In a workflow on GitHub whoever has the run going, and nobody else: what a workflow writes into `SHIPLOCK_WHO` counts for nothing there. Anywhere else the operating system's user, unless
 * `SHIPLOCK_WHO` says otherwise. A CI that has no value for it sets it to nothing, which is nobody's name.
 */
export function whoAsks({ env }: Pick<CommandContext, "env">): string {
  const run = workflowRunOf(env);
  if (run !== null) return run.actor;
  const said = env["GITHUB_ACTIONS"] === "true" ? "" : (env["SHIPLOCK_WHO"]?.trim() ?? "");
  return said === "" ? userInfo().username : said;
}

/** Who asks, from where: the attempt of a workflow's run on GitHub, or the operating system's user and machine. */
export function originOf(context: CommandContext, reason: string | null): Origin {
  const who = whoAsks(context);
  const { mask } = context.output;
  const from = workflowRunOf(context.env)?.address ?? `${hostname()} (process ${process.pid})`;
  return { who, from, command: mask(context.commandLine), reason: reason === null ? null : mask(reason) };
}
