import { isTerminal } from "../../deploy/states.ts";
import type { TicketEnd } from "../queue/changes.ts";
import type { DueReview, Hold, Ticket } from "../queue/types.ts";
import type { DeploymentEntry, EnvironmentState } from "../record/types.ts";
import type { AuditAct, AuditDetails } from "./types.ts";

/** What tells one part of the state: of two states, the acts that led from the first to the second. */
type Account = (before: EnvironmentState, after: EnvironmentState) => AuditAct[];

/** Parts that say nothing for which somebody answers: names, counters, and the log itself. */
const unaccounted: ReadonlySet<string> = new Set(["version", "project", "environment", "nextTicket", "audit"]);

/** Ends of what never began. */
const notBegun: ReadonlySet<string> = new Set<TicketEnd>(["blocked", "rejected", "cancelled", "superseded", "skipped"]);

/** Parts with words of their own. Every other part that is otherwise than before is entered as `changed`, so that no change is without an entry. */
const accounts: Partial<Record<keyof EnvironmentState, Account>> = {
  tickets: requests,
  hold: holds,
  deployments,
  operation,
  reviews,
  healthy,
  live: withCommit("live"),
  withdrawn: withCommit("withdrawn"),
  automaticPaused: withCommit("automaticPaused"),
  behind: withCommit("behind"),
};

/**
 * What somebody did who turned one state of an environment into another. Derived from the states themselves, at the one place where they are written, so that whoever
 * changes something cannot forget to enter it. That a request waits, and for what, is nobody's act.
 */
export function actsBetween(before: EnvironmentState, after: EnvironmentState): AuditAct[] {
  const parts = [...new Set([...Object.keys(accounts), ...Object.keys(before), ...Object.keys(after)])];
  return parts
    .filter((part): part is keyof EnvironmentState => !unaccounted.has(part))
    .filter((part) => !same(before[part], after[part]))
    .flatMap((part) => (accounts[part] ?? changed(part))(before, after));
}

function requests(before: EnvironmentState, after: EnvironmentState): AuditAct[] {
  const acts = after.tickets.flatMap((ticket) => {
    const known = before.tickets.find(({ deployment }) => deployment === ticket.deployment);
    return known === undefined ? [requested(ticket)] : changesOf(known, ticket);
  });
  const lost = before.tickets.filter(
    ({ deployment }) =>
      !after.tickets.some((ticket) => ticket.deployment === deployment) &&
      !after.deployments.some((entry) => entry.deployment === deployment),
  );
  return [...acts, ...lost.map((ticket) => act("not-begun", ticket.deployment, { release: ticket.release }))];
}

function requested({ deployment, kind, release, trigger, origin, options }: Ticket): AuditAct {
  return act("requested", deployment, {
    ...{ kind, release, trigger, by: origin.who, reason: origin.reason },
    ...(options.emergency === null ? {} : { emergency: options.emergency }),
  });
}

function changesOf(before: Ticket, after: Ticket): AuditAct[] {
  const { deployment, release } = after;
  const answers = after.approvals.filter((approval) => !before.approvals.some((known) => same(known, approval)));
  const withdrawn = before.approvals.filter((approval) => !after.approvals.some((known) => same(known, approval)));
  // What it waits for is nobody's doing, and what was answered is told by itself.
  const rest = ({ state: _, waiting: __, approvals: ___, ...ticket }: Ticket): unknown => ticket;
  return [
    ...(same(rest(before), rest(after)) ? [] : [act("request-changed", deployment, { release, was: before.release })]),
    ...answers.map(({ answer, by, comment, subject }) =>
      act(answer === "approve" ? "approved" : "rejected", deployment, { release, by: by.name, comment, subject }),
    ),
    ...withdrawn.map(({ by, subject }) => act("approval-withdrawn", deployment, { release, by: by.name, subject })),
  ];
}

function holds({ hold: before }: EnvironmentState, { hold: after }: EnvironmentState): AuditAct[] {
  if (after !== null) return [act("held", null, { ...wordsOf(after), was: before?.by.name ?? null })];
  return before === null ? [] : [act("unheld", null, wordsOf(before))];
}

function wordsOf({ by, reason, until, takenFrom }: Hold): AuditDetails {
  return { by: by.name, reason, until, takenFrom };
}

