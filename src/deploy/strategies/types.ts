import type { Assignment, Place, ReplicaRef, StepAction } from "../types.ts";

/** A number of replicas or hosts, or a share of them in per cent. */
export type Amount = { count: number } | { percent: number };

export type StrategyOptions =
  | { kind: "rolling"; maxSurge: Amount; maxUnavailable: Amount; batch: Amount; parallel: number }
  | { kind: "recreate"; batch: Amount; parallel: number }
  | { kind: "in-place"; batch: Amount; parallel: number };

export type StrategyKind = StrategyOptions["kind"];

export type StrategyService = {
  name: string;
  /** Replicas per host. */
  replicas: number;
  /** Whether the proxy sends it requests. A worker is released with the others but takes no traffic. */
  takesTraffic: boolean;
  /** Longest time to wait for its requests in flight, in milliseconds. */
  drainMs: number;
};

/** What a strategy knows of one host: what runs there now and what shall run. */
export type StrategyFacts = {
  place: Place;
  services: readonly StrategyService[];
  /** The live release on this host; null where nothing is live yet. */
  live: { place: Place; services: readonly StrategyService[] } | null;
  /** What answers on this host now. */
  assignment: Assignment;
};

/** `name` is the step's part of its id; the action's kind unless given. */
export type DraftStep = { action: StepAction; title: string; name?: string };

/**
 * A strategy: a pure function from "what runs now, what shall run" on one host to the steps that lead there, in order.
 * The first steps may rely on the release's containers being created (not started) in `place`; after the last one all traffic of the host
 * is on the new release. The steps before the plan's commit point must each be undoable.
 */
export type Strategy = {
  kind: StrategyKind;
  /** Whether the proxy carries the release's traffic, or the service's own published ports. */
  proxied: boolean;
  /** Whether old replicas still run at the commit point; what they are answering is then waited for after it. */
  keepsOld: boolean;
  /** Steps for one host. */
  steps(facts: StrategyFacts, options: StrategyOptions): DraftStep[];
  /** A sentence on the gap its user has to expect; null where no request is lost. */
  gap(options: StrategyOptions): string | null;
};

/** Every replica of every service in a place. */
export function replicasOf(place: Place, services: readonly StrategyService[]): ReplicaRef[] {
  return services.flatMap((service) =>
    Array.from({ length: service.replicas }, (_, index) => ({ service: service.name, place, replica: index + 1 })),
  );
}

/** An amount of a total, at least `atLeast`; per cents are rounded up unless another rounding is given. */
export function amountOf(
  amount: Amount,
  total: number,
  atLeast = 0,
  round: (value: number) => number = Math.ceil,
): number {
  const value = "count" in amount ? amount.count : round((amount.percent * total) / 100);
  return Math.max(atLeast, Math.min(value, Number.MAX_SAFE_INTEGER));
}

/**
 * What stays assigned although the new release does not have it: services of the live release go on answering until the commit point. What is in neither release has
 * nobody left to answer.
 */
export function keptShares(facts: StrategyFacts): [string, Assignment[string]][] {
  const has = (services: readonly StrategyService[], name: string): boolean =>
    services.some((service) => service.name === name);
  return Object.entries(facts.assignment).filter(
    ([name]) => !has(facts.services, name) && has(facts.live?.services ?? [], name),
  );
}

/** Lets replicas finish what they are answering, no longer than the longest of their services may take; null where none takes traffic. */
export function drainStep(leaving: readonly ReplicaRef[], services: readonly StrategyService[]): DraftStep | null {
  const serving = new Map(
    services.filter((service) => service.takesTraffic).map((service) => [service.name, service.drainMs]),
  );
  const replicas = leaving.filter((replica) => serving.has(replica.service));
  if (replicas.length === 0) return null;
  const deadlineMs = Math.max(...replicas.map((replica) => serving.get(replica.service) ?? 0));
  return {
    action: { kind: "drain", replicas, deadlineMs },
    title: `let ${describe(replicas)} finish what they are answering`,
  };
}

/** `web 1-2, api 1`: replicas for a person. */
export function describe(replicas: readonly ReplicaRef[]): string {
  const byService = new Map<string, number[]>();
  for (const { service, replica } of replicas) byService.set(service, [...(byService.get(service) ?? []), replica]);
  return [...byService]
    .map(([service, numbers]) =>
      numbers.length === 1 ? `${service} ${numbers[0]}` : `${service} ${numbers[0]}-${numbers.at(-1)}`,
    )
    .join(", ");
}
