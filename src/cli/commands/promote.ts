import { resolveEnvironment } from "../../config/environment.ts";
import { runDeployment } from "../../deploy/deployment.ts";
import { ShiplockError } from "../../errors.ts";
import type { ReleaseDocument, ReleaseImage } from "../../release/types.ts";
import type { Config, Environment } from "../../config/types.ts";
import { argument } from "../arguments.ts";
import { withConfirmation } from "../confirmation.ts";
import { type CommandContext, loadProject } from "../context.ts";
import { endIfRefused, orEndedEarly } from "../early.ts";
import type { Notices } from "../notices.ts";
import { liveDocument } from "../promotion.ts";
import { choosePrepared, prepareRelease } from "../release-for.ts";
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
  const config = await loadProject(context);
  const from = resolveEnvironment(config, argument(args, 0));
  const to = resolveEnvironment(config, argument(args, 1));
  if (from.name === to.name)
    throw new ShiplockError({
      code: "promote/same",
      blame: "usage",
      message: `${from.name} cannot be promoted to itself`,
      remedy: "name two environments",
    });
  demandGateFlags(given, to);
  const about = { environment: to.name, kind: "promote", ofCommit: false };
  const flags = await withConfirmation(context, to, given);
  return withNotices(context, config, flags, about, (notices) =>
    orEndedEarly(promote(context, config, { from, to }, flags, notices)),
  );
}

async function promote(
  context: CommandContext,
  config: Config,
  { from, to }: { from: Environment; to: Environment },
  flags: Flags,
  notices: Notices,
): Promise<number> {
  const { output } = context;
  const live = await liveIn(context, config, from.name);
  const shared: Record<string, ReleaseImage> = Object.fromEntries(
    Object.entries(live.release.images).filter(([, image]) => image.environment === null),
  );
  const opening = openSession(context, config, to, deployingWithout(flags));
  // As with a deployment: who is told of a failure is whoever awaits it first.
  opening.catch(() => undefined);
  const prepared = await prepareRelease(
    context,
    config,
    to.name,
    "deploy",
    { check: flags["check"], emergency: flags["emergency"] },
    {
      promoted: { release: live.release, images: shared },
      live: async () => live.release,
      beforeBuild: async (source) =>
        endIfRefused(context, config, to, await opening, "promote", flags, source, notices),
    },
  ).catch(closing(opening));
  const { release } = prepared;
  if (release.id !== live.release.id) {
    const own = Object.values(release.images)
      .filter((image) => image.environment !== null)
      .map((image) => image.name);
    output.line(
      `${output.paint.yellow("a sibling release")}: ${own.join(", ")} ${own.length === 1 ? "holds" : "hold"} values of ${to.name} and ${own.length === 1 ? "was" : "were"} built for it from the same commit; its origin is ${live.release.id}`,
    );
  }
  return closingAfter(await opening, async (session) => {
    const chosen = choosePrepared(prepared);
    const request = await requestFor(context, config, to, session, "promote", flags, chosen);
    const watched = following(context, config, to, flags);
    return carryOut(
      context,
      session,
      (ports) => runDeployment(request, ports),
      "nothing to do",
      notices,
      chosen.gates,
      watched,
    );
  });
}

async function liveIn(context: CommandContext, config: Config, name: string): Promise<ReleaseDocument> {
  const document = await liveDocument(context, config, name);
  if (document === null)
    throw new ShiplockError({
      code: "promote/nothing-live",
      blame: "gate",
      message: `nothing is live in ${name}`,
      remedy: `deploy to ${name} first`,
    });
  if (document.release.dirty)
    throw new ShiplockError({
      code: "promote/dirty",
      blame: "gate",
      message: `${document.release.id} in ${name} was built from a working tree, which nobody can build again`,
      remedy: `commit, and deploy the commit to ${name} first`,
    });
  return document;
}
