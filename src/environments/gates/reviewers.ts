import type { Reviewers } from "../../config/types-gates.ts";
import { counted } from "../../counted.ts";
import { type Identity, isNamedBy, samePerson } from "../identity.ts";
import type { Approval, NewTicket } from "../queue/types.ts";
import { answersOf, listed, momentText } from "./answers.ts";
import type { Gate, GateDecision, GateFacts } from "./types.ts";

const { pass, wait, block } = answersOf("reviewers");

/**
 * People who have to agree. An approval counts for exactly the digests and the configuration that it was given for, for as long as the environment says, once for each
 * person, and not from who asked. Going back needs nobody.
 */
export const reviewersGate: Gate = { name: "reviewers", judge };

function judge({ now, kind, policy, request }: GateFacts): GateDecision {
  const { reviewers } = policy;
  if (reviewers === undefined) return pass("nobody has to approve");
  if (kind === "rollback") return pass("a rollback needs no approval");
  const judged = request.approvals.map((approval) => ({ approval, flaw: flawOf(approval, reviewers, request, now) }));
  const counting = judged.flatMap(({ approval, flaw }) => (flaw === null ? [approval] : []));
  const against = counting.find(({ answer }) => answer === "reject");
  if (against !== undefined)
    return block(
      `rejected by ${against.by.name}${against.comment === null ? "" : `: ${against.comment}`}`,
      "ask for it again when that is settled",
    );
  const people = distinct(counting.map(({ by }) => by));
  if (people.length >= reviewers.count) return pass(`approved by ${listed(people.map(({ name }) => name))}`);
  const flaws = judged.flatMap(({ flaw }) => (flaw === null ? [] : [flaw]));
  const so = people.length === 0 ? "" : `, after ${listed(people.map(({ name }) => name))}`;
  const not = reviewers.selfReview
    ? ""
    : `, not by who asked for it (${listed(request.requesters.map(({ name }) => name))})`;
  const missing = reviewers.count - people.length;
  return wait(
    `needs ${people.length === 0 ? "" : "another "}${counted(missing, "approval")}${so}, by ${orListed(reviewers.named)}${not}${flaws.map((flaw) => `; ${flaw}`).join("")}`,
    listed(reviewers.named),
    null,
  );
}

/** Why what somebody said of a request does not count; null where it does. */
export function flawOf(
  approval: Approval,
  reviewers: Reviewers,
  request: Pick<NewTicket, "subject" | "requesters">,
  now: Date,
): string | null {
  const { by, at, subject } = approval;
  const whose = `the ${approval.answer === "approve" ? "approval" : "rejection"} of ${by.name}`;
  const end = Date.parse(at) + reviewers.validMs;
  if (!mayReview(reviewers, by)) return `${whose} does not count, who is no reviewer`;
  if (!reviewers.selfReview && asked(request, by)) return `${whose} does not count, who asked for it`;
  if (subject !== request.subject) return `${whose} was for other digests or another configuration`;
  if (end <= now.getTime()) return `${whose} was valid until ${momentText(end)}`;
  return null;
}

/** Whether an environment's configuration names this person as one who may approve. */
export function mayReview({ people }: Reviewers, person: Identity): boolean {
  return people.some((name) => isNamedBy(person, name));
}

/** Whether a request is this person's, who asked for it or asked for the same once more. */
export function asked({ requesters }: Pick<NewTicket, "requesters">, person: Identity): boolean {
  return requesters.some((requester) => samePerson(requester, person));
}

function distinct(people: readonly Identity[]): Identity[] {
  return people.filter((person, index) => !people.slice(0, index).some((other) => samePerson(other, person)));
}

function orListed(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} or ${names.at(-1) ?? ""}`;
}