function deployments(before: EnvironmentState, after: EnvironmentState): AuditAct[] {
  const acts = after.deployments.flatMap((entry) => {
    const known = before.deployments.find(({ deployment }) => deployment === entry.deployment);
    if (known === undefined) return [opened(entry)];
    if (same(known, entry)) return [];
    if (isTerminal(entry.state) && known.state !== entry.state) return [ended(entry)];
    return [act("changed", entry.deployment, { part: "deployments", state: entry.state })];
  });
  // The oldest one leaves when a newer one comes.
  return acts.length > 0 ? acts.toReversed() : changed("deployments")();
}

function opened(entry: DeploymentEntry): AuditAct {
  const { deployment, kind, release, from, origin, state, outcome } = entry;
  const details = { kind, release, from, by: origin.who, reason: origin.reason };
  if (notBegun.has(state)) return act("not-begun", deployment, { ...details, state, outcome });
  return act(isTerminal(state) ? "ended" : "began", deployment, details);
}

function ended({ deployment, release, state, outcome }: DeploymentEntry): AuditAct {
  return act("ended", deployment, { release, state, outcome });
}

function operation(before: EnvironmentState, after: EnvironmentState): AuditAct[] {
  const { operation: was } = before;
  const { operation: is } = after;
  const acts: AuditAct[] = [];
  const begins = is !== null && was?.deployment !== is.deployment;
  const used = begins ? is.options : undefined;
  if (begins && used !== undefined && used.overrideFreeze !== null)
    acts.push(act("freeze-overridden", is.deployment, { release: is.release, reason: used.overrideFreeze }));
  if (begins && used?.takeOver === true && after.hold !== null) {
    const { by, reason } = after.hold;
    acts.push(act("hold-taken-over", is.deployment, { release: is.release, takenFrom: by.name, reason }));
  }
  if (commits(before, after) && is !== null) {
    const behind = after.behind.map(({ host }) => host);
    const withdrawn = after.withdrawn.filter((entry) => !before.withdrawn.some((known) => same(known, entry)));
    acts.push(
      act("went-live", is.deployment, {
        release: is.release,
        ...(behind.length === 0 ? {} : { behind }),
        ...(withdrawn.length === 0 ? {} : { withdrawn: withdrawn.map(({ release }) => release) }),
      }),
    );
  }
  const told = acts.length > 0 || !same(before.deployments, after.deployments);
  return told ? acts : changed("operation")();
}

/** Whether a deployment went over its commit point between two states. */
function commits(before: EnvironmentState, after: EnvironmentState): boolean {
  return after.operation?.committed === true && before.operation?.committed !== true;
}

function reviews(before: EnvironmentState, after: EnvironmentState): AuditAct[] {
  // That one was announced is nobody's act.
  const itself = ({ told: _, ...review }: DueReview): unknown => review;
  if (same(before.reviews.map(itself), after.reviews.map(itself))) return [];
  const acts = after.reviews.flatMap((review) => {
    const { deployment, release, reason, passed, dueBy, by, reviewed } = review;
    const known = before.reviews.find((each) => each.deployment === deployment);
    if (known === undefined)
      return [
        act("emergency", deployment, {
          ...{ release, by: by.name, reason, dueBy },
          passed: passed.map((each) => `${each.gate}: ${each.reason}`),
        }),
      ];
    if (known.reviewed === null && reviewed !== null)
      return [act("reviewed", deployment, { release, by: reviewed.by.name, comment: reviewed.comment })];
    return same(itself(known), itself(review)) ? [] : [act("changed", deployment, { part: "reviews" })];
  });
  // Reviews that ended long ago leave when a newer one comes.
  return acts.length > 0 ? acts.toReversed() : changed("reviews")();
}

function healthy(before: EnvironmentState, after: EnvironmentState): AuditAct[] {
  const forgotten = before.healthy.filter(({ release }) => !after.healthy.some((entry) => entry.release === release));
  if (forgotten.length > 0) return [act("forgotten", null, { releases: forgotten.map(({ release }) => release) })];
  return commits(before, after) ? [] : changed("healthy")();
}

/** What changes with a commit is told by it; forgetting a release takes its marks along. */
function withCommit(part: keyof EnvironmentState): Account {
  return (before, after) => {
    const forgets = part === "withdrawn" && before.healthy.length > after.healthy.length;
    return commits(before, after) || forgets ? [] : changed(part)();
  };
}

function changed(part: keyof EnvironmentState): () => AuditAct[] {
  return () => [act("changed", null, { part })];
}

function act(action: AuditAct["action"], subject: string | null, details: AuditDetails): AuditAct {
  return { action, subject, details };
}

function same(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}
