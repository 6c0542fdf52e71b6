import { ownBranch } from "../../config/own-branch.ts";
import type { GatePolicy } from "../../config/types-gates.ts";
import type { NewTicket, RefName } from "../queue/types.ts";
import { answersOf, listed } from "./answers.ts";
import { comesUnasked, commitText, refText } from "./refs.ts";
import { type Standing, standingOf, standingText } from "./statuses.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, block, skip } = answersOf("trigger");

/**
 * What comes by itself has to be a branch or a tag that the environment's `on` names, and a branch has to have passed the workflows that it names. Whoever started it is not believed:
 * the runs of exactly this commit are looked at. What somebody asks for by hand need be none of this.
 */
export const triggerGate: Gate = { name: "trigger", judge };

function judge(facts: GateFacts): GateDecision {
  const { kind, request, policy, environment } = facts;
  if (request.trigger === "manual") return pass(`asked for by hand by ${request.origin.who}`);
  if (kind === "rollback") return pass("a rollback that begins by itself needs no branch");
  const { push, tags, schedule } = policy.on;
  if (push.length === 0 && tags.length === 0 && schedule.length === 0)
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
  if (comesUnasked(policy, request.ref))
    return waitsForWorkflows(request, policy)
      ? judgeWorkflows(facts, what)
      : pass(`${what} is deployed to ${environment} by itself`);
  const own = schedule.length === 0 ? null : ownBranch(policy);
  const branches = [...new Set([...push, ...(own === null ? [] : [own])])];
  const allowed = [...branches.map((each) => `branch ${each}`), ...tags.map((each) => `tag ${each}`)];
  return skip(
    `${what} is not deployed to ${environment} by itself, only ${listed(allowed)}`,
    "deploy it by hand, without --automatic",
  );
}

/** Whether the runs of workflows decide about a request. */
export function waitsForWorkflows(
  { trigger, ref }: { trigger: NewTicket["trigger"]; ref: RefName | null },
  { on }: Pick<GatePolicy, "on">,
): boolean {
  return trigger === "automatic" && ref?.kind === "branch" && on.checks.length > 0;
}

/** Each workflow that ends starts this anew, so what has not passed yet, or has failed, is no failure of the deployment. */
function judgeWorkflows({ request, policy, environment, code }: GateFacts, what: string): GateDecision {
  const { checks } = policy.on;
  const where = commitText(request.commit);
  const told = code.workflows ?? { unreachable: "nobody has asked for it" };
  if ("unreachable" in told)
    return block(
      `whether ${listed(checks)} passed for ${where} is unknown: ${told.unreachable}`,
      told.remedy ?? "try again when GitHub can be asked; nothing passes unseen",
    );
  const standing = standingOf(checks, told);
  if (standing.length === 0)
    return pass(`${what} is deployed to ${environment} by itself; ${listed(checks)} passed for ${where}`);
  const reason = `${what} is deployed to ${environment} by itself once ${listed(checks)} passed for ${where}: ${standing.map(standingText).join(", ")}`;
  const none = standing.length === checks.length && standing.every(({ state }) => state === "missing");
  if (none)
    return block(
      reason,
      `look whether environments.${environment}.on.checks has the workflows' names as they are, and whether they run for pushes`,
    );
  return skip(reason, remedyFor(standing));
}

function remedyFor(standing: readonly Standing[]): string {
  return standing.some(({ state }) => state === "failure" || state === "unknown")
    ? "mend what failed, or run it again: it is deployed when that has passed"
    : "wait for them: it is deployed when they have passed";
}
