import type { Notice, NoticeEvent, NoticeLevel, NoticeStep } from "./types.ts";

/** What is said of each event, after what it is about, and how loud. */
const table = {
  requested: ["was requested", "info"],
  waiting: ["is waiting", "info"],
  approved: ["was approved", "info"],
  rejected: ["was rejected", "warning"],
  cancelled: ["was cancelled", "info"],
  superseded: ["was superseded", "info"],
  skipped: ["was skipped", "info"],
  blocked: ["is blocked", "warning"],
  started: ["has begun", "info"],
  "step-failed": ["has a step that failed", "bad"],
  succeeded: ["succeeded", "good"],
  "rolled-back": ["failed and went back", "bad"],
  failed: ["failed", "bad"],
  interrupted: ["was interrupted", "bad"],
  emergency: ["passes over its gates: an emergency", "warning"],
  "freeze-overridden": ["goes on in spite of a freeze", "warning"],
  "hold-placed": ["is held", "info"],
  "hold-lifted": ["is held no longer", "info"],
  "taken-over": ["was taken over", "warning"],
  "watch-failed": ["turned unhealthy after it had gone live", "bad"],
  "review-due": ["has to be reviewed", "warning"],
  "check-failed": ["did not pass its checks", "bad"],
  "build-failed": ["could not be built", "bad"],
  "scan-blocked": ["is blocked by what the scan found", "bad"],
} as const satisfies Record<NoticeEvent, readonly [string, NoticeLevel]>;

export function levelOf(event: NoticeEvent): NoticeLevel {
  return table[event][1];
}

/** `deploy of shop to production succeeded`: one line that says what happened to what. */
export function headline(notice: Pick<Notice, "event" | "kind" | "project" | "environment">): string {
  return `${aboutWhat(notice)} ${table[notice.event][0]}`;
}

function aboutWhat({ kind, project, environment }: Pick<Notice, "kind" | "project" | "environment">): string {
  if (environment === null) return project;
  if (kind === null) return `${project} ${environment}`;
  return kind === "rollback" ? `rollback of ${project} in ${environment}` : `${kind} of ${project} to ${environment}`;
}

/** What is known of it, as names and values, for whoever lays them out. */
export function factsOf(notice: Notice): readonly (readonly [name: string, value: string])[] {
  const { release, commit, subject, ref, who, why, links, deployment } = notice;
  const commitText = commit === null ? null : [commit.slice(0, 7), subject].filter(Boolean).join(" ");
  const facts: readonly (readonly [string, string | null])[] = [
    ["release", release],
    ["commit", commitText],
    ["from", ref],
    ["by", who],
    ["why", why],
    ["address", links.url],
    ["log", links.log],
    ["deployment", deployment],
  ];
  return facts.flatMap(([name, value]) => (value === null || value === "" ? [] : [[name, value] as const]));
}

/** A step as one line, for example `host-1: start web (2.1 s)`. */
export function stepLine({ title, host, ms }: NoticeStep): string {
  const time = ms === null ? "" : ` (${ms < 1_000 ? `${Math.round(ms)} ms` : `${(ms / 1_000).toFixed(1)} s`})`;
  return `${host === null ? "" : `${host}: `}${title}${time}`;
}

/** Text of at most so many characters; what is too long ends in `…`. No character is cut in half. */
export function clip(text: string, characters: number): string {
  if (text.length <= characters) return text;
  return `${text.slice(0, characters - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** The last of these lines that fit into so many characters together, each with its line end; the first of them may be cut. */
export function lastThatFit(lines: readonly string[], characters: number): readonly string[] {
  const kept: string[] = [];
  let left = characters;
  for (const line of lines.toReversed()) {
    if (line.length + 1 > left) {
      if (kept.length === 0 && left > 1) kept.unshift(clip(line, left - 1));
      break;
    }
    kept.unshift(line);
    left -= line.length + 1;
  }
  return kept;
}
