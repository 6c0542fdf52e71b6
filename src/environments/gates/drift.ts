import { answersOf, listed } from "./answers.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, block } = answersOf("drift");

/**
 * Where `drift: block` is set, what somebody changed behind the record's back is looked at by a person before the next deployment covers it up. Who deploys by hand the very
 * release that is recorded, as it is recorded, has looked: that is how it is set right.
 */
export const driftGate: Gate = { name: "drift", judge };

function judge({ kind, policy, state, drift, environment, request }: GateFacts): GateDecision {
  if (policy.drift === "report") return pass("what runs otherwise than recorded is only reported");
  if (kind === "rollback") return pass("a rollback passes, whatever runs");
  if (state.live === null) return pass("nothing is live yet");
  const remedy = `look with \`shiplock status ${environment}\`; \`shiplock deploy ${environment} --release ${state.live.release}\` puts up what is recorded, and passes; so does \`shiplock rollback ${environment}\``;
  if (drift === null) return block(`nobody could see what runs in ${environment}`, remedy);
  if (drift.length === 0) return pass("it runs as recorded");
  if (request.trigger === "manual" && request.document === state.live.document)
    return pass(`what is recorded is put up again; it ran otherwise: ${listed(drift, 3)}`);
  return block(`it runs otherwise than recorded: ${listed(drift, 3)}`, remedy);
}
