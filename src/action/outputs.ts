import { exitCodes } from "../cli/exit-codes.ts";
import type { ActionInputs } from "./inputs.ts";
import type { Story } from "./story.ts";

/** Outputs of the Action, by their names in action.yml. */
export type ActionOutputs = Readonly<
  Record<"result" | "exit-code" | "environment" | "release" | "deployment" | "commit" | "url" | "document", string>
>;

/** GitHub holds a mebibyte of outputs for a whole job. */
const longestDocument = 256 * 1024;

/**
 * What later steps may know of a run. What it was not about is empty.
 * @param named environment that the step named
 */
export function outputsOf(story: Story, exitCode: number, named: string | undefined): ActionOutputs {
  const document = story.document === undefined ? "" : JSON.stringify(story.document);
  return {
    result: resultWord(story, exitCode),
    "exit-code": String(exitCode),
    environment: story.environment ?? named ?? "",
    release: story.release ?? "",
    deployment: story.deployment ?? "",
    commit: story.commit ?? "",
    url: story.url ?? "",
    document: document.length > longestDocument ? "" : document,
  };
}

/**
 * Whether the step is a success. A request that was told not to wait, and waits, has done what it was asked for: it would be a red cross for what is as it should be. Its `result` says
 * `waiting`, for steps that come behind it.
 */
export function stepPasses(story: Story, exitCode: number, inputs: ActionInputs): boolean {
  const waits = exitCode === exitCodes.gate && story.state === "waiting";
  return exitCode === exitCodes.done || (waits && inputs["no-wait"] === "true");
}

/** How it ended, in one word: the deployment's state or the checks' result, or else what the exit code means. */
export function resultWord({ state }: Story, exitCode: number): string {
  // The state of a deployment is not all: its watch may have ended badly after it had succeeded.
  const well = state === "succeeded" || state === "passed";
  if (state !== null && (!well || exitCode === exitCodes.done)) return state;
  switch (exitCode) {
    case exitCodes.done:
      return "done";
    case exitCodes.usage:
      return "refused";
    case exitCodes.gate:
      return "blocked";
    case exitCodes.person:
      return "needs-a-person";
    case exitCodes.interrupted:
    case exitCodes.terminated:
      return "interrupted";
    default:
      return "failed";
  }
}
