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

/** Which action each flag belongs to; null where workflows are written. */
const flagsOfActions = [
  { flag: "check", of: null },
  { flag: "sarif", of: "lint" },
  { flag: "write", of: "import" },
] as const;

export async function run(
  context: CommandContext,
  args: readonly (string | string[] | undefined)[],
  flags: Flags,
): Promise<number> {
  const name = optionalArgument(args, 0);
  const action = name !== null && Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (name !== null && action === undefined) throw unknownAction(name);
  refuseFlagsOfOthers(name, flags);
  if (action === undefined) return generate(context, flags);
  return action(context, listArgument(args, 1), flags);
}

/** A flag that would be passed over in silence lets somebody believe that it did something. */
function refuseFlagsOfOthers(action: string | null, flags: Flags): void {
  const stray = flagsOfActions.find(({ flag, of }) => flags[flag] !== undefined && of !== action);
  if (stray === undefined) return;
  const words = action === null ? "" : ` ${action}`;
  throw new ShiplockError({
    code: "cli/usage",
    blame: "usage",
    message: `\`shiplock workflows${words}\` does not take --${stray.flag}`,
    remedy: `leave it out; it belongs to \`shiplock workflows${stray.of === null ? "" : ` ${stray.of}`}\``,
  });
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
