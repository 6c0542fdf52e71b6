import { answersOf, listed } from "./answers.ts";
import { comesByItself, refText } from "./refs.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, block, skip } = answersOf("trigger");

/** What comes by itself has to be a branch or a tag that the environment's `on` names. What somebody asks for by hand need not. */
export const triggerGate: Gate = { name: "trigger", judge };

function judge({ kind, request, policy, environment }: GateFacts): GateDecision {
  if (request.trigger === "manual") return pass(`asked for by hand by ${request.origin.who}`);
  if (kind === "rollback") return pass("a rollback that begins by itself needs no branch");
  const { push, tags } = policy.on;
  if (push.length === 0 && tags.length === 0)
    return block(
      `nothing is deployed to ${environment} by itself: it has no \`on\``,
      `write the branch under environments.${environment}.on.push, or deploy by hand, without --automatic`,
    );
  if (request.ref === null)
    return block(
      "no branch or tag is known, so it cannot be told whether this comes here by itself",
      "name the branch with --ref; a CI that checks out a bare commit knows it",
    );
  const what = refText(request.ref);
  if (comesByItself(policy, request.ref)) return pass(`${what} is deployed to ${environment} by itself`);
  const allowed = [...push.map((each) => `branch ${each}`), ...tags.map((each) => `tag ${each}`)];
  return skip(
    `${what} is not deployed to ${environment} by itself, only ${listed(allowed)}`,
    "deploy it by hand, without --automatic",
  );
}
