import { requestMeant, withRejection } from "../../environments/queue/answers.ts";
import { ShiplockError } from "../../errors.ts";
import { argument, optionalArgument, proseFlag } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { waitsForApproval } from "../request-lines.ts";
import { requestNotice } from "../request-notices.ts";
import { withRequests } from "../with-requests.ts";
import type { Flags } from "./table.ts";

/** Ends a request that waits for an approval: it will not be deployed. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const written = proseFlag(flags, "comment");
  if (written === null) throw commentMissing();
  return withRequests(context, argument(args, 0), async (requests) => {
    const { environment, by, now, write } = requests;
    const seen = await requests.read();
    const meant = requestMeant(seen, optionalArgument(args, 1), "waiting for an approval", waitsForApproval);
    const { deployment, release, origin } = meant;
    const gone = (await requests.gone(seen)).has(deployment);
    const comment = output.mask(written);
    const state = await write((known) =>
      withRejection(known, requestMeant(known, deployment), { by, comment, now: now() }, environment.gates.reviewers),
    );
    const outcome = state.deployments.find((entry) => entry.deployment === deployment)?.outcome ?? "";
    // Its own command tells that, as long as there is one.
    if (gone) requests.tell(requestNotice("rejected", meant, outcome));
    output.result({ environment: environment.name, deployment, state: "rejected", outcome });
    output.line(
      `${output.paint.yellow("rejected")}: ${deployment} of ${origin.who}, ${release} for ${environment.name}`,
    );
    return exitCodes.done;
  });
}

function commentMissing(): ShiplockError {
  return new ShiplockError({
    code: "cli/comment-missing",
    blame: "usage",
    message: "who rejects says why: it is what the one who asked is told",
    remedy: `add --comment "…"`,
  });
}
