import { systemClock } from "../../clock.ts";
import { lookAndJudge, refuseUnfinished } from "../../deploy/asking.ts";
import { planDeployment } from "../../deploy/planning.ts";
import { obstacles } from "../../environments/gates/judge.ts";
import type { Release } from "../../release/types.ts";
import { argument, textFlag } from "../arguments.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { compareDocuments } from "../compare.ts";
import { planText } from "../progress.ts";
import { liveDocument } from "../promotion.ts";
import { choosePrepared, chooseKnownRelease, prepareRelease } from "../release-for.ts";
import { demandGateFlags, requestFor } from "../request-for.ts";
import { deployingWithout, withSession } from "../session.ts";
import type { Flags } from "./table.ts";

/** Shows the plan. It needs the digests, so images that were not built are built; no host is changed. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  demandGateFlags(flags, environment);
  const named = textFlag(flags, "release");
  const live = async (): Promise<Release | null> =>
    (await liveDocument(context, config, environment.name))?.release ?? null;
  const prepared =
    named === null ? await prepareRelease(context, config, environment.name, "deploy", flags, { live }) : null;
  return withSession(
    context,
    config,
    environment,
    async (session) => {
      const chosen =
        prepared === null
          ? await chooseKnownRelease(context, config, environment, session, named ?? "")
          : choosePrepared(prepared);
      const request = await requestFor(context, config, environment, session, "deploy", flags, chosen);
      const ports = { session, clock: systemClock, signal: context.signal, tell: () => undefined };
      const look = await lookAndJudge(request, ports, "request");
      refuseUnfinished(look.state);
      const { plan, document, previous, judgement } = await planDeployment(request, ports, look);
      const changes = await compareDocuments(previous, document, config.folder);
      output.result({ plan, checklist: plan.checklist ?? [], changes, gates: judgement.decisions });
      output.line(planText(plan, output));
      for (const { heading, lines } of changes.sections) {
        output.line(output.paint.bold(`  ${heading}`));
        for (const line of lines) output.line(`    ${line}`);
      }
      const against = obstacles(judgement).map(({ gate }) => gate);
      const then = judgement.answer === "block" ? "would not begin now" : "would wait";
      const words = against.length === 0 ? "runs these steps" : `${then}: ${against.join(", ")}`;
      output.line(output.paint.dim(`nothing was changed; \`shiplock deploy\` ${words}`));
      return exitCodes.done;
    },
    deployingWithout(flags),
  );
}
