import type { Notice, NoticeLevel, NoticeStep } from "../types.ts";
import { clip, factsOf, headline, lastThatFit, stepLine } from "../words.ts";

/** A message as Slack's calls and its incoming webhooks take it: blocks for channels, text for notifications. */
export type SlackBody = { text: string; blocks: readonly SlackBlock[] };

export type SlackBlock =
  | { type: "section"; text: SlackMarkdown }
  | { type: "section"; fields: readonly SlackMarkdown[] };

/** `verbatim`: Slack makes no links, channels or mentions out of what it finds in it. */
type SlackMarkdown = { type: "mrkdwn"; text: string; verbatim: true };

/** Slack takes 3,000 characters in a section and 2,000 in a field; escaped ones count. */
const sectionCharacters = 2_900;
const fieldCharacters = 1_900;

const marks: Readonly<Record<NoticeLevel, string>> = {
  info: ":large_blue_circle:",
  good: ":white_check_mark:",
  warning: ":warning:",
  bad: ":x:",
};

const stepMarks: Readonly<Record<NoticeStep["state"], string>> = {
  running: "…",
  done: "✓",
  unchanged: "·",
  failed: "✗",
  undone: "↶",
};

/** Text from outside in Slack's own writing: nothing of it is a mention, a link or a command. */
export function escapeSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

/** The message of a notice. */
export function slackMessage(notice: Notice): SlackBody {
  const { outcome } = notice;
  const title = headline(notice);
  const said = outcome === null ? [] : [clipEscaped(outcome, sectionCharacters - 200)];
  const fields = factsOf(notice).map(([name, value]) => markdown(`*${name}*\n${shown(name, value)}`));
  return {
    text: clipEscaped(outcome === null ? title : `${title}: ${outcome}`, sectionCharacters),
    blocks: [
      section([`${marks[notice.level]} *${escapeSlack(title)}*`, ...said].join("\n")),
      { type: "section", fields },
    ],
  };
}

/** What a notice says beside its message: steps that did something, and the last lines of what failed. Null where there is neither. */
export function slackDetails(notice: Notice, what: { steps: boolean; lines: boolean }): SlackBody | null {
  const steps = what.steps ? notice.steps.filter(({ state }) => state !== "unchanged") : [];
  const lines = what.lines ? notice.lastLines : [];
  if (steps.length === 0 && lines.length === 0) return null;
  const blocks: SlackBlock[] = [];
  if (steps.length > 0) {
    const written = steps.map((step) => clipEscaped(`${stepMarks[step.state]} ${stepLine(step)}`, 400));
    blocks.push(section(lastThatFit(written, sectionCharacters).join("\n")));
  }
  if (lines.length > 0) {
    // A fence in a log would end the one around it.
    const written = lines.map((line) => escapeSlack(line).replaceAll("```", "`\u200b`\u200b`"));
    const fitting = lastThatFit(written, sectionCharacters).map((line) => withoutHalfEntity(line));
    blocks.push(section(`\`\`\`\n${fitting.join("\n")}\n\`\`\``));
  }
  return { text: clipEscaped(lines.length > 0 ? `last lines: ${lines.at(-1) ?? ""}` : headline(notice), 500), blocks };
}

/** Message and details in one, for who can write but one message. */
export function slackWhole(notice: Notice): SlackBody {
  const message = slackMessage(notice);
  const details = slackDetails(notice, { steps: true, lines: true });
  return details === null ? message : { text: message.text, blocks: [...message.blocks, ...details.blocks] };
}

function shown(name: string, value: string): string {
  const address = (name === "address" || name === "log") && /^https?:\/\/[^\s|<>]+$/.test(value);
  return address ? `<${escapeSlack(value)}>` : clipEscaped(value, fieldCharacters);
}

function section(text: string): SlackBlock {
  return { type: "section", text: markdown(text) };
}

function markdown(text: string): SlackMarkdown {
  return { type: "mrkdwn", text, verbatim: true };
}

/** Escaped text of at most so many characters. */
function clipEscaped(text: string, characters: number): string {
  return withoutHalfEntity(clip(escapeSlack(text), characters));
}

function withoutHalfEntity(text: string): string {
  return text.replace(/&[a-z]{0,3}…$/, "…");
}
