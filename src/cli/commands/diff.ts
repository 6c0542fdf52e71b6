import { resolveEnvironment } from "../../config/environment.ts";
import type { Config } from "../../config/types.ts";
import { documentOf } from "../../deploy/read-record.ts";
import type { ReleaseDocument } from "../../release/types.ts";
import { argument } from "../arguments.ts";
import { compareDocuments } from "../compare.ts";
import { type CommandContext, loadProject } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withSession } from "../session.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  _flags: Flags,
): Promise<number> {
  const { output } = context;
  const config = await loadProject(context);
  const names = [argument(args, 0), argument(args, 1)] as const;
  const [left, right] = await Promise.all([
    liveDocument(context, config, names[0]),
    liveDocument(context, config, names[1]),
  ]);
  // What the first has and the second lacks is what a promotion would bring.
  const comparison = await compareDocuments(right, left, config.folder);
  output.result({ left: names[0], right: names[1], ...comparison });
  output.line(`${names[0]}: ${left?.release.id ?? "(nothing)"}   ${names[1]}: ${right?.release.id ?? "(nothing)"}`);
  if (comparison.same) output.line("they run the same");
  for (const { heading, lines } of comparison.sections) {
    output.line(output.paint.bold(heading));
    for (const line of lines) output.line(`  ${line}`);
  }
  return exitCodes.done;
}

async function liveDocument(context: CommandContext, config: Config, name: string): Promise<ReleaseDocument | null> {
  return withSession(context, config, resolveEnvironment(config, name), async (session) => {
    const read = await session.record.read();
    return documentOf(session, read?.state.live?.document ?? null);
  });
}
