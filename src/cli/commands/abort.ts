import { abortDeployment } from "../../deploy/deployment.ts";
import { finish } from "../finish.ts";
import type { CommandContext } from "../context.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  return finish(context, args, flags, async (request, ports) => {
    const outcome = await abortDeployment(request, ports);
    // Going back was what was asked for: it is no failure.
    return outcome?.state === "rolled-back"
      ? { ...outcome, error: null, outcome: `${outcome.from ?? "nothing"} serves; ${outcome.release} was taken back` }
      : outcome;
  });
}
