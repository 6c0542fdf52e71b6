import { systemClock } from "../clock.ts";
import type { GateName } from "../config/types-gates.ts";
import type { Config, Environment } from "../config/types.ts";
import type { Question } from "../deploy/request.ts";
import type { DeploymentKind } from "../deploy/types.ts";
import { judge } from "../environments/gates/judge.ts";
import type { GateDecision, GateFacts, Judgement } from "../environments/gates/types.ts";
import type { Identity } from "../environments/identity.ts";
import type { GateAnswer } from "../ledger/types.ts";
import type { TargetSession } from "../targets/types.ts";
import type { CommandContext } from "./context.ts";

export type AskingGates = {
  readonly config: Config;
  readonly environment: Environment;
  readonly session: TargetSession;
  readonly kind: DeploymentKind;
  readonly actor: Identity;
  /** What gates said before the request was made: checks and scan. */
  readonly given: readonly GateAnswer[];
};

/** Gathers the facts of a judgement, all at the same moment, and asks the gates. */
export async function askGates(context: CommandContext, asking: AskingGates, question: Question): Promise<Judgement> {
  return judge(await gatherFacts(context, asking, question));
}

async function gatherFacts(
  _context: CommandContext,
  { config, environment, kind, actor, given }: AskingGates,
  { state, ticket }: Question,
): Promise<GateFacts> {
  return {
    now: systemClock.now(),
    project: config.project,
    environment: environment.name,
    kind,
    policy: environment.gates,
    request: ticket,
    actor,
    state,
    relation: "unknown",
    earlier: {},
    drift: null,
    given: given.map(decisionOf),
  };
}

/** Whoever was not let through before has not come here. */
function decisionOf({ gate, reason }: GateAnswer): GateDecision {
  return { gate: gate as GateName, answer: "pass", reason };
}
