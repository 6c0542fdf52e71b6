import { systemClock } from "../clock.ts";
import type { Config, Environment } from "../config/types.ts";
import { earlyTicket, refuseEarly } from "../deploy/early.ts";
import type { DeploymentKind } from "../deploy/types.ts";
import { emptyState } from "../environments/record/changes.ts";
import type { TargetSession } from "../targets/types.ts";
import { askEarlyGates } from "./ask-gates.ts";
import type { Flags } from "./commands/table.ts";
import type { CommandContext } from "./context.ts";
import type { DeploymentNotices } from "./notices.ts";
import type { CheckedOutCommit } from "./release-source.ts";
import { requestFor } from "./request-for.ts";
import { carryOut } from "./run-deployment.ts";

/** A command is over before anything was checked or built: a gate would refuse what it could build. Told and recorded already. */
export class EndedEarly extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super("a gate ended the request before anything was built");
    this.exitCode = exitCode;
  }
}

/**
 * Asks those gates about a commit that need no release of it.
 * @throws EndedEarly when one of them blocks
 */
export async function endIfRefused(
  context: CommandContext,
  config: Config,
  environment: Environment,
  session: TargetSession,
  kind: DeploymentKind,
  flags: Flags,
  { commit, dirty }: Pick<CheckedOutCommit, "commit" | "dirty">,
  notices: DeploymentNotices,
): Promise<void> {
  const request = await requestFor(context, config, environment, session, kind, flags);
  const state = (await session.record.read())?.state ?? emptyState(config.project, environment.name);
  const ticket = earlyTicket(request, commit, systemClock.now());
  const asking = { config, environment, session, kind, actor: request.asker, given: [] };
  const judgement = await askEarlyGates(context, asking, state, ticket, dirty);
  if (judgement.answer !== "block") return;
  const refuse: Parameters<typeof carryOut>[2] = (ports) =>
    refuseEarly(request, ports, ticket, commit.subject, judgement);
  throw new EndedEarly(await carryOut(context, session, refuse, "nothing to do", notices));
}

/** The exit code of a command that may end early. */
export async function orEndedEarly(work: Promise<number>): Promise<number> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof EndedEarly) return error.exitCode;
    throw error;
  }
}
