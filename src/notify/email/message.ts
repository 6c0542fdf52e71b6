import type { Notice, NoticeStep } from "../types.ts";
import { clip, factsOf, headline, lastThatFit, stepLine } from "../words.ts";

/** A mail without its addresses. */
export type EmailText = { subject: string; text: string };

const stepWords: Readonly<Record<NoticeStep["state"], string>> = {
  running: "begun  ",
  done: "done   ",
  unchanged: "as is  ",
  failed: "FAILED ",
  undone: "undone ",
};

/** A notice as a plain mail. The subject is one line, whatever stands in the notice; in the body, nothing but lines and tabs is left of control characters. */
export function emailText(notice: Notice): EmailText {
  const { outcome, release } = notice;
  const facts = factsOf(notice).map(([name, value]) => `${`${name}:`.padEnd(12)}${oneLine(value)}`);
  const steps = notice.steps
    .filter(({ state }) => state !== "unchanged")
    .map((step) => `  ${stepWords[step.state]}${oneLine(stepLine(step))}`);
  const lines = lastThatFit(
    notice.lastLines.map((line) => `  ${oneLine(line)}`),
    20_000,
  );
  const parts = [
    [headline(notice), ...(outcome === null ? [] : [oneLine(outcome)])],
    facts,
    steps.length === 0 ? [] : ["Steps:", ...steps],
    lines.length === 0 ? [] : ["Last lines:", ...lines],
  ];
  return {
    subject: clip(oneLine(release === null ? headline(notice) : `${headline(notice)} (${release})`), 200),
    text: `${parts
      .filter((part) => part.length > 0)
      .map((part) => part.join("\n"))
      .join("\n\n")}\n`,
  };
}

/** Text in one line, without control characters: what is in a header cannot begin another one. */
export function oneLine(text: string): string {
  return text.replace(/[\r\n\u2028\u2029]+/g, " ").replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "");
}
