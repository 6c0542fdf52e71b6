import type { Config, Notify } from "../config/types.ts";
import type { Notifier } from "../notify/types.ts";
import type { CommandContext } from "./context.ts";

/** Who marks commits and comments on pull requests. */
export function githubNotifier(
  _context: CommandContext,
  _config: Config,
  { name }: Pick<Notify, "name">,
  _kind: "commit-status" | "pull-request",
): Notifier {
  return {
    name,
    tell: async () => ({ status: "failed", tries: 0, detail: "not connected to GitHub", remedy: null, remember: null }),
  };
}
