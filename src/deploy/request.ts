import type { Clock } from "../clock.ts";
import type { CommitRelation, Judgement } from "../environments/gates/types.ts";
import type { Identity } from "../environments/identity.ts";
import type { DueReview, Hold, NewTicket, Ticket, TicketOptions, Trigger } from "../environments/queue/types.ts";
import type { EnvironmentState } from "../environments/record/types.ts";
import type { ShiplockError } from "../errors.ts";
import type { LeaseOwner } from "../hosts/types.ts";
import type { ReleaseDocument } from "../release/types.ts";
import type { TargetSession } from "../targets/types.ts";
import type { Hooks } from "./hooks/types.ts";
import type { HookRunner } from "./hooks/worker.ts";
import type { WatchNews } from "./watch.ts";
import type { StepEvent } from "./run.ts";
import type { DeploymentState } from "./states.ts";
import type { StrategyOptions } from "./strategies/types.ts";
import type { DeploymentKind, Origin, Plan } from "./types.ts";

/** What runs the team's own commands. A plan names its hooks, so whoever ends a deployment needs `declared` no more. */
export type HookSetup = {
  /** Those that a new plan gets. */
  declared: Hooks;
  runner: HookRunner;
  /**
   * Values of secrets by name; none of them is read anywhere but by the hooks that name it.
   * @throws ShiplockError `secrets/missing`
   */
  secrets: (names: readonly string[]) => Promise<Readonly<Record<string, string>>>;
};

/** What is asked for: which environment, by whom, how, and a choice of what shall be live. */
export type DeploymentRequest = {
  deployment: string;
  kind: DeploymentKind;
  project: string;
  environment: string;
  origin: Origin;
  strategy: StrategyOptions;
  bakeMs: number;
  /** For everything after the lease is held, in milliseconds. */
  timeoutMs: number;
  leaseTtlMs: number;
  /** Wait for another deployment to end instead of giving up. */
  wait: boolean;
  /** Wait for gates instead of leaving the request in the queue to whoever takes it up; as `wait` says, unless given. */
  waitForGates?: boolean;
  /** It stands in the queue since before: where it does not any more, it is over. */
  queued?: true;
  /**
   * What shall be live, once the lease is held and the environment's state is known: a rollback chooses here.
   * @throws ShiplockError to refuse before anything is touched
   */
  choose: (
    state: EnvironmentState,
    previous: ReleaseDocument | null,
  ) => Promise<{ document: ReleaseDocument; notes: readonly string[] }>;
  /** What asked, and who: what gates and queue go by. */
  trigger: Trigger;
  asker: Identity;
  /** Who else has asked for the same before, though not by a request of their own. */
  alsoAsked?: readonly Identity[];
  options: TicketOptions;
  /** How long somebody else has to look at it afterwards where it is an emergency, in milliseconds; a day unless given. */
  reviewWithinMs?: number;
  /** How long it may wait for its gates and its turn, in milliseconds. */
  expiresMs: number;
  /** Asks the gates, on facts as they are now. Called when it is requested, while it waits, and under the lease before it begins. */
  judge: (question: Question) => Promise<Judgement>;
  /** How a commit lies to another one, as far as it is known here; without it, the times of the commits count. */
  relation?: (commits: { commit: string; other: string }) => Promise<CommitRelation>;
  /**
   * The request of somebody whose command is gone, made from its ticket; whoever sees that it is its turn carries it out.
   * @throws ShiplockError when it cannot be carried out from here
   */
  takeUp: (ticket: Ticket) => Promise<DeploymentRequest>;
  /** Values of the secrets a document names; throws when one is missing. */
  secrets: (document: ReleaseDocument) => Promise<Readonly<Record<string, string>>>;
  /**
   * Values that may not be written down as text: those of the documents' secrets as far as they are known here, and the registry's password. Unlike `secrets` it
   * demands nothing, since `abort` needs no value.
   */
  hidden: (documents: readonly ReleaseDocument[]) => Promise<readonly string[]>;
  /** Where there is none, no hook runs. */
  hooks?: HookSetup;
};

/** What the gates are asked about. `moment` is `acting` under the lease, when nothing but the gates stands between the request and its first effect. */
export type Question = {
  moment: "request" | "acting";
  state: EnvironmentState;
  ticket: NewTicket;
  document: ReleaseDocument;
  /** What is live now. */
  previous: ReleaseDocument | null;
};

export type DeploymentEvent =
  | {
      kind: "requested";
      ticket: NewTicket;
      document: ReleaseDocument;
      from: string | null;
      environment: string;
      project: string;
    }
  /** What a gate refused before anything was built; how it ended follows. */
  | {
      kind: "requested-early";
      ticket: NewTicket;
      /** Of the commit. */
      subject: string;
      from: string | null;
      environment: string;
      project: string;
    }
  | { kind: "judged"; deployment: string; moment: Question["moment"]; judgement: Judgement }
  | { kind: "behind"; deployment: string; ticket: Ticket }
  | { kind: "taken-up"; ticket: Ticket }
  /** Somebody's request was carried out and went live, and no watch follows, nor the rollback that a hook wants: the request named by `next` comes at once. */
  | { kind: "unwatched"; deployment: string; release: string; next: string; wantsRollback: string | null }
  | { kind: "passed-over"; ticket: Ticket; reason: string }
  | { kind: "lease-held"; owner: LeaseOwner; host: string; heartbeatAgeMs: number }
  | { kind: "lease-taken"; fence: number; tookOver: LeaseOwner | null }
  | { kind: "planned"; purpose: "run" | "resume" | "abort"; plan: Plan; document: ReleaseDocument }
  /** It began as an emergency: told at once, and somebody else has to look at it. */
  | { kind: "emergency"; review: DueReview; environment: string; project: string }
  /** It began although somebody else holds the environment. */
  | { kind: "hold-taken-over"; deployment: string; hold: Hold; environment: string; project: string }
  /** It began in spite of a freeze. */
  | {
      kind: "freeze-overridden";
      deployment: string;
      release: string;
      by: Identity;
      reason: string;
      environment: string;
      project: string;
    }
  | { kind: "step"; event: StepEvent }
  | { kind: "watch"; deployment: string; release: string; news: WatchNews }
  | { kind: "state"; deployment: string; state: DeploymentState; outcome: string | null };

export type DeploymentPorts = {
  session: TargetSession;
  clock: Clock;
  /** Aborted when the user interrupts. */
  signal: AbortSignal;
  tell: (event: DeploymentEvent) => void;
};

export type DeploymentOutcome = {
  deployment: string;
  state: DeploymentState;
  release: string;
  from: string | null;
  outcome: string;
  /** Why it did not succeed. */
  error: ShiplockError | null;
  environment: string;
  /** Null where it did not begin. */
  plan: Plan | null;
  /** What the gates said last; null for what was begun before. */
  judgement: Judgement | null;
  /** Why it is to be followed by a rollback, although it succeeded: a hook said so. */
  wantsRollback?: string;
};

/** What ending an interrupted deployment needs to know; the rest stands in its plan. */
export type FinishRequest = Pick<
  DeploymentRequest,
  | "environment"
  | "leaseTtlMs"
  | "wait"
  | "timeoutMs"
  | "origin"
  | "secrets"
  | "hidden"
  | "strategy"
  | "deployment"
  | "hooks"
>;
