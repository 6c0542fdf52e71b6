import { systemClock } from "../clock.ts";
import type { Config, Environment } from "../config/types.ts";
import { judgeChecks } from "../environments/gates/checks.ts";
import type { GateDecision } from "../environments/gates/types.ts";
import { ShiplockError } from "../errors.ts";
import type { GateAnswer } from "../ledger/types.ts";
import type { Release } from "../release/types.ts";
import { type CommandContext, openHistory } from "./context.ts";
import { demandScan } from "./evidence.ts";

/**
 * What is known today of the checks that a release was let through by: a run on this machine may have turned red since. Null where no check was required of it, and for
 * a working tree, which nobody can check again.
 */
export async function checksSince(context: CommandContext, release: Release): Promise<GateDecision | null> {
  const passed = release.checks ?? null;
  if (passed === null || release.dirty) return null;
  const ledger = await openHistory(context);
  const runs = await ledger.checkRuns(release.project, release.commit).finally(() => ledger.close());
  const { definitions, missing = [] } = passed;
  const required = [...passed.passed, ...missing];
  const facts = { commit: release.commit, source: "commit", definitions, required, runs, recorded: [passed] };
  return judgeChecks(facts).decision;
}

/**
 * What the environment's scan says today of a release that another command prepared. That it blocks is an answer like any other, which ends the request.
 * @throws ShiplockError those of the scanner: this machine cannot tell then
 */
export async function scanSince(
  context: CommandContext,
  config: Config,
  environment: Environment,
  release: Release,
): Promise<readonly GateAnswer[]> {
  try {
    return await demandScan(context, config, environment, release);
  } catch (error) {
    if (!(error instanceof ShiplockError) || error.code !== "gate/scan") throw error;
    const { message: reason, remedy = "" } = error;
    return [{ at: systemClock.now().getTime(), gate: "scan", answer: "block", reason, payload: { remedy } }];
  }
}
