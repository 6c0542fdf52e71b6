import { messageOf, ShiplockError } from "../errors.ts";
import type { Notice, Notifier } from "./types.ts";
import { clip, headline } from "./words.ts";

/** What a host of repositories shows beside a commit. */
export type CommitMark = {
  /** Marks of one context replace each other: `shiplock/production`. */
  context: string;
  state: "pending" | "success" | "failure" | "error";
  /** At most 140 characters. */
  description: string;
  /** Where a click leads; null for nowhere. */
  url: string | null;
};

/**
 * Where commits are marked. The newest mark of a context counts; marking the same again changes nothing. What fails throws, with a sentence for people.
 */
export type CommitMarks = {
  /** @param commit full hash */
  set(commit: string, mark: CommitMark, options: { signal: AbortSignal }): Promise<void>;
};

/** Marks the commit a notice is about. A notice without a commit has nothing to mark. */
export function createCommitStatus(options: { name: string; marks: CommitMarks }): Notifier {
  const { name, marks } = options;
  return {
    name,
    tell: async (notice, signal) => {
      const mark = markOf(notice);
      if (notice.commit === null || mark === null) {
        const detail = mark === null ? "this says nothing about a commit" : "there is no commit to mark";
        return { status: "delivered", tries: 0, detail, remember: null };
      }
      try {
        await marks.set(notice.commit, mark, { signal });
        return { status: "delivered", tries: 1, detail: `${mark.context} is ${mark.state}`, remember: null };
      } catch (error) {
        const remedy = error instanceof ShiplockError ? (error.remedy ?? null) : null;
        return { status: "failed", tries: 1, detail: messageOf(error), remedy, remember: null };
      }
    },
  };
}

/** The mark that a notice means for its commit; null for what says nothing about one. */
export function markOf(notice: Notice): CommitMark | null {
  const state = stateOf(notice);
  const { project, environment, kind, outcome, links } = notice;
  // What belongs to no environment (checks, builds) tells of its failures alone: no later mark would take one back.
  if (state === null || environment === null) return null;
  return {
    // A sample must not look like a deployment to whoever demands that one has succeeded, whatever environments are called.
    context: kind === "test" ? "shiplock notify test" : `shiplock/${environment}`,
    state,
    description: clip(outcome ?? headline({ ...notice, project }), 140),
    url: links.log ?? links.url,
  };
}

function stateOf({ event }: Notice): CommitMark["state"] | null {
  switch (event) {
    case "requested":
    case "waiting":
    case "approved":
    case "started":
      return "pending";
    case "succeeded":
      return "success";
    case "rejected":
    case "blocked":
    case "rolled-back":
    case "failed":
    case "watch-failed":
    case "check-failed":
    case "build-failed":
    case "scan-blocked":
      return "failure";
    case "cancelled":
    case "superseded":
    case "skipped":
    case "interrupted":
      return "error";
    case "step-failed":
    case "emergency":
    case "freeze-overridden":
    case "hold-placed":
    case "hold-lifted":
    case "taken-over":
    case "review-due":
      return null;
  }
}
