import { holdText } from "../environments/queue/holds.ts";
import type { DueReview } from "../environments/queue/types.ts";
import type { Notice, NoticeEvent } from "../notify/types.ts";
import { levelOf } from "../notify/words.ts";
import type { Release } from "../release/types.ts";
import { noSteps, type StepsSeen, seenSteps, type TellingStep, tellingStep } from "./notices-steps.ts";
import type { DeploymentEvent } from "./request.ts";
import type { DeploymentState } from "./states.ts";
import type { Plan } from "./types.ts";

/** What is kept while deployments are told of. A command may carry through another request before its own. */
export type NoticeFold = {
  /** Public address of the environment. */
  readonly url: string | null;
  /** Page with the whole log. */
  readonly log: string | null;
  readonly known: ReadonlyMap<string, Known>;
  /** The deployment whose steps are running. */
  readonly running: string | null;
  /** From whom the lease was taken, as long as that was not told. */
  readonly tookOver: string | null;
};

/** A deployment as far as its events have told it. */
type Known = {
  readonly about: Pick<Plan, "project" | "environment" | "kind" | "origin">;
  /** What it is about; an id only where something was built. */
  readonly release: Pick<Release, "commit" | "subject" | "ref"> & { readonly id: string | null };
  readonly steps: StepsSeen;
  readonly ended: boolean;
};

export type Folded = { readonly fold: NoticeFold; readonly notices: readonly Notice[] };

/**
 * @param url public address of the environment, if it has one
 * @param log page with the whole log, if there is one
 */
export function startNotices(url: string | null, log: string | null = null): NoticeFold {
  return { url, log, known: new Map(), running: null, tookOver: null };
}

/** Whether somebody was told how it ended: of each deployment that was told of, or of none. */
export function allEndsTold({ known }: NoticeFold): boolean {
  return known.size > 0 && [...known.values()].every(({ ended }) => ended);
}

/**
 * What is told of an event of a deployment, and what is kept for the ones that follow.
 * @param at when it happened, ISO 8601
 */
export function foldNotices(fold: NoticeFold, event: DeploymentEvent, at: string): Folded {
  switch (event.kind) {
    case "requested": {
      const { ticket, document, project, environment } = event;
      const { kind, origin } = ticket;
      const about = { project, environment, kind, origin };
      const known: Known = { about, release: document.release, ...nothingYet };
      const next = withKnown(fold, ticket.deployment, known);
      return { fold: next, notices: noticesOf(next, ticket.deployment, "requested", at, null) };
    }
    case "requested-early": {
      const { ticket, subject, project, environment } = event;
      const { kind, origin, commit, ref } = ticket;
      const release = { id: null, commit, subject, ref: ref?.name ?? null };
      const known: Known = { about: { project, environment, kind, origin }, release, ...nothingYet };
      // Its end follows at once, and is what is told.
      return { fold: withKnown(fold, ticket.deployment, known), notices: [] };
    }
    case "emergency": {
      const { review } = event;
      return { fold, notices: noticesOf(fold, review.deployment, "emergency", at, emergencyWords(review)) };
    }
    case "hold-taken-over":
      return { fold, notices: noticesOf(fold, event.deployment, "taken-over", at, holdText(event.hold)) };
    case "freeze-overridden":
      return { fold, notices: noticesOf(fold, event.deployment, "freeze-overridden", at, event.reason) };
    case "lease-taken": {
      const { tookOver } = event;
      const words = tookOver === null ? null : `from ${tookOver.who} (${tookOver.from}), whose session was ended`;
      return { fold: { ...fold, tookOver: words }, notices: [] };
    }
    case "planned":
      return foldPlanned(fold, event, at);
    case "step": {
      const { running } = fold;
      const known = running === null ? undefined : fold.known.get(running);
      if (running === null || known === undefined) return { fold, notices: [] };
      const next = withKnown(fold, running, { ...known, steps: seenSteps(known.steps, event.event) });
      const failed = tellingStep(next.known.get(running)?.steps ?? noSteps, event.event);
      return { fold: next, notices: failed === null ? [] : stepNotices(next, running, failed) };
    }
    case "state": {
      const { deployment, outcome } = event;
      const known = fold.known.get(deployment);
      const told = eventOfState[event.state];
      if (told === null || known === undefined) return { fold, notices: [] };
      const next = withKnown(fold, deployment, { ...known, ended: told !== "waiting" });
      return { fold: next, notices: noticesOf(next, deployment, told, at, outcome) };
    }
    case "watch": {
      const { deployment, news } = event;
      // What follows is a deployment of its own, which is told as any other.
      const bad = news.kind === "ended" && news.end.how === "bad" ? news.end.said : null;
      return { fold, notices: bad === null ? [] : noticesOf(fold, deployment, "watch-failed", at, bad) };
    }
    case "unwatched": {
      const { deployment, next, wantsRollback } = event;
      const words = `${wantsRollback}; it is not taken back by itself, since ${next} comes next`;
      return { fold, notices: wantsRollback === null ? [] : noticesOf(fold, deployment, "watch-failed", at, words) };
    }
    case "judged":
    case "behind":
    case "taken-up":
    case "passed-over":
    case "lease-held":
      return { fold, notices: [] };
  }
}

