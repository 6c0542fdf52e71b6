import type { CommandContext } from "../../context.ts";

export type CommandArgument = { name: string; description: string; required: boolean; variadic?: boolean };
/** `conflicts` names the flags, as options of the command, that cannot be given beside it. */
export type CommandFlag = { flags: string; description: string; repeatable?: boolean; conflicts?: readonly string[] };

/** A command as data: what help shows, and where its code is, which is loaded only when it runs. */
export type CommandEntry = {
  name: string;
  summary: string;
  arguments: readonly CommandArgument[];
  flags: readonly CommandFlag[];
  examples: readonly string[];
  /** It changes an environment, so it does not end at once when it is interrupted. */
  changes?: true;
  load: () => Promise<{
    run: (context: CommandContext, args: readonly (string | string[] | undefined)[], flags: Flags) => Promise<number>;
  }>;
};

export type Flags = Readonly<Record<string, string | boolean | string[] | undefined>>;
