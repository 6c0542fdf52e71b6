import type { Config, Environment } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Release } from "../release/types.ts";
import { textFlag } from "./arguments.ts";
import type { Flags } from "./commands/table.ts";
import { type CommandContext, openHistory } from "./context.ts";
import { liveDocument } from "./promotion.ts";

/**
 * The release that `--release` names, as this machine's history has it; without it what is live in the environment.
 * @throws ShiplockError `release/unknown`, `release/nothing-live`, `ledger/ambiguous-release`
 */
export async function knownRelease(
  context: CommandContext,
  config: Config,
  environment: Environment,
  flags: Flags,
): Promise<Release> {
  const named = textFlag(flags, "release");
  if (named === null) {
    const live = await liveDocument(context, config, environment.name);
    if (live !== null) return live.release;
    throw new ShiplockError({
      code: "release/nothing-live",
      blame: "usage",
      message: `nothing is live in ${environment.name}`,
      remedy: "name a release with --release; `shiplock history` has them",
    });
  }
  const ledger = await openHistory(context);
  try {
    const found = await ledger.findRelease(config.project, named);
    if (found !== null) return found.payload as Release;
  } finally {
    await ledger.close();
  }
  throw new ShiplockError({
    code: "release/unknown",
    blame: "usage",
    message: `this machine knows no release ${JSON.stringify(named)} of ${config.project}`,
    remedy: "leave out --release for what is live; `shiplock history` has the releases of this machine",
  });
}
