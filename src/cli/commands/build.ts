import { argument } from "../arguments.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { prepareRelease } from "../release-for.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const { release } = await prepareRelease(context, config, environment.name, "build", flags);
  output.result(release);
  output.line(
    `${output.paint.green("built")} ${output.paint.bold(release.id)}${release.environment === null ? "" : ` (holds values of ${release.environment}, and belongs to it alone)`}`,
  );
  for (const image of Object.values(release.images))
    output.line(`  ${image.name.padEnd(12)} ${image.repository}:${image.tag} ${output.paint.dim(image.digest)}`);
  return exitCodes.done;
}
