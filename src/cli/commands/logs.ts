import { argument, countFlag, listArgument } from "../arguments.ts";
import { type CommandContext, loadEnvironment } from "../context.ts";
import { exitCodes } from "../exit-codes.ts";
import { maskedLogs } from "../masked-logs.ts";
import { attemptSecrets, ownerOf } from "../secrets.ts";
import { withSession } from "../session.ts";
import type { Flags } from "./table.ts";

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const { output } = context;
  const { config, environment } = await loadEnvironment(context, argument(args, 0));
  const follow = flags["follow"] === true;
  // A service may print what it was given.
  const { names } = environment.secrets;
  await attemptSecrets(context, ownerOf(config, environment.name), names, "where services print them they are shown");
  return withSession(context, config, environment, async (session) => {
    try {
      const lines = session.logs({
        services: listArgument(args, 1),
        tail: countFlag(flags, "tail", 100),
        follow,
        signal: context.signal,
      });
      const all: unknown[] = [];
      for await (const { host, container, service, line } of maskedLogs(lines, output.mask)) {
        output.event({ kind: "log", host, container, service, line });
        if (output.mode === "json") all.push({ host, container, service, line });
        // A service's own colours and control characters are its own; only the prefix is ours.
        output.raw(`${output.paint.dim(`${host} ${container} │`)} ${line}`);
      }
      output.result(all);
      return exitCodes.done;
    } catch (error) {
      // Ctrl-C is how following ends.
      if (follow && context.signal.aborted) return exitCodes.done;
      throw error;
    }
  });
}
