import type { ToldError } from "../cli/output.ts";
import { formatLocation } from "../errors.ts";
import { block, code, folded, link, plain, shortened, table } from "./markdown.ts";
import { resultWord } from "./outputs.ts";
import type { Story, StoryCheck, StoryStep } from "./story.ts";

/** What the summary says beside the story. */
export type SummaryFacts = {
  readonly command: string;
  /** As the step named it. */
  readonly environment: string | undefined;
  readonly exitCode: number;
  /** What a reader has to know before; a sentence of ours. */
  readonly note?: string;
  /** Addresses of the repository and of this run; null where the runner did not say. */
  readonly repository: string | null;
  readonly run: string | null;
};

/** A reader wants to know what happened; the rest is in the log. */
const mostRows = 100;
const longestText = 300;

const marks: Readonly<Record<string, string>> = {
  succeeded: "✅",
  passed: "✅",
  done: "✅",
  "nothing-to-do": "✅",
  skipped: "⏭️",
  superseded: "⏭️",
  cancelled: "⏭️",
  waiting: "⏳",
  queued: "⏳",
  "rolled-back": "↩️",
};

/** What a run of the Action did, as Markdown for the run's page: what, where, by whom, why it may and what came of it. Nothing in it is markup that came from outside. */
export function summaryOf(story: Story, facts: SummaryFacts): string {
  const environment = story.environment ?? facts.environment ?? null;
  const result = resultWord(story, facts.exitCode);
  const what = saidOf(story.kind ?? facts.command, environment);
  const mark = marks[result] ?? "❌";
  const lines = [
    `### ${mark} ${plain(what)}: ${plain(result)}`,
    "",
    ...(facts.note === undefined ? [] : [plain(facts.note), ""]),
    ...(story.outcome === null ? [] : [plain(shortened(story.outcome, longestText)), ""]),
    ...story.errors.flatMap(errorLines),
    ...table(["", ""], aboutRows(story, environment, facts)),
    ...gateLines(story),
    ...stepLines(story.steps),
    ...checkLines(story.checks),
  ];
  return `${lines.join("\n").trimEnd()}\n`;
}

function saidOf(what: string, environment: string | null): string {
  if (environment === null) return what;
  return `${what} ${what === "deploy" || what === "promote" ? "to" : "of"} ${environment}`;
}

function errorLines({ code: name, message, where, details, remedy }: ToldError): string[] {
  const place = where === undefined ? "" : `${code(formatLocation(where))}: `;
  const more = details.length > 20 ? [`and ${details.length - 20} more`] : [];
  return [
    `**What happened:** ${place}${plain(message)} (${code(name)})`,
    "",
    ...(details.length === 0
      ? []
      : [block([...details.slice(0, 20).map((one) => shortened(one, longestText)), ...more]), ""]),
    ...(remedy === undefined ? [] : [`**What to do:** ${plain(remedy)}`, ""]),
  ];
}

function aboutRows(story: Story, environment: string | null, { repository, run }: SummaryFacts): string[][] {
  const { release, from, commit, subject, ref, who, reason, url, deployment, strategy, hosts } = story;
  const address = (path: string): string | null => (repository === null ? null : `${repository}/${path}`);
  const rows: (readonly [string, string | null])[] = [
    ["Release", release === null ? null : `${code(release)}${from === null ? "" : ` after ${code(from)}`}`],
    [
      "Commit",
      commit === null ? null : `${commitLink(commit, address)} ${plain(shortened(subject ?? "", 120))}`.trim(),
    ],
    ["Branch or tag", ref === null ? null : code(ref)],
    [
      "Asked for by",
      who === null ? null : `${plain(who)}${reason === null ? "" : `: ${plain(shortened(reason, longestText))}`}`,
    ],
    ["Where", hosts.length === 0 ? null : plain(`${hosts.join(", ")}${strategy === null ? "" : ` (${strategy})`}`)],
    ["Address", url === null ? null : link(url, url)],
    ["Deployment", deployment === null ? null : historyText(deployment, environment, address)],
    ["Log", run === null || deployment === null ? null : link("this run", run)],
  ];
  return rows.flatMap(([name, value]) => (value === null ? [] : [[name, value]]));
}

function commitLink(commit: string, address: (path: string) => string | null): string {
  return link(commit.slice(0, 7), address(`commit/${encodeURIComponent(commit)}`));
}

function historyText(deployment: string, environment: string | null, address: (path: string) => string | null): string {
  const history = environment === null ? null : address(`deployments/${encodeURIComponent(environment)}`);
  return history === null ? code(deployment) : `${code(deployment)} in the ${link("history", history)}`;
}

function gateLines({ gates, emergency }: Story): string[] {
  const told = [
    ...gates.map(({ gate, answer, reason }) => [
      plain(gate),
      answerText(answer),
      plain(shortened(reason, longestText)),
    ]),
    ...emergency.map(({ gate, reason }) => [
      plain(gate),
      "🚨 passed as an emergency",
      plain(shortened(reason, longestText)),
    ]),
  ];
  const rows = table(["Gate", "Answer", "Why"], told.slice(0, mostRows));
  const allPass = emergency.length === 0 && gates.every(({ answer }) => answer === "pass");
  return allPass ? folded(`Gates: all ${gates.length} pass`, rows) : rows;
}

function answerText(answer: string): string {
  switch (answer) {
    case "pass":
      return "pass";
    case "wait":
      return "⏳ waits";
    case "block":
      return "⛔ blocks";
    default:
      return plain(answer);
  }
}

function stepLines(steps: readonly StoryStep[]): string[] {
  const began = Math.min(...steps.map(({ beganAt }) => beganAt));
  const ended = Math.max(...steps.map(({ beganAt, endedAt }) => endedAt ?? beganAt));
  const rows = steps
    .slice(0, mostRows)
    .map((step) => [
      plain(step.host ?? ""),
      plain(step.title),
      `${stepWord(step)}${step.said === "" ? "" : ` ${plain(shortened(step.said, longestText))}`}`,
      step.endedAt === null ? "" : durationText(step.endedAt - step.beganAt),
    ]);
  const title = `Steps: ${steps.length} in ${durationText(ended - began)}`;
  return folded(title, table(["Host", "Step", "Result", "Time"], rows));
}

function stepWord({ state, acted }: StoryStep): string {
  switch (state) {
    case "began":
      return "… began";
    case "done":
      return acted ? "✓" : "·";
    case "failed":
      return "✗";
    case "undone":
      return "↶ taken back:";
    case "stuck":
      return "✗ could not be taken back:";
  }
}

function checkLines(checks: readonly StoryCheck[]): string[] {
  const rows = checks
    .slice(0, mostRows)
    .map((check) => [
      plain(check.job),
      `${check.outcome === "passed" || check.outcome === "cached" ? "✅" : check.required ? "❌" : "⚠️"} ${plain(check.outcome)}`,
      check.tests === null ? "" : plain(`${check.tests.tests - check.tests.failed} of ${check.tests.tests}`),
      check.coverage === null ? "" : plain(`${check.coverage.toFixed(1)} %`),
      check.durationMs === null ? "" : durationText(check.durationMs),
      plain(shortened(check.reasons.join("; "), longestText)),
    ]);
  return table(["Check", "Result", "Tests passed", "Coverage", "Time", "Why"], rows);
}

/** Milliseconds as people read them. */
function durationText(milliseconds: number): string {
  if (milliseconds < 1_000) return `${Math.round(milliseconds)} ms`;
  if (milliseconds < 60_000) return `${(milliseconds / 1_000).toFixed(1)} s`;
  const seconds = Math.round(milliseconds / 1_000);
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}
