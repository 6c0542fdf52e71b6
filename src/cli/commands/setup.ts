import { runSetup } from "../../deploy/setup.ts";
import { systemClock } from "../../clock.ts";
import { argument, textFlag } from "../arguments.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { showProgress } from "../progress.ts";
import { checkOutRelease, snapshotOf } from "../release-source.ts";
import { requestFor } from "../request-for.ts";
import { withSession } from "../session.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const source = await checkOutRelease(
    context,
    config,
    environment.name,
    textFlag(flags, "ref"),
    flags["dirty"] === true,
  );
  const snapshot = await snapshotOf(context, source).finally(() => source.remove());
  return withSession(
    context,
    config,
    environment,
    async (session) => {
      const request = await requestFor(context, config, environment, session, "deploy", flags);
      const done = await runSetup(
        { ...request, snapshot, images: [...new Set(snapshot.services.map((service) => service.image))] },
        { session, clock: systemClock, signal: context.signal, tell: showProgress(output) },
      );
      output.result(
        done.map(({ step, evidence }) => ({
          host: step.host,
          step: step.id,
          acted: evidence.acted,
          summary: evidence.summary,
        })),
      );
      for (const { step, evidence } of done)
        output.line(
          `${evidence.acted ? output.paint.green("✓") : output.paint.dim("·")} ${step.host}: ${step.title} ${output.paint.dim(evidence.summary)}`,
        );
      output.line(
        done.some(({ evidence }) => evidence.acted)
          ? `${environment.name} is set up`
          : `${environment.name} has everything it needs`,
      );
      return exitCodes.done;
    },
    { kind: "deploy", skip: [] },
  );
}
