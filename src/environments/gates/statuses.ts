import type { CommitStatus } from "../../checks/statuses.ts";
import { answersOf, listed } from "./answers.ts";
import { commitText } from "./refs.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, block } = answersOf("statuses");

/** What is no success. */
export type Standing = { readonly name: string; readonly state: Exclude<CommitStatus["state"], "success"> | "missing" };

/**
 * The team's own CI as the gate: each required status has to say success for this very commit. Missing, pending and unknown block like a failure. Going back asks nobody: what was
 * live here has passed it.
 */
export const statusesGate: Gate = { name: "statuses", judge };

function judge({ kind, policy, request, dirty, code }: GateFacts): GateDecision {
  const { statuses: required } = policy;
  if (required.length === 0) return pass("no status is required");
  if (kind === "rollback") return pass("a rollback goes to what was live here before");
  if (dirty) return block("no CI has seen a working tree", "commit and push it, and deploy the commit");
  const where = commitText(request.commit);
  const told = code.statuses ?? { unreachable: "nobody has asked for them" };
  if ("unreachable" in told)
    return block(
      `the statuses of ${where} are unknown: ${told.unreachable}`,
      told.remedy ?? "try again when they can be asked for; nothing passes unseen",
    );
  const standing = standingOf(required, told);
  if (standing.length === 0) return pass(`${required.join(", ")} succeeded for ${where}`);
  return block(
    `not every required status of ${where} says success: ${standing.map(standingText).join(", ")}`,
    remedyFor(standing),
  );
}

/** Those of the names that do not say success. */
export function standingOf(required: readonly string[], statuses: readonly CommitStatus[]): Standing[] {
  return required.flatMap((name) => {
    const state = statuses.find((status) => status.name === name)?.state ?? "missing";
    return state === "success" ? [] : [{ name, state }];
  });
}

export function standingText({ name, state }: Standing): string {
  return `${name} is ${state === "failure" ? "failed" : state}`;
}

function remedyFor(standing: readonly Standing[]): string {
  if (standing.every(({ state }) => state === "pending"))
    return "deploy again when they have ended; what `on.checks` names is deployed then by itself";
  const missing = standing.flatMap(({ name, state }) => (state === "missing" ? [JSON.stringify(name)] : []));
  if (missing.length === standing.length)
    return `push the commit, so that the CI sees it; or look whether it reports under the name ${listed(missing)}`;
  return "look at the CI of this commit, mend it or run it again, and deploy then";
}
