import { ownBranch } from "../../config/own-branch.ts";
import { matchesRef } from "../../config/ref-pattern.ts";
import type { GatePolicy } from "../../config/types-gates.ts";
import type { RefName } from "../queue/types.ts";

/** Whether a branch or tag is one of those that are deployed to an environment by themselves. */
export function comesByItself(policy: Pick<GatePolicy, "on" | "branches">, ref: RefName): boolean {
  const { on } = policy;
  if (ref.kind === "tag") return matchesAny(on.tags, ref.name);
  return matchesAny(on.push, ref.name) || (on.schedule.length > 0 && ownBranch(policy) === ref.name);
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
