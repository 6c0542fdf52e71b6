import { judgeChecks } from "../environments/gates/checks.ts";
import type { GateDecision } from "../environments/gates/types.ts";
import type { Release } from "../release/types.ts";
import { type CommandContext, openHistory } from "./context.ts";

/**
 * What is known today of the checks that a release was let through by: a run on this machine may have turned red since. Null where no check was required of it, and for
 * a working tree, which nobody can check again.
 */
export async function checksSince(context: CommandContext, release: Release): Promise<GateDecision | null> {
  const passed = release.checks ?? null;
  if (passed === null || release.dirty) return null;
  const ledger = await openHistory(context);
  const runs = await ledger.checkRuns(release.project, release.commit).finally(() => ledger.close());
  const { definitions, passed: required } = passed;
  const facts = { commit: release.commit, source: "commit", definitions, required, runs, recorded: [passed] };
  return judgeChecks(facts).decision;
}
