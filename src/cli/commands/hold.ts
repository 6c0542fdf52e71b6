import { holdText, withHold } from "../../environments/queue/holds.ts";
import { ShiplockError } from "../../errors.ts";
import { argument, durationFlag, proseFlag } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { holdNotices } from "../request-notices.ts";
import { withRequests } from "../with-requests.ts";
import type { Flags } from "./table.ts";

/** Keeps an environment as it is for everybody else. What is in flight goes on. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const reason = proseFlag(flags, "reason");
  if (reason === null) throw reasonMissing();
  const forMs = durationFlag(flags, "for");
  return withRequests(context, argument(args, 0), async ({ environment, by, now, write, tell }) => {
    const until = forMs === null ? null : new Date(now().getTime() + forMs).toISOString();
    const { hold, operation } = await write((state) =>
      withHold(state, { by, until, reason: output.mask(reason) }, flags["takeOver"] === true, now()),
    );
    output.result({ environment: environment.name, hold });
    if (hold !== null) {
      output.line(`${output.paint.green(environment.name)} is ${holdText(hold)}`);
      for (const notice of holdNotices(hold)) tell(notice);
    }
    if (operation !== null)
      output.line(`deployment ${operation.deployment} of ${operation.release} is in progress, and goes on`);
    return exitCodes.done;
  });
}

function reasonMissing(): ShiplockError {
  return new ShiplockError({
    code: "cli/reason-missing",
    blame: "usage",
    message: "a hold needs a reason, which everybody reads who is stopped by it",
    remedy: `add --reason "…"`,
  });
}
