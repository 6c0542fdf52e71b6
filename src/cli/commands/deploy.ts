import type { Config, Environment } from "../../config/types.ts";
import { runDeployment } from "../../deploy/deployment.ts";
import { argument, textFlag } from "../arguments.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import type { Notices } from "../notices.ts";
import { choosePrepared, chooseKnownRelease, prepareRelease, releaseLiveIn } from "../release-for.ts";
import { requestFor } from "../request-for.ts";
import { following } from "../following.ts";
import { carryOut } from "../run-deployment.ts";
import { closingAfter, deployingWithout, openSession } from "../session.ts";
import { withNotices } from "../with-notices.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const about = { environment: environment.name, kind: "deploy", ofCommit: true };
  return withNotices(context, config, flags, about, (notices) => deploy(context, config, environment, flags, notices));
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
  // The hosts are connected while the images are built; who is told of a failure is `await opening` below.
  opening.catch(() => undefined);
  const prepared =
    named === null
      ? await prepareRelease(context, config, environment.name, "deploy", flags, {
          // A session that does not open is told of below.
          live: () => opening.then(releaseLiveIn, () => null),
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

/** Closes what was opened meanwhile, then goes on with the error. */
function closing(opening: Promise<{ close(): Promise<void> }>): (error: unknown) => Promise<never> {
  return async (error) => {
    const [opened] = await Promise.allSettled([opening]);
    if (opened.status === "fulfilled") await opened.value.close();
    throw error;
  };
}
