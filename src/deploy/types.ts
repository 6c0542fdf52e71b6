/**
 * The words of a deployment as data. Everything here is serialisable: a plan is written to the environment record before the first
 * effect, so that any machine can resume or abort it.
 */

import type { ChecklistRow } from "../environments/checklist.ts";
import type { Hook, HookPoint } from "./hooks/types.ts";

/** The places of an environment that a release can occupy beside another one. */
export const slots = ["a", "b", "c"] as const;
export type Slot = (typeof slots)[number];

/** `direct` is the place of in-place deployments: the service keeps its own ports, and no proxy stands before it. */
export type Place = Slot | "direct";

/** One replica of a released service in a place; replicas count from 1. */
export type ReplicaRef = { service: string; place: Place; replica: number };

/** A replica's part of a service's traffic; weights are relative whole numbers. */
export type Share = { slot: Slot; replica: number; weight: number };

/** Who answers for each service of an environment on one host. A service without shares is not answered. */
export type Assignment = Readonly<Record<string, readonly Share[]>>;

export type DeploymentKind = "deploy" | "promote" | "rollback" | "preview";

/** Who asked, from where, and why: kept with every record. */
export type Origin = { who: string; from: string; command: string; reason: string | null };

type StepBase = {
  /** Unique in its plan and stable: `host-1/start-1`. */
  id: string;
  /** The host it acts on; null for what concerns the whole environment. */
  host: string | null;
  needs: readonly string[];
  /** One line for a person. */
  title: string;
};

/** What a step does. Each is convergent: it looks first and acts only where something is missing. */
export type StepAction =
  | { kind: "ship-files" }
  | { kind: "pull"; images: readonly string[] }
  | { kind: "backing"; services: readonly string[] }
  | { kind: "proxy"; final: boolean }
  | { kind: "migrate"; service: string; command: readonly string[]; timeoutMs: number }
  | { kind: "create"; replicas: readonly ReplicaRef[] }
  | { kind: "start"; replicas: readonly ReplicaRef[] }
  | { kind: "ready"; replicas: readonly ReplicaRef[] }
  | { kind: "shift"; before: Assignment; after: Assignment }
  | { kind: "drain"; replicas: readonly ReplicaRef[]; deadlineMs: number }
  | { kind: "stop"; replicas: readonly ReplicaRef[] }
  | { kind: "verify"; bakeMs: number }
  | { kind: "commit" }
  | { kind: "publish" }
  | { kind: "retire"; keep: Place | null }
  | { kind: "tidy" }
  | { kind: "hook"; point: HookPoint; hook: Hook }
  | { kind: "close" };

export type StepKind = StepAction["kind"];
export type Step = StepBase & { action: StepAction };

/** The parts of a plan that lie before and after its one commit point. */
export type Plan = {
  version: 1;
  deployment: string;
  kind: DeploymentKind;
  project: string;
  environment: string;
  /** Release that is live when the plan is made; null on the first deployment. */
  from: string | null;
  to: string;
  place: Place;
  /** The place of the live release, which `abort` goes back to. */
  fromPlace: Place | null;
  /** Containers of this release that were kept and fit are started again instead of being made anew. */
  warm: boolean;
  strategy: string;
  homeHost: string;
  hosts: readonly string[];
  /** Hosts of the environment that are down and left as they are; once this plan is committed they are behind. */
  skipped: readonly string[];
  steps: readonly Step[];
  /** Hooks that run when this deployment does not succeed; absent where there are none. */
  afterFailure?: readonly Hook[];
  createdAt: string;
  origin: Origin;
  /** Sentences a person should read before: gaps, routers that take over, what is not touched. */
  notes: readonly string[];
  /** What was ready when it was made, and what was not. Plans of an earlier Shiplock do not say. */
  checklist?: readonly ChecklistRow[];
};

/**
 * What a step observed when it was done; kept in the journal and the ledger. `demands`: what has to follow this deployment; `failed`: it did not do what it should have, and
 * the deployment goes on all the same.
 */
export type Evidence = { acted: boolean; summary: string; demands?: "rollback"; failed?: true };
