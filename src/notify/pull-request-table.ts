import * as z from "zod";
import { escapeMarkdown, markdownLink } from "./markdown.ts";
import { type Notice, type NoticeEvent, type NoticeLevel, noticeEvents } from "./types.ts";
import { clip } from "./words.ts";

/** Nobody has more environments. */
const mostRows = 30;
/** A comment has room for 65,536. */
const mostCharacters = 60_000;
const mostAddressCharacters = 500;

const short = () => z.string().max(300);

/** What the last deployment of a pull request's commits to one environment came to. */
const tableRow = z.object({
  environment: short(),
  event: z.string().max(40),
  level: z.enum(["info", "good", "warning", "bad"]),
  kind: short().nullable(),
  release: short().nullable(),
  commit: z.string().max(64),
  who: short(),
  /** ISO 8601. */
  at: short(),
  /** Only of what is bad. */
  outcome: short().nullable(),
  url: z.string().max(mostAddressCharacters).nullable(),
  log: z.string().max(mostAddressCharacters).nullable(),
});

export type TableRow = z.infer<typeof tableRow>;

/** What each event is in the table; null for what says nothing of how a deployment stands. Told as what happened, which stays true when the next one has come. */
const words = {
  requested: "requested",
  waiting: "waiting",
  approved: "approved",
  rejected: "rejected",
  cancelled: "cancelled",
  superseded: "superseded",
  skipped: "skipped",
  blocked: "blocked",
  started: "being deployed",
  "step-failed": null,
  succeeded: "deployed",
  "rolled-back": "failed and went back",
  failed: "failed",
  interrupted: "interrupted",
  emergency: null,
  "freeze-overridden": null,
  "hold-placed": null,
  "hold-lifted": null,
  "taken-over": null,
  "watch-failed": "turned unhealthy after it was deployed",
  "review-due": null,
  "check-failed": "did not pass its checks",
  "build-failed": "could not be built",
  "scan-blocked": "blocked by what the scan found",
} as const satisfies Record<NoticeEvent, string | null>;

const marks: Readonly<Record<NoticeLevel, string>> = { info: "🔵", good: "✅", warning: "⚠️", bad: "❌" };

/** The row that a notice is; null where it is about no commit in an environment, or says nothing of how it stands. */
export function rowOf(notice: Notice): TableRow | null {
  const { environment, event, level, kind, release, commit, who, at, outcome, links } = notice;
  if (environment === null || commit === null || words[event] === null) return null;
  const cut = (text: string | null): string | null => (text === null ? null : clip(text, 300));
  return {
    ...{ environment, event, level, kind: cut(kind), release: cut(release), commit, who: clip(who, 300), at },
    outcome: level === "bad" || level === "warning" ? cut(outcome) : null,
    url: fitting(links.url),
    log: fitting(links.log),
  };
}

/** The line that a project's comment begins with, by which it is found again. It is not shown. */
export function tableMarker(project: string): string {
  return `<!-- shiplock:deployments ${project} -->`;
}

/** The rows that a comment holds; none where it was changed so that they cannot be read. */
export function rowsOf(body: string): readonly TableRow[] {
  const written = /^<!-- shiplock:deployments [^\n]*-->\r?\n<!-- (\{[^\n]*\}) -->/.exec(body)?.[1];
  if (written === undefined) return [];
  try {
    const read = z.object({ version: z.literal(1), rows: z.array(tableRow) }).safeParse(JSON.parse(written));
    return read.success ? read.data.rows : [];
  } catch {
    return [];
  }
}

/** Of each environment the newest row; in whatever order they are given, it comes to the same. */
export function mergeRows(rows: readonly TableRow[]): readonly TableRow[] {
  const newest = new Map<string, TableRow>();
  for (const row of rows) {
    const known = newest.get(row.environment);
    if (known === undefined || compare(orderOf(known), orderOf(row)) < 0) newest.set(row.environment, row);
  }
  return [...newest.values()]
    .toSorted((left, right) => compare(orderOf(right), orderOf(left)))
    .slice(0, mostRows)
    .toSorted((left, right) => compare(left.environment, right.environment));
}

/** A project's comment with these rows; the oldest are left out where there is no room for all. The same rows are the same text. */
export function tableBody(project: string, rows: readonly TableRow[]): string {
  const merged = mergeRows(rows);
  const body = bodyOf(project, merged);
  if (body.length <= mostCharacters || merged.length === 1) return body;
  const oldest = merged.reduce((left, right) => (compare(orderOf(left), orderOf(right)) <= 0 ? left : right));
  return tableBody(
    project,
    merged.filter((row) => row !== oldest),
  );
}

function bodyOf(project: string, merged: readonly TableRow[]): string {
  const troubles = merged.filter(({ outcome }) => outcome !== null);
  return [
    tableMarker(project),
    `<!-- ${hidden({ version: 1, rows: merged })} -->`,
    `#### Deployments of ${escapeMarkdown(project)}`,
    "",
    "| environment | | release | address | by | when |",
    "|---|---|---|---|---|---|",
    ...merged.map(tableLine),
    ...troubles.flatMap(({ environment, outcome }) => [
      "",
      `**${escapeMarkdown(environment)}**: ${escapeMarkdown(outcome ?? "", 300)}`,
    ]),
  ].join("\n");
}

function tableLine({ environment, event, level, kind, release, commit, who, at, url, log }: TableRow): string {
  const said = words[event as NoticeEvent] ?? event;
  const back = kind === "rollback" ? " (a rollback)" : "";
  const cells = [
    escapeMarkdown(environment),
    `${marks[level]} ${escapeMarkdown(`${said}${back}`)}`,
    escapeMarkdown(release ?? commit.slice(0, 7)),
    url === null ? "" : markdownLink(url.replace(/^https?:\/\//, ""), url),
    escapeMarkdown(who),
    [escapeMarkdown(timeText(at)), ...(log === null ? [] : [markdownLink("log", log)])].join(" · "),
  ];
  return `| ${cells.join(" | ")} |`;
}

function timeText(at: string): string {
  return /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(at) ? `${at.slice(0, 10)} ${at.slice(11, 16)} UTC` : at;
}

/** JSON in which nothing can end the comment that it stands in. */
function hidden(document: unknown): string {
  return JSON.stringify(document).replaceAll(
    /[<>&-]|[^\x20-\x7e]/g,
    (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function fitting(address: string | null): string | null {
  return address !== null && address.length <= mostAddressCharacters ? address : null;
}

/** By time; of the same moment, as a deployment goes on; and then by whatever else differs, so that all who merge agree. */
function orderOf(row: TableRow): string {
  const stage = String(noticeEvents.indexOf(row.event as NoticeEvent) + 1).padStart(3, "0");
  return `${row.at} ${stage} ${JSON.stringify(row)}`;
}

function compare(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
