import { resolveEnvironment } from "../../config/environment.ts";
import { argument } from "../arguments.ts";
import { compareDocuments, type Comparison, ownOf } from "../compare.ts";
import { type CommandContext, loadProject } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import type { Output } from "../output.ts";
import { liveDocument, promotionOf } from "../promotion.ts";
import type { Flags } from "./table.ts";

/** What promoting the first environment's release would change in the second, and what would stay as the second has it. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  _flags: Flags,
): Promise<number> {
  const { output } = context;
  const config = await loadProject(context);
  const [from, to] = [argument(args, 0), argument(args, 1)].map((name) => resolveEnvironment(config, name).name) as [
    string,
    string,
  ];
  const [left, right] = await Promise.all([liveDocument(context, config, from), liveDocument(context, config, to)]);
  output.line(`${from}: ${left?.release.id ?? "(nothing)"}   ${to}: ${right?.release.id ?? "(nothing)"}`);
  if (left === null) {
    output.result({ left: from, right: to, same: right === null, sections: [], own: [] });
    output.line(`nothing is live in ${from}, so there is nothing to promote`);
    return exitCodes.done;
  }
  // What was built from a working tree cannot be promoted: then the two are compared as they are.
  const brought = left.release.dirty ? left : await promotionOf(context, config, left, to, right);
  const comparison = await compareDocuments(right, brought, config.folder);
  const own = ownOf(left, brought);
  output.result({ left: from, right: to, promotable: !left.release.dirty, ...comparison, own });
  if (left.release.dirty)
    output.line(`${from} runs a working tree, which cannot be promoted; as they are they differ in`);
  tellSections(comparison, to, output);
  if (own.length > 0) {
    output.line(output.paint.bold(`stays ${to}'s own, beside its hosts, strategy and secrets`));
    for (const line of own) output.line(`  ${line}`);
  }
  return exitCodes.done;
}

function tellSections(comparison: Comparison, to: string, output: Output): void {
  if (comparison.same) output.line(`a promotion would change nothing in ${to}`);
  for (const { heading, lines } of comparison.sections) {
    output.line(output.paint.bold(heading));
    for (const line of lines) output.line(`  ${line}`);
  }
}
