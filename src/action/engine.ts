import { messageOf } from "../errors.ts";
import { resolve } from "node:path";
import type { MainOptions } from "../cli/main.ts";
import type { Listener } from "../cli/output.ts";
import type { Clock } from "../clock.ts";
import {
  type Annotation,
  annotationProperties,
  errorAnnotations,
  type Places,
  shownAnnotations,
} from "./annotations.ts";
import { type ActionInputs, withoutInputs } from "./inputs.ts";
import { phaseOf } from "./phase.ts";
import type { RunnerFiles } from "./runner-files.ts";
import type { RunnerLog } from "./runner-log.ts";
import { openSsh } from "./ssh-access.ts";
import { keepDeployment, keepSsh } from "./state.ts";
import { withError, withEvent, withResult } from "./heard.ts";
import { type Story, untold } from "./story.ts";

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
  readonly clock: Clock;
};

/** Runs one command after another in what the step has set up. The story is what was heard so far, of all of them. */
export type Engine = {
  run(argv: readonly string[]): Promise<number>;
  story(): Story;
  /** As `run`, for what nobody needs to read; answers what `--json` would print. */
  ask(argv: readonly string[]): Promise<unknown>;
};

export function placesOf({ cwd }: Pick<ActionWorld, "cwd">, inputs: ActionInputs): Places {
  return { root: cwd, project: resolve(cwd, inputs.project ?? "") };
}

/**
 * Does work with the engine, set up to reach hosts as the step says; afterwards nothing of that is left.
 * @throws what `openSsh` throws, and what the work does
 */
export async function withEngine<Result>(
  world: ActionWorld,
  inputs: ActionInputs,
  work: (engine: Engine) => Promise<Result>,
): Promise<Result> {
  const { env, log, files, clock } = world;
  log.mask([inputs.token ?? "", inputs["ssh-key"] ?? ""]);
  const access = await openSsh(inputs, env, clock, (left) => keepSsh(files, left));
  try {
    return await work(createEngine(world, inputs, { ...engineEnvironment(env, inputs), ...access?.env }));
  } finally {
    // What it leaves, the step's end takes away, by what was kept of it: no reason to lose what the work said.
    await access?.close().catch((error: unknown) => {
      const message = `the SSH agent of this step could not be taken away yet: ${messageOf(error)}`;
      tellAnnotations(log, [{ level: "warning", title: "shiplock", message, at: null }]);
    });
  }
}

/**
 * The engine's own environment: the step's without its inputs, and with the token under the name that everything looks for. A secret or variable that nobody has set on GitHub comes as an empty text, and GitHub takes
 * none that is empty: so what is empty is not there, and no value that hides one from elsewhere.
 */
function engineEnvironment(env: Variables, { token }: ActionInputs): Variables {
  const there = Object.entries(withoutInputs(env)).filter(([, value]) => value !== "");
  return { ...Object.fromEntries(there), ...(token === undefined ? {} : { GITHUB_TOKEN: token }) };
}

function createEngine(world: ActionWorld, inputs: ActionInputs, env: Variables): Engine {
  const { cwd, log, files, signal, main, version } = world;
  const places = placesOf(world, inputs);
  let story: Story = untold;

  function change(next: Story): void {
    const { environment, deployment } = next;
    // Kept before the first effect: a plan is told before it is carried out.
    if (deployment !== null && environment !== null && deployment !== story.deployment)
      keepDeployment(files, environment, deployment);
    story = next;
  }

  const listener: Listener = {
    event(event) {
      const title = phaseOf(event);
      if (title !== undefined) log.group(title);
      change(withEvent(story, event));
    },
    result(result) {
      log.group(null);
      change(withResult(story, result));
    },
    error(error) {
      log.group(null);
      change(withError(story, error));
      tellAnnotations(log, errorAnnotations(error, places));
    },
    hide: (secrets) => log.mask(secrets),
  };
  const options = { cwd, env, signal, version };
  return {
    story: () => story,
    run: async (argv) => {
      const exitCode = await main({ ...options, argv, stdout: log.text, stderr: log.text, listener });
      log.group(null);
      return exitCode;
    },
    async ask(argv) {
      const silent = { write: () => undefined };
      let answer: unknown;
      const asking = { ...listener, event: () => undefined, result: (result: unknown) => (answer = result) };
      await main({ ...options, argv, stdout: silent, stderr: silent, listener: asking });
      return answer;
    },
  };
}

export function tellAnnotations(log: RunnerLog, all: readonly Annotation[]): void {
  for (const one of shownAnnotations(all)) log.command(one.level, annotationProperties(one), one.message);
}
