import type { Config, Environment } from "../../config/types.ts";
import { runDeployment } from "../../deploy/deployment.ts";
import { argument, textFlag } from "../arguments.ts";
import { withConfirmation } from "../confirmation.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import { endIfRefused, orEndedEarly } from "../early.ts";
import type { Notices } from "../notices.ts";
import { choosePrepared, chooseKnownRelease, prepareRelease, releaseLiveIn } from "../release-for.ts";
import { demandGateFlags, requestFor } from "../request-for.ts";
import { following } from "../following.ts";
import { carryOut } from "../run-deployment.ts";
import { closing, closingAfter, deployingWithout, openSession } from "../session.ts";
import { withNotices } from "../with-notices.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  given: Flags,
): Promise<number> {
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  demandGateFlags(given, environment);
  const flags = await withConfirmation(context, environment, given);
  const about = { environment: environment.name, kind: "deploy", ofCommit: true };
  return withNotices(context, config, flags, about, (notices) =>
    orEndedEarly(deploy(context, config, environment, flags, notices)),
  );
}

async function deploy(
  context: CommandContext,
  config: Config,
  environment: Environment,
  flags: Flags,
  notices: Notices,
): Promise<number> {
  const named = textFlag(flags, "release");
  const opening = openSession(context, config, environment, deployingWithout(flags));
  // The hosts are connected while the commit is checked out; who is told of a failure is whoever awaits it first.
  opening.catch(() => undefined);
  const prepared =
    named === null
      ? await prepareRelease(context, config, environment.name, "deploy", flags, {
          live: () => opening.then(releaseLiveIn),
          beforeBuild: async (source) =>
            endIfRefused(context, config, environment, await opening, "deploy", flags, source, notices),
        }).catch(closing(opening))
      : null;
  return closingAfter(await opening, async (session) => {
    const chosen =
      prepared === null
        ? await chooseKnownRelease(context, config, environment, session, named ?? "")
        : choosePrepared(prepared);
    const request = await requestFor(context, config, environment, session, "deploy", flags, chosen);
    return carryOut(
      context,
      session,
      (ports) => runDeployment(request, ports),
      "nothing to do",
      notices,
      chosen.gates,
      following(context, config, environment, flags),
    );
  });
}
