import { resolve } from "node:path";
import type { Listener } from "../cli/output.ts";
import { ShiplockError } from "../errors.ts";
import type { MainOptions } from "../cli/main.ts";
import {
  annotationProperties,
  checkAnnotations,
  errorAnnotations,
  outcomeNotices,
  type Places,
  shownAnnotations,
} from "./annotations.ts";
import { argumentsOf } from "./arguments.ts";
import { type ActionInputs, readInputs, withoutInputs } from "./inputs.ts";
import { outputsOf } from "./outputs.ts";
import { phaseOf } from "./phase.ts";
import { repositoryAddress, runAddress } from "./run-address.ts";
import type { RunnerFiles } from "./runner-files.ts";
import type { RunnerLog } from "./runner-log.ts";
import { summaryOf } from "./summary.ts";
import { type Story, untold, withError, withEvent, withResult } from "./story.ts";

type Variables = Readonly<Record<string, string | undefined>>;

/** What a step of a workflow stands in. */
export type ActionWorld = {
  readonly env: Variables;
  /** The repository. */
  readonly cwd: string;
  readonly log: RunnerLog;
  readonly files: RunnerFiles;
  /** Aborted with the signal's name when the run is cancelled. */
  readonly signal: AbortSignal;
  /** The command line: the same engine as on every machine. */
  readonly main: (options: MainOptions) => Promise<number>;
  readonly version: string;
};

/**
 * Runs the command that the step asks for and tells the runner about it.
 * @returns the exit code of the step: 0, or 1 for whatever the command's own code says; that one is an output
 */
export async function runAction(world: ActionWorld): Promise<0 | 1> {
  const { env, log, signal } = world;
  let story: Story = untold;
  let inputs: ActionInputs = {};
  let exitCode = 2;
  try {
    inputs = readInputs(env);
    const argv = argumentsOf(inputs);
    log.mask([inputs.token ?? "", inputs["ssh-key"] ?? ""]);
    const places = { root: world.cwd, project: resolve(world.cwd, inputs.project ?? "") };
    signal.addEventListener("abort", () => tellCancelled(log), { once: true });
    exitCode = await runEngine(world, argv, engineEnvironment(env, inputs), places, (change) => {
      story = change(story);
    });
    log.group(null);
    tellAnnotations(log, [...checkAnnotations(story.checks, places), ...outcomeNotices(story)]);
  } catch (error) {
    if (!(error instanceof ShiplockError)) throw error;
    log.group(null);
    story = withError(story, error);
    tellAnnotations(log, errorAnnotations(error, { root: world.cwd, project: world.cwd }));
  }
  for (const [name, value] of Object.entries(outputsOf(story, exitCode, inputs.environment)))
    await world.files.output(name, value);
  const repository = repositoryAddress(env);
  const about = { command: inputs.command ?? "shiplock", environment: inputs.environment, exitCode };
  await world.files.summary(summaryOf(story, { ...about, repository, run: runAddress(env) }));
  return exitCode === 0 ? 0 : 1;
}

/** The engine's own environment: the step's without its inputs, and with the token under the name that everything looks for. */
function engineEnvironment(env: Variables, { token }: ActionInputs): Variables {
  return { ...withoutInputs(env), ...(token === undefined ? {} : { GITHUB_TOKEN: token }) };
}

function runEngine(
  { cwd, log, signal, main, version }: ActionWorld,
  argv: readonly string[],
  env: Variables,
  places: Places,
  change: (next: (story: Story) => Story) => void,
): Promise<number> {
  const listener: Listener = {
    event(event) {
      const title = phaseOf(event);
      if (title !== undefined) log.group(title);
      change((story) => withEvent(story, event));
    },
    result(result) {
      log.group(null);
      change((story) => withResult(story, result));
    },
    error(error) {
      log.group(null);
      change((story) => withError(story, error));
      tellAnnotations(log, errorAnnotations(error, places));
    },
    hide: (secrets) => log.mask(secrets),
  };
  return main({ argv, cwd, env, stdout: log.text, stderr: log.text, signal, version, listener });
}

function tellAnnotations(log: RunnerLog, all: ReturnType<typeof errorAnnotations>): void {
  for (const one of shownAnnotations(all)) log.command(one.level, annotationProperties(one), one.message);
}

function tellCancelled(log: RunnerLog): void {
  log.group(null);
  log.text.write("cancelled: ending in a safe state; before the commit point it goes back, after it forward\n");
}
