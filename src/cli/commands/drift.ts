import { documentOf } from "../../deploy/read-record.ts";
import { argument } from "../arguments.ts";
import { behindSentences } from "../behind.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { withSession } from "../session.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  _flags: Flags,
): Promise<number> {
  const { output } = context;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  return withSession(context, config, environment, async (session) => {
    const read = await session.record.read();
    const state = read?.state ?? null;
    const observations = await session.observe(state, await documentOf(session, state?.live?.document ?? null));
    const drift = [
      ...behindSentences(state, session.skipped),
      ...observations.flatMap((observation) =>
        observation.drift.map((sentence) => ({ host: observation.host, sentence })),
      ),
    ];
    output.result({ environment: environment.name, live: state?.live?.release ?? null, drift });
    if (state?.live === null || state === null) output.line(`nothing is live in ${environment.name}`);
    else if (drift.length === 0)
      output.line(
        `${output.paint.green("no drift")}: ${environment.name} runs ${state.live.release} as recorded on ${observations.length === 1 ? "1 host" : `${observations.length} hosts`}`,
      );
    for (const { host, sentence } of drift) output.line(`${output.paint.yellow("drift")} ${host}: ${sentence}`);
    if (drift.length > 0 && state?.live !== null && state !== null)
      output.line(
        `${output.paint.cyan("what to do")}: find out who did it; \`shiplock deploy ${environment.name} --release ${state.live.release}\` puts up what is recorded`,
      );
    return drift.length === 0 ? exitCodes.done : exitCodes.failed;
  });
}
