import { activeHold, holdText, withoutHold } from "../../environments/queue/holds.ts";
import { argument } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { liftNotices } from "../request-notices.ts";
import { withRequests } from "../with-requests.ts";
import type { Flags } from "./table.ts";

/** Lifts a hold. Nobody holding the environment is fine. */
export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  return withRequests(context, argument(args, 0), async ({ environment, by, now, write, tell }) => {
    let lifted: ReturnType<typeof activeHold> = null;
    await write((state) => {
      lifted = activeHold(state, now());
      return withoutHold(state, by, flags["takeOver"] === true, now());
    });
    const was = lifted as ReturnType<typeof activeHold>;
    output.result({ environment: environment.name, lifted: was });
    if (was !== null) for (const notice of liftNotices(was, by)) tell(notice);
    output.line(
      was === null
        ? `nobody holds ${environment.name}`
        : `${output.paint.green(environment.name)} is free; it was ${holdText(was)}`,
    );
    return exitCodes.done;
  });
}
