import { requestMeant, withCancelled } from "../../environments/queue/answers.ts";
import { argument, optionalArgument } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { requestNotice } from "../request-notices.ts";
import { withRequests } from "../with-requests.ts";
import type { Flags } from "./table.ts";

/** Calls off a request that has not begun. Anybody may, and it is recorded who did. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  _flags: Flags,
): Promise<number> {
  const { output } = context;
  return withRequests(context, argument(args, 0), async (requests) => {
    const { environment, by, now, write } = requests;
    const seen = await requests.read();
    const meant = requestMeant(seen, optionalArgument(args, 1));
    const { deployment, release, origin } = meant;
    const gone = (await requests.gone(seen)).has(deployment);
    const state = await write((known) =>
      withCancelled(known, requestMeant(known, deployment), { by, comment: null, now: now() }),
    );
    const outcome = state.deployments.find((entry) => entry.deployment === deployment)?.outcome ?? "";
    // Its own command tells that, as long as there is one.
    if (gone) requests.tell(requestNotice("cancelled", meant, outcome));
    output.result({ environment: environment.name, deployment, state: "cancelled", outcome });
    output.line(
      `${output.paint.yellow("cancelled")}: ${deployment} of ${origin.who}, ${release} for ${environment.name}`,
    );
    return exitCodes.done;
  });
}
