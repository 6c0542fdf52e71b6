import { runAddress } from "../cli/workflow-run.ts";
import { ShiplockError } from "../errors.ts";
import { type Annotation, errorAnnotations } from "./annotations.ts";
import { type ActionWorld, type Engine, placesOf, tellAnnotations, withEngine } from "./engine.ts";
import { type ActionInputs, readInputs } from "./inputs.ts";
import { repositoryAddress } from "./repository-address.ts";
import { removeSsh } from "./ssh-access.ts";
import type { StepState } from "./state.ts";
import { withError } from "./heard.ts";
import { type Story, untold } from "./story.ts";
import { summaryOf } from "./summary.ts";
import { type Ending, endingOf } from "./unfinished.ts";

/**
 * The end of a step, also of one that was cancelled or killed: takes away what it left on this machine, and brings its deployment to an end if its process did not.
 * @returns the exit code: 1 where a deployment could not be ended
 */
export async function endAction(world: ActionWorld, state: StepState): Promise<0 | 1> {
  // What cannot be taken away is told in the end: a deployment in its middle is worse.
  const trouble = await removeSsh(state.ssh, world.clock).then(
    () => null,
    (error: unknown) => ({ error }),
  );
  const exitCode = await endWork(world, state);
  if (trouble !== null) throw trouble.error;
  return exitCode;
}

async function endWork(world: ActionWorld, state: StepState): Promise<0 | 1> {
  if (state.ended || state.deployment === null) return 0;
  const { environment, id } = state.deployment;
  const { log } = world;
  const note = `The step was killed while it was working on ${id} in ${environment}.`;
  log.text.write(`${note}\n`);
  const { exitCode, story, ending } = await endDeployment(world, environment, id);
  if (ending === "nothing" && exitCode === 0) return 0;
  const facts = { command: ending, environment, exitCode, note };
  const addresses = { repository: repositoryAddress(world.env), run: runAddress(world.env) };
  await world.files.summary(summaryOf(story, { ...facts, ...addresses }));
  return exitCode === 0 ? 0 : 1;
}

type DeploymentEnd = { exitCode: number; story: Story; ending: Ending };

async function endDeployment(world: ActionWorld, environment: string, id: string): Promise<DeploymentEnd> {
  try {
    const inputs = readInputs(world.env);
    return await withEngine(world, inputs, async (engine) => {
      const status = await engine.ask(commandLine("status", inputs, [environment]));
      const ending = endingOf(status, id);
      return {
        exitCode: await carryOut(world, engine, inputs, ending, environment, id),
        story: engine.story(),
        ending,
      };
    });
  } catch (error) {
    if (!(error instanceof ShiplockError)) throw error;
    tellAnnotations(world.log, errorAnnotations(error, placesOf(world, {})));
    return { exitCode: 1, story: withError(untold, error), ending: "nothing" };
  }
}

async function carryOut(
  { log }: ActionWorld,
  engine: Engine,
  inputs: ActionInputs,
  ending: Ending,
  environment: string,
  id: string,
): Promise<number> {
  switch (ending) {
    case "nothing":
      log.text.write(`nothing of ${id} is left to be done\n`);
      return 0;
    case "unseen":
      tellAnnotations(log, [unseen(environment, id)]);
      return 1;
    case "abort":
      return engine.run(commandLine("abort", inputs, [environment]));
    case "resume":
      return engine.run(commandLine("resume", inputs, [environment, id], "--no-watch"));
    case "cancel":
      return engine.run(commandLine("cancel", inputs, [environment, id]));
  }
}

function unseen(environment: string, id: string): Annotation {
  const message = `whether ${id} has ended could not be seen, since ${environment} could not be looked at\nwhat to do: \`shiplock status ${environment}\`, then \`shiplock resume ${environment}\` or \`shiplock abort ${environment}\` where it says so`;
  return { level: "error", title: `shiplock: ${environment} was not looked at`, message, at: null };
}

function commandLine(command: string, inputs: ActionInputs, words: readonly string[], ...flags: string[]): string[] {
  const { config, project } = inputs;
  const common = [
    ...(config === undefined ? [] : [`--config=${config}`]),
    ...(project === undefined ? [] : [`--project=${project}`]),
  ];
  return [command, ...flags, ...common, "--", ...words];
}
