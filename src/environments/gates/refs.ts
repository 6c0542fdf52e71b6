import { ownBranch } from "../../config/own-branch.ts";
import { matchesRef } from "../../config/ref-pattern.ts";
import type { GatePolicy } from "../../config/types-gates.ts";
import type { RefName } from "../queue/types.ts";

export { ownBranch } from "../../config/own-branch.ts";

/** Whether a branch or tag is one of those that are deployed to an environment by themselves, by a push. */
export function comesByItself({ on }: Pick<GatePolicy, "on">, ref: RefName): boolean {
  return matchesAny(ref.kind === "branch" ? on.push : on.tags, ref.name);
}

/** The same by a push or by a schedule. */
export function comesUnasked(policy: Pick<GatePolicy, "on" | "branches">, ref: RefName): boolean {
  const bySchedule = policy.on.schedule.length > 0 && ref.kind === "branch" && ref.name === ownBranch(policy);
  return bySchedule || comesByItself(policy, ref);
}

export function matchesAny(patterns: readonly string[], name: string): boolean {
  return patterns.some((pattern) => matchesRef(pattern, name));
}

/** A branch or tag in a sentence: "branch main". */
export function refText({ kind, name }: RefName): string {
  return `${kind} ${name}`;
}

/** A commit in a sentence. */
export function commitText(commit: string): string {
  return `commit ${commit.slice(0, 7)}`;
}
