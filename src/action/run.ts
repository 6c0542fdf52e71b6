import { exitCodeOf } from "../cli/exit-codes.ts";
import { runAddress } from "../cli/workflow-run.ts";
import { ShiplockError } from "../errors.ts";
import { checkAnnotations, errorAnnotations, failureAnnotation, outcomeNotices } from "./annotations.ts";
import { argumentsOf } from "./arguments.ts";
import { type ActionWorld, placesOf, tellAnnotations, withEngine } from "./engine.ts";
import { type ActionInputs, readInputs } from "./inputs.ts";
import { outputsOf, stepPasses } from "./outputs.ts";
import { repositoryAddress } from "./repository-address.ts";
import { keepBegun, keepEnded } from "./state.ts";
import { withError } from "./heard.ts";
import { type Story, untold } from "./story.ts";
import { summaryOf } from "./summary.ts";

/**
 * Runs the command that the step asks for and tells the runner about it.
 * @returns the exit code of the step: 0 where `stepPasses`, or 1 for whatever the command's own code says; that one is an output
 */
export async function runAction(world: ActionWorld): Promise<0 | 1> {
  const { env, files } = world;
  keepBegun(files);
  const { inputs, story, exitCode } = await runCommand(world);
  keepEnded(files);
  for (const [name, value] of Object.entries(outputsOf(story, exitCode, inputs.environment)))
    await files.output(name, value);
  const about = { command: inputs.command ?? "shiplock", environment: inputs.environment, exitCode };
  await files.summary(summaryOf(story, { ...about, repository: repositoryAddress(env), run: runAddress(env) }));
  return stepPasses(story, exitCode, inputs) ? 0 : 1;
}

/** What the step was given, and how its command went. */
type CommandEnd = { inputs: ActionInputs; story: Story; exitCode: number };

async function runCommand(world: ActionWorld): Promise<CommandEnd> {
  const { log, signal } = world;
  let inputs: ActionInputs = {};
  try {
    inputs = readInputs(world.env);
    const argv = argumentsOf(inputs);
    const { exitCode, story } = await withEngine(world, inputs, async (engine) => {
      const tell = (): void => tellCancelled(world);
      signal.addEventListener("abort", tell, { once: true });
      const code = await engine.run(argv);
      signal.removeEventListener("abort", tell);
      return { exitCode: code, story: engine.story() };
    });
    const places = placesOf(world, inputs);
    const failure = failureAnnotation(story, inputs.command ?? "", exitCode);
    tellAnnotations(log, [...checkAnnotations(story.checks, places), ...outcomeNotices(story), ...failure]);
    return { inputs, story, exitCode };
  } catch (error) {
    if (!(error instanceof ShiplockError)) throw error;
    log.group(null);
    tellAnnotations(log, errorAnnotations(error, placesOf(world, {})));
    return { inputs, story: withError(untold, error), exitCode: exitCodeOf(error.blame) };
  }
}

function tellCancelled({ log }: ActionWorld): void {
  log.group(null);
  log.text.write("cancelled: ending in a safe state; before the commit point it goes back, after it forward\n");
}