const nothingYet = { steps: noSteps, ended: false } as const;

/** Which states are told of. */
const eventOfState: Readonly<Record<DeploymentState, NoticeEvent | null>> = {
  queued: null,
  running: null,
  paused: null,
  verifying: null,
  waiting: "waiting",
  interrupted: "interrupted",
  succeeded: "succeeded",
  blocked: "blocked",
  rejected: "rejected",
  cancelled: "cancelled",
  superseded: "superseded",
  skipped: "skipped",
  "rolled-back": "rolled-back",
  failed: "failed",
};

const startWords: Readonly<Record<"run" | "resume" | "abort", (plan: Plan) => string>> = {
  run: ({ from, to }) => `${from ?? "nothing"} → ${to}`,
  resume: ({ to }) => `going on with ${to}, which was interrupted`,
  abort: ({ from, to }) => `taking ${to} back: ${from ?? "nothing"} was live before`,
};

function foldPlanned(fold: NoticeFold, event: Extract<DeploymentEvent, { kind: "planned" }>, at: string): Folded {
  const { plan, document, purpose } = event;
  const { deployment, project, environment, kind, origin } = plan;
  const known: Known = {
    about: { project, environment, kind, origin },
    release: document.release,
    ...nothingYet,
  };
  const next: NoticeFold = { ...withKnown(fold, deployment, known), running: deployment, tookOver: null };
  const tell = (told: NoticeEvent, outcome: string | null): readonly Notice[] =>
    outcome === null ? [] : noticesOf(next, deployment, told, at, outcome);
  return {
    fold: next,
    notices: [...tell("taken-over", fold.tookOver), ...tell("started", startWords[purpose](plan))],
  };
}

/** Why it is an emergency, what it passed over, and until when somebody else has to look at it. */
function emergencyWords({ reason, passed, dueBy }: DueReview): string {
  const gates = passed.map(({ gate, reason: said }) => `${gate} (${said})`).join(", ");
  return `${reason}; ${gates === "" ? "no gate stood in its way" : `passed over ${gates}`}; to be reviewed by ${dueBy}`;
}

function withKnown(fold: NoticeFold, deployment: string, known: Known): NoticeFold {
  return { ...fold, known: new Map(fold.known).set(deployment, known) };
}

function stepNotices(fold: NoticeFold, deployment: string, { at, outcome, lastLines }: TellingStep): readonly Notice[] {
  return noticesOf(fold, deployment, "step-failed", at, outcome).map((notice) => ({ ...notice, lastLines }));
}

/** The notice with all that is known by now; none of a deployment that nothing is known of. */
function noticesOf(
  fold: NoticeFold,
  deployment: string,
  event: NoticeEvent,
  at: string,
  outcome: string | null,
): readonly Notice[] {
  const known = fold.known.get(deployment);
  if (known === undefined) return [];
  const { about, release, steps } = known;
  return [
    {
      event,
      level: levelOf(event),
      project: about.project,
      environment: about.environment,
      deployment,
      kind: about.kind,
      release: release.id,
      commit: release.commit,
      subject: release.subject,
      ref: release.ref,
      who: about.origin.who,
      why: about.origin.reason,
      at,
      outcome,
      steps: [...steps.steps.values()].map(({ step }) => step),
      lastLines: levelOf(event) === "bad" ? steps.lastLines : [],
      links: { url: fold.url, log: fold.log },
    },
  ];
}
