import type { GateName } from "../../config/types-gates.ts";
import type { DeploymentKind, Origin } from "../../deploy/types.ts";
import type { Identity } from "../identity.ts";

/** What asked for a deployment: somebody, or a push, a tag or a schedule. */
export type Trigger = "manual" | "automatic";

/** A branch or tag that was asked for by its name. */
export type RefName = { readonly kind: "branch" | "tag"; readonly name: string };

/** How a release came to an environment, which the guard and the order of commits ask for later. */
export type Asked = { trigger: Trigger; ref: RefName | null; commitTime: string; by: Identity };

/** What somebody said of a request. It counts for what was asked for then: of another subject it says nothing. */
export type Approval = {
  by: Identity;
  at: string;
  answer: "approve" | "reject";
  comment: string | null;
  subject: string;
};

/** Why a request has not begun: which gate waits, until when (ISO 8601; null when nobody knows) and for what. */
export type Waiting = { gate: GateName; reason: string; until: string | null };

/** What a deployment is asked to do, as long as it has not begun. It lies in the environment record, so that every machine sees the same. */
export type Ticket = {
  /** The deployment's id: a ticket is a deployment that has not begun. */
  deployment: string;
  /** Its place in the order; later ones have greater numbers. */
  number: number;
  kind: DeploymentKind;
  trigger: Trigger;
  /** `queued` wants its turn; `waiting` waits for a gate and stands in nobody's way. */
  state: "queued" | "waiting";
  release: string;
  /** Name of the release document in this record. */
  document: string;
  /** What approvals are bound to: a hash over the digests and the configuration. */
  subject: string;
  commit: string;
  commitTime: string;
  ref: RefName | null;
  origin: Origin;
  /** Who asked, and who asked for the same once more. */
  requesters: readonly Identity[];
  createdAt: string;
  /** Then it ends, ISO 8601. */
  expiresAt: string;
  options: TicketOptions;
  waiting: readonly Waiting[];
  approvals: readonly Approval[];
};

/** A request that has no place in the order yet. */
export type NewTicket = Omit<Ticket, "number">;

/** What was said with the request, which whoever carries it out later needs to know. */
export type TicketOptions = {
  /** The environment's name as somebody typed it. */
  confirmed: string | null;
  /** Why it is an emergency. */
  emergency: string | null;
  /** Why a freeze does not hold for it. */
  overrideFreeze: string | null;
  /** Takes over what somebody holds. */
  takeOver: boolean;
  /** Hosts that are left out. */
  skip: readonly string[];
};

/** Somebody keeps an environment as it is. */
export type Hold = {
  by: Identity;
  since: string;
  /** ISO 8601; null for until it is lifted. */
  until: string | null;
  reason: string;
  /** Whose hold this one took over, if any. */
  takenFrom: string | null;
};

export type ReviewNews = "due" | "overdue";

/** An emergency that somebody else has to look at afterwards. */
export type DueReview = {
  deployment: string;
  release: string;
  by: Identity;
  reason: string;
  /** Gates that it passed and that would have stopped it, with what they said. */
  passed: readonly { gate: GateName; reason: string }[];
  at: string;
  dueBy: string;
  reviewed: { by: Identity; at: string; comment: string | null } | null;
  /** What was announced of it last: that it is due, or that its time is over. Absent for nothing. */
  told?: ReviewNews;
};
