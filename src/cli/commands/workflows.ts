import { nearest } from "../../config/nearest.ts";
import { ShiplockError } from "../../errors.ts";
import { listArgument, optionalArgument } from "../arguments.ts";
import type { CommandContext } from "../context.ts";
import { generate } from "../workflow-actions/generate.ts";
import { importWorkflows } from "../workflow-actions/import.ts";
import { lint } from "../workflow-actions/lint.ts";
import type { Flags } from "./table.ts";

type Action = (context: CommandContext, files: readonly string[], flags: Flags) => Promise<number>;

/** What `shiplock workflows` can do besides writing them. */
const actions: Readonly<Record<string, Action>> = { lint, import: importWorkflows };

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const name = optionalArgument(args, 0);
  if (name === null) return generate(context, flags);
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) throw unknownAction(name);
  return action(context, listArgument(args, 1), flags);
}

function unknownAction(name: string): ShiplockError {
  const meant = nearest(name, Object.keys(actions));
  return new ShiplockError({
    code: "cli/usage",
    blame: "usage",
    message: `\`shiplock workflows\` has no action ${JSON.stringify(name)}${meant === undefined ? "" : ` (did you mean ${meant}?)`}`,
    remedy: "take `lint` or `import`, or none to write the workflows",
  });
}
