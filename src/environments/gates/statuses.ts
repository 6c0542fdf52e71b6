import type { CommitStatus } from "../../checks/statuses.ts";
import type { GateDecision } from "./types.ts";

export type StatusFacts = {
  /** Full hash. */
  readonly commit: string;
  /** Names of the statuses that have to be there and say success. */
  readonly required: readonly string[];
  /** What the team's CI has reported; why it could not be asked, otherwise. */
  readonly statuses: readonly CommitStatus[] | { readonly unreachable: string };
};

/** What is no success. */
type Standing = Exclude<CommitStatus["state"], "success"> | "missing";

const gate = "statuses" as const;

/** The team's own CI as the gate: each required status has to say success for this very commit. Missing, pending and unknown block like a failure. */
export function judgeStatuses({ commit, required, statuses }: StatusFacts): GateDecision {
  if (required.length === 0) return { gate, answer: "pass", reason: "no status is required" };
  const where = `commit ${commit.slice(0, 7)}`;
  if ("unreachable" in statuses)
    return {
      gate,
      answer: "block",
      reason: `the statuses of ${where} are unknown: ${statuses.unreachable}`,
      remedy: "try again when they can be asked for; nothing passes unseen",
    };
  const standing = required.flatMap((name): { name: string; state: Standing }[] => {
    const state = statuses.find((status) => status.name === name)?.state ?? "missing";
    return state === "success" ? [] : [{ name, state }];
  });
  if (standing.length === 0) return { gate, answer: "pass", reason: `${required.join(", ")} succeeded for ${where}` };
  const pending = standing.every(({ state }) => state === "pending");
  return {
    gate,
    answer: "block",
    reason: `not every required status of ${where} says success: ${standing.map(({ name, state }) => `${name} is ${word(state)}`).join(", ")}`,
    remedy: pending
      ? "deploy again when they have ended"
      : "look at the CI of this commit, or check the names of the required statuses",
  };
}

function word(state: Standing): string {
  return state === "failure" ? "failed" : state;
}
