import type { Reviewers } from "../config/types-gates.ts";
import { stillNeeded } from "../environments/queue/answers.ts";
import { holdText } from "../environments/queue/holds.ts";
import type { Hold, Ticket } from "../environments/queue/types.ts";
import { type Identity, samePerson } from "../environments/identity.ts";
import { counted } from "../counted.ts";
import type { NoticeInput } from "./notices.ts";

/** What is told of a request: whose it is and what it would make live, as all that is told of its deployment. */
export function requestNotice(
  event: "approved" | "rejected" | "cancelled",
  { deployment, kind, release, commit, ref, origin }: Ticket,
  outcome: string,
  subject: string | null = null,
): NoticeInput {
  const about = { deployment, kind, release, commit, subject, ref: ref?.name ?? null };
  return { event, ...about, who: origin.who, why: origin.reason, outcome };
}

/** `approved by grace (tried it in staging); 1 more approval is needed`: what an approval came to. */
export function approvalSentence(
  ticket: Ticket,
  by: Identity,
  comment: string | null,
  reviewers: Reviewers | undefined,
  now: Date,
): string {
  const needed = reviewers === undefined ? 0 : stillNeeded(ticket, reviewers, now);
  const waits = ticket.waiting.filter(({ gate }) => gate !== "reviewers").map(({ gate }) => gate);
  const then = [
    ...(needed === 0 ? [] : [`${counted(needed, "more approval")} ${needed === 1 ? "is" : "are"} needed`]),
    ...(waits.length === 0 ? [] : [`it still waits for ${waits.join(", ")}`]),
  ];
  const said = comment === null ? "" : ` (${comment})`;
  return `approved by ${by.name}${said}; ${then.length === 0 ? "it may begin" : then.join("; ")}`;
}

/** What is told of a hold that was placed. */
export function holdNotices(hold: Hold): NoticeInput[] {
  const words = { who: hold.by.name, why: hold.reason, outcome: holdText(hold) };
  return [...takenOver(hold.takenFrom !== null, words), { event: "hold-placed", ...words }];
}

/** What is told of a hold that was lifted. */
export function liftNotices(was: Hold, by: Identity): NoticeInput[] {
  const words = { who: by.name, why: null, outcome: `it was ${holdText(was)}` };
  return [...takenOver(!samePerson(was.by, by), words), { event: "hold-lifted", ...words }];
}

function takenOver(another: boolean, words: Omit<NoticeInput, "event">): NoticeInput[] {
  return another ? [{ event: "taken-over", ...words }] : [];
}
