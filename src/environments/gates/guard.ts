import { ownBranch } from "../../config/own-branch.ts";
import type { EnvironmentState, LiveRelease } from "../record/types.ts";
import type { GatePolicy } from "../../config/types-gates.ts";
import { answersOf, momentText } from "./answers.ts";
import { comesUnasked, commitText } from "./refs.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, skip } = answersOf("guard");

/** What somebody has put into an environment on purpose is not overwritten by what comes by itself; nor is what somebody went back to. */
export const guardGate: Gate = { name: "guard", judge };

function judge({ policy, request, state, environment }: GateFacts): GateDecision {
  const automatic = request.trigger === "automatic";
  const paused = state.automaticPaused;
  if (automatic && paused !== null)
    return skip(
      `automatic deployments are paused since ${momentText(paused.since)}: ${paused.by} ${paused.reason}`,
      `deploy to ${environment} by hand once it is mended: that lifts the pause`,
    );
  const occupant = policy.guard ? occupantOf(state, policy) : null;
  if (occupant === null) return pass(policy.guard ? "nobody's branch occupies it" : "no guard is set");
  const { what, who, since } = occupant;
  if (automatic)
    return skip(
      `held by ${what}, ${who}, since ${since}`,
      `deploy by hand when ${what} is done with, for example \`shiplock deploy ${environment} --ref ${ownBranch(policy) ?? "main"}\`: that frees it`,
    );
  const own = state.live?.commit === request.commit || occupant.ref === request.ref?.name;
  return pass(own ? `${what} occupies it already` : `replaces ${what}, ${who}'s since ${since}`);
}

/** Whose an environment is by now, for who looks at it; null where no guard is set or nobody's branch is there. */
export function occupiedText(state: EnvironmentState, policy: GatePolicy): string | null {
  const occupant = policy.guard ? occupantOf(state, policy) : null;
  if (occupant === null) return null;
  return `kept for ${occupant.what} of ${occupant.who} since ${occupant.since}: what comes by itself is skipped, until \`shiplock deploy ${state.environment} --ref ${ownBranch(policy) ?? "main"}\` frees it`;
}

/** Who occupies an environment: whatever was put there by hand and would not come there by itself. */
function occupantOf(
  { live }: EnvironmentState,
  policy: GatePolicy,
): { what: string; ref: string | null; who: string; since: string } | null {
  if (live === null || ownedByItself(live, policy)) return null;
  const ref = live.asked?.ref?.name ?? live.ref;
  return { what: ref ?? commitText(live.commit), ref, who: live.asked?.by.name ?? live.by, since: momentText(live.at) };
}

function ownedByItself(live: LiveRelease, policy: GatePolicy): boolean {
  const asked = live.asked ?? null;
  if (asked !== null) return asked.trigger === "automatic" || (asked.ref !== null && comesUnasked(policy, asked.ref));
  // An earlier Shiplock kept the name alone; a bare commit of its time is not held to be anybody's.
  const name = live.ref;
  return name === null || (["branch", "tag"] as const).some((kind) => comesUnasked(policy, { kind, name }));
}
