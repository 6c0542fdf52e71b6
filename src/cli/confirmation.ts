import type { Environment } from "../config/types.ts";
import { ShiplockError } from "../errors.ts";
import type { Flags } from "./commands/table.ts";
import type { CommandContext } from "./context.ts";
import { type Ask, terminalAsk } from "./init/ask.ts";

/**
 * Has an environment's name typed where it wants that and nobody said it with `--confirm`. Only in a terminal: anywhere else its gate says what is missing.
 * @param ask begins to ask; null where nobody can be asked
 * @returns the flags, with what was typed
 * @throws ShiplockError `confirm/no-answer` when the terminal is closed instead
 */
export async function withConfirmation(
  context: CommandContext,
  { name, gates }: Pick<Environment, "name" | "gates">,
  flags: Flags,
  ask: (() => Ask) | null = terminalOf(context),
): Promise<Flags> {
  const given = typeof flags["confirm"] === "string" || flags["automatic"] === true;
  if (!gates.confirm || given || ask === null) return flags;
  const asking = ask();
  try {
    return { ...flags, confirm: await asking.text(`type ${name} to confirm that it shall be changed`, "") };
  } finally {
    asking.close();
  }
}

function terminalOf({ output, signal }: CommandContext): (() => Ask) | null {
  if (!output.terminal || !process.stdin.isTTY) return null;
  return () =>
    terminalAsk({
      ...{ input: process.stdin, output: process.stdout, signal, unanswered },
      interrupt: () => process.kill(process.pid, "SIGINT"),
    });
}

function unanswered(cause: unknown): ShiplockError {
  return new ShiplockError({
    code: "confirm/no-answer",
    blame: "usage",
    message: "nothing was begun: the environment's name was not typed",
    remedy: "run it again; --confirm with the environment's name asks nothing",
    cause,
  });
}
