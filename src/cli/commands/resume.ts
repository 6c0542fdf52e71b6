import { resumeDeployment } from "../../deploy/deployment.ts";
import { finish } from "../finish.ts";
import type { CommandContext } from "../context.ts";
import type { Flags } from "./table.ts";

export function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  return finish(context, args, flags, resumeDeployment);
}
