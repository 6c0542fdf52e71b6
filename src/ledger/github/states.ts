import type { DeploymentEntry, StateRules } from "../types.ts";
import type { GitHubState, RecordDocument, RecordStatus } from "./types.ts";

/**
 * What GitHub shows for each state of a deployment. `failure`: it was tried and did not go live. `error`: it needs a person, or something stopped it that a person decided.
 * `inactive`: nobody has to look. What is interrupted is an `error` until somebody resumes or aborts it, so that no record goes on for ever.
 */
const shown: Readonly<Record<string, GitHubState>> = {
  queued: "queued",
  waiting: "pending",
  running: "in_progress",
  paused: "in_progress",
  verifying: "in_progress",
  succeeded: "success",
  "rolled-back": "failure",
  failed: "failure",
  interrupted: "error",
  blocked: "error",
  rejected: "error",
  cancelled: "inactive",
  superseded: "inactive",
  skipped: "inactive",
};

/** The states that GitHub can be told. */
export const knownStates: readonly string[] = Object.keys(shown);

/** In UTF-16 units: whichever way GitHub counts, this is not too long. */
const longestDescription = 140;

const unfinished: ReadonlySet<GitHubState> = new Set(["queued", "pending", "in_progress"]);

/** Whether nothing more is expected of a record with this status, or without any. */
export function isSettled(status: RecordStatus | undefined): boolean {
  return status !== undefined && !unfinished.has(status.state);
}

/** What is said of a deployment that stands so: GitHub's state, and our own word for it with its outcome. */
export function statusOf({ state, outcome }: Pick<DeploymentEntry, "state" | "outcome">): {
  state: GitHubState;
  description: string;
} {
  return { state: shown[state] ?? "in_progress", description: described(state, outcome) };
}

/** What is said of a record whose release is live no more, because another one is; null for one that is not known. */
export function replacedBy(release: string | null): { state: GitHubState; description: string } {
  return { state: "inactive", description: described("succeeded", `replaced by ${release ?? "another release"}`) };
}

function described(state: string, outcome: string | null): string {
  const text = outcome === null || outcome === "" ? state : `${state}: ${outcome}`;
  return cutDescription(text.replace(/\s+/g, " "));
}

/** Text as short as GitHub wants a description. What counts twice there, such as an emoji, is never cut in two. */
export function cutDescription(text: string): string {
  if (text.length <= longestDescription) return text;
  const cut = text.slice(0, longestDescription - 1);
  return `${/[\ud800-\udbff]$/.test(cut) ? cut.slice(0, -1) : cut}…`;
}

/** Our own word in a status, and the outcome behind it. What somebody else said of our record is taken by GitHub's state. */
export function saidOf({ state, description }: RecordStatus): { state: string; outcome: string | null } {
  const [, word = "", outcome] = /^([a-z-]+)(?:: (.*))?$/s.exec(description) ?? [];
  if (Object.hasOwn(shown, word) && (shown[word] === state || isReplaced({ state, description })))
    return { state: word, outcome: outcome ?? null };
  return { state: foreign[state], outcome: description === "" ? null : description };
}

/** Whether a status says that the record's release was live once, and is no more. */
export function isReplaced({ state, description }: Pick<RecordStatus, "state" | "description">): boolean {
  return state === "inactive" && description.startsWith("succeeded");
}

const foreign: Readonly<Record<GitHubState, string>> = {
  queued: "queued",
  pending: "waiting",
  in_progress: "running",
  success: "succeeded",
  failure: "failed",
  error: "interrupted",
  inactive: "cancelled",
};

/** A deployment as its record tells it; without a status it stands where it began. */
export function entryOf(
  environment: string,
  document: RecordDocument,
  statuses: readonly RecordStatus[],
  states: Pick<StateRules, "isFinal">,
): DeploymentEntry {
  const { deployment: id, project, kind, release, fromRelease, who, why, origin, commit, ref, createdAt } = document;
  const told = statuses.map((status) => ({ ...saidOf(status), at: Math.max(status.at, createdAt) }));
  const [newest] = told;
  const state = newest?.state ?? "queued";
  const began = told.findLast((each) => afterBeginning.has(each.state));
  // Of what is replaced by now, the end is where it became live.
  const ended = states.isFinal(state) ? told.findLast((each) => each.state === state) : undefined;
  return {
    ...{ id, project, environment, kind, release, fromRelease, state, who, why, origin, commit, ref, createdAt },
    startedAt: began?.at ?? null,
    endedAt: ended?.at ?? null,
    outcome: (ended ?? newest)?.outcome ?? null,
  };
}

const afterBeginning: ReadonlySet<string> = new Set([
  ...["running", "paused", "verifying", "succeeded", "rolled-back", "failed", "interrupted"],
]);
