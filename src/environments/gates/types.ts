import type { Origins } from "../../checks/reviews.ts";
import type { CommitStatus } from "../../checks/statuses.ts";
import type { GateName, GatePolicy } from "../../config/types-gates.ts";
import type { DeploymentKind } from "../../deploy/types.ts";
import type { Identity } from "../identity.ts";
import type { NewTicket } from "../queue/types.ts";
import type { EnvironmentState } from "../record/types.ts";

/**
 * What a gate says about a deployment: a reason always; for who has to wait until when, if that is known, and on what; for who is not let through what would change that.
 * `skips` marks what is no failure for an automatic deployment: it then ends as skipped. `overridden` marks what passes only because somebody said so.
 */
export type GateDecision =
  | { readonly gate: GateName; readonly answer: "pass"; readonly reason: string; readonly overridden?: true }
  | {
      readonly gate: GateName;
      readonly answer: "wait";
      readonly reason: string;
      readonly until: Date | null;
      readonly on: string;
    }
  | {
      readonly gate: GateName;
      readonly answer: "block";
      readonly reason: string;
      readonly remedy: string;
      readonly skips?: true;
    };

/** How the commit of a request lies to the live one: `older` is an ancestor of it, `newer` a descendant. `unknown` where git does not know one of them. */
export type CommitRelation = "same" | "newer" | "older" | "diverged" | "unknown";

/** What is known of another environment that a release has to have been in before. */
export type EarlierEnvironment =
  | {
      readonly state: EnvironmentState | null;
      /** Ids of releases there that are the same: the same digests, or the same commit with the same inputs where values are baked in. */
      readonly same: readonly string[];
      /** What is wrong with what runs there now; empty where nothing is. */
      readonly ailing: readonly string[];
    }
  | { readonly unreachable: string };

/** What was asked of somebody outside; why it could not be, otherwise. */
export type Told<T> = T | { readonly unreachable: string; readonly remedy?: string };

/** What GitHub says about the commit that shall be deployed; a part is null where nobody has asked, because nothing depends on it. */
export type CodeFacts = {
  readonly statuses: Told<readonly CommitStatus[]> | null;
  /** The newest run of each workflow for this commit. */
  readonly workflows: Told<readonly CommitStatus[]> | null;
  readonly origins: Told<Origins> | null;
};

/** All that the gates are judged by: gathered once for one judgement, so that all of them see the same. */
export type GateFacts = {
  readonly now: Date;
  readonly project: string;
  readonly environment: string;
  readonly kind: DeploymentKind;
  readonly policy: GatePolicy;
  /** What is asked for. It may not stand in the queue yet. */
  readonly request: NewTicket;
  /** Who would act now. */
  readonly actor: Identity;
  readonly state: EnvironmentState;
  readonly relation: CommitRelation;
  readonly earlier: Readonly<Record<string, EarlierEnvironment>>;
  readonly code: CodeFacts;
  /** What runs otherwise than recorded; null where nobody looked, because nothing depends on it. */
  readonly drift: readonly string[] | null;
  /** The working tree is asked for, not a commit. */
  readonly dirty: boolean;
  /** Whether what is live has a migration, and whether what is asked for has one. */
  readonly migrates: { readonly live: boolean; readonly next: boolean };
  /** Answers of gates that were judged where their facts were: checks and scan before anything was built. */
  readonly given: readonly GateDecision[];
};

/** A gate. Pure: of the same facts it says the same. */
export type Gate = { readonly name: GateName; readonly judge: (facts: GateFacts) => GateDecision };

/** What all gates together say. */
export type Judgement = {
  readonly at: string;
  readonly decisions: readonly GateDecision[];
  readonly answer: "pass" | "wait" | "block";
  /** Gates that would have stopped it, had it been no emergency. */
  readonly passedByEmergency: readonly GateDecision[];
};
