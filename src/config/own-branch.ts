import type { GatePolicy } from "./types-gates.ts";

/**
 * The branch that an environment is without anybody's doing: what a schedule deploys, and what frees it when somebody occupies it. It is the first of `on.push` that is a name and
 * no pattern, or else of `branches`.
 */
export function ownBranch({ on, branches }: Pick<GatePolicy, "on" | "branches">): string | null {
  return [...on.push, ...(branches ?? [])].find(isPlain) ?? null;
}

/** Whether a pattern fits nothing but itself. */
export function isPlain(pattern: string): boolean {
  return !/[*?[\\]/.test(pattern);
}
