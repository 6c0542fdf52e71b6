import type { Config } from "../../config/types.ts";
import { nearest } from "../../config/nearest.ts";
import { ShiplockError } from "../../errors.ts";
import { argument } from "../arguments.ts";
import { type CommandContext, loadProject } from "../context.ts";
import { edit } from "../secret-actions/edit.ts";
import { init } from "../secret-actions/init.ts";
import { list } from "../secret-actions/list.ts";
import { rotate } from "../secret-actions/rotate.ts";
import { set } from "../secret-actions/set.ts";
import { terminalWorld } from "../secret-actions/terminal-world.ts";
import type { SecretsWorld } from "../secret-actions/world.ts";
import type { Flags } from "./table.ts";

type Arguments = readonly (string | string[] | undefined)[];
type Action = (
  context: CommandContext,
  config: Config,
  args: Arguments,
  flags: Flags,
  world: SecretsWorld,
) => Promise<number>;

/** What `shiplock secrets` can do, and how many arguments each takes after its own name. */
const actions: Readonly<Record<string, { run: Action; least: number; most: number; usage: string }>> = {
  init: { run: init, least: 0, most: 1, usage: "init [env]" },
  set: { run: set, least: 2, most: 2, usage: "set <env> <name>" },
  edit: { run: edit, least: 1, most: 1, usage: "edit <env>" },
  list: { run: list, least: 0, most: 1, usage: "list [env]" },
  rotate: { run: rotate, least: 0, most: 2, usage: "rotate [env] [name]" },
};

export async function run(context: CommandContext, args: Arguments, flags: Flags): Promise<number> {
  return runWith(context, args, flags, terminalWorld(context));
}

/** As `run`, with whoever gives the values. */
export async function runWith(
  context: CommandContext,
  args: Arguments,
  flags: Flags,
  world: SecretsWorld,
): Promise<number> {
  const name = argument(args, 0);
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw unknownAction(name);
  const given = args.slice(1).filter((one) => one !== undefined).length;
  if (given < action.least || given > action.most) throw wrongArguments(action.usage);
  return action.run(context, await loadProject(context), args, flags, world);
}

function unknownAction(name: string): ShiplockError {
  const meant = nearest(name, Object.keys(actions));
  return new ShiplockError({
    code: "cli/usage",
    blame: "usage",
    message: `\`shiplock secrets\` has no action ${JSON.stringify(name)}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`,
    remedy: `take one of ${Object.values(actions)
      .map(({ usage }) => `\`${usage}\``)
      .join(", ")}`,
  });
}

function wrongArguments(usage: string): ShiplockError {
  return new ShiplockError({
    code: "cli/usage",
    blame: "usage",
    message: "the arguments do not fit this action of `shiplock secrets`",
    remedy: `write \`shiplock secrets ${usage}\`; a value comes from standard input, never from the command line`,
  });
}
