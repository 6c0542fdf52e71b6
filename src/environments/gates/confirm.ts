import { answersOf } from "./answers.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, block } = answersOf("confirm");

/** Somebody has to type the environment's name. Going back needs none: the way back is one command, also at night. */
export const confirmGate: Gate = { name: "confirm", judge };

function judge({ kind, policy, request, environment }: GateFacts): GateDecision {
  const { confirmed } = request.options;
  if (!policy.confirm) return pass("no confirmation is asked for");
  if (kind === "rollback") return pass("a rollback needs no confirmation");
  if (confirmed === environment) return pass(`${environment} was typed to confirm it`);
  const said = confirmed === null ? "nobody has typed its name" : "another name was typed";
  return block(`${environment} needs to be confirmed, and ${said}`, `add --confirm ${environment}`);
}
