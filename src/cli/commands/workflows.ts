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
  const action = name !== null && Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (name !== null && action === undefined) throw unknownAction(name);
  refuseFlagsOfOthers(name, flags);
  if (action === undefined) return generate(context, flags);
  return action(context, listArgument(args, 1), flags);
}

/** A flag that would be passed over in silence lets somebody believe that it did something. */
function refuseFlagsOfOthers(action: string | null, flags: Flags): void {
  const stray =
    flags["sarif"] !== undefined && action !== "lint"
      ? "--sarif"
      : flags["check"] === true && action !== null
        ? "--check"
        : null;
  if (stray === null) return;
  throw new ShiplockError({
    code: "cli/usage",
    blame: "usage",
    message: `\`shiplock workflows${action === null ? "" : ` ${action}`}\` does not take ${stray}`,
    remedy:
      stray === "--sarif"
        ? "findings come from `shiplock workflows lint --sarif FILE`"
        : `leave it out: only \`shiplock workflows\` writes workflows, and it alone has a \`--check\``,
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
