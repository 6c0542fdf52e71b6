import type { Assignment, Place, ReplicaRef, Share, Slot } from "../types.ts";
import type { DraftStep, Strategy, StrategyFacts, StrategyOptions, StrategyService } from "./types.ts";
import { amountOf, describe, drainStep, keptShares } from "./types.ts";

/**
 * New replicas come up beside the old ones, as many at a time as `maxSurge` allows; traffic follows in proportion to the replicas that are
 * ready, and an old replica is stopped only when it has nothing left to answer. With the default surge there is one wave: all new replicas
 * start, all traffic moves in one switch, and the old release stays up until the deployment is verified.
 */
export const rolling: Strategy = {
  kind: "rolling",
  proxied: true,
  keepsOld: true,
  gap: () => null,
  steps: rollingSteps,
};

type Progress = {
  service: StrategyService;
  oldTotal: number;
  surge: number;
  unavailable: number;
  started: number;
  stopped: number;
};

function rollingSteps(facts: StrategyFacts, options: StrategyOptions): DraftStep[] {
  if (options.kind !== "rolling") throw new Error(`rolling was given the options of ${options.kind}`);
  const progress = facts.services.map((service) => progressOf(service, facts, options));
  const steps: DraftStep[] = [];
  let assignment = facts.assignment;
  while (progress.some((entry) => entry.started < entry.service.replicas)) {
    const freed = progress.flatMap((entry) => freeRoom(entry, facts.live?.place ?? null));
    if (freed.length > 0) {
      const before = assignment;
      assignment = assignmentAfter(progress, facts);
      steps.push(...leaveSteps(freed, before, assignment, facts));
    }
    const started = progress.flatMap((entry) => startNext(entry, facts.place));
    const stopping = progress.flatMap((entry) => stopNext(entry, facts.live?.place ?? null));
    const after = assignmentAfter(progress, facts);
    steps.push({ action: { kind: "start", replicas: started }, title: `start ${describe(started)}` });
    steps.push({
      action: { kind: "ready", replicas: started },
      title: `wait until ${describe(started)} answer healthily`,
    });
    if (JSON.stringify(after) !== JSON.stringify(assignment)) {
      steps.push({ action: { kind: "shift", before: assignment, after }, title: shiftTitle(after, facts.place) });
      assignment = after;
    }
    // In the last wave the old replicas stay, draining, until after the commit point: going back is one switch, and nobody waits for a WebSocket to end.
    if (stopping.length > 0 && progress.some((entry) => entry.started < entry.service.replicas)) {
      steps.push(...stopSteps(stopping, facts));
    }
  }
  return steps;
}

function progressOf(
  service: StrategyService,
  facts: StrategyFacts,
  options: Extract<StrategyOptions, { kind: "rolling" }>,
): Progress {
  const oldTotal = facts.live?.services.find((candidate) => candidate.name === service.name)?.replicas ?? 0;
  // Rounded down, so that a share never takes away more than it says; rounded up, a quarter of two would be half.
  const unavailable = amountOf(options.maxUnavailable, service.replicas, 0, Math.floor);
  const surge = amountOf(options.maxSurge, service.replicas, unavailable === 0 ? 1 : 0);
  return { service, oldTotal, surge, unavailable, started: 0, stopped: 0 };
}

/** Takes old replicas out first where `maxSurge: 0` leaves no room for a new one beside them. */
function freeRoom(entry: Progress, place: Place | null): ReplicaRef[] {
  if (place === null || entry.started === entry.service.replicas || roomOf(entry) > 0) return [];
  return takeOld(entry, place, Math.min(Math.max(1, entry.unavailable), entry.oldTotal - entry.stopped));
}

function roomOf(entry: Progress): number {
  return (
    Math.max(entry.service.replicas, entry.oldTotal) + entry.surge - entry.started - (entry.oldTotal - entry.stopped)
  );
}

/** The replicas this wave starts: as many as fit above the wanted number; always at least one, so that every wave gets further. */
function startNext(entry: Progress, place: Place): ReplicaRef[] {
  const count = Math.min(entry.service.replicas - entry.started, Math.max(roomOf(entry), 1));
  const replicas = Array.from({ length: count }, (_, index) => ({
    service: entry.service.name,
    place,
    replica: entry.started + index + 1,
  }));
  entry.started += count;
  return replicas;
}

/** The old replicas this wave may stop without going below the wanted number less `maxUnavailable`. */
function stopNext(entry: Progress, place: Place | null): ReplicaRef[] {
  if (place === null || entry.started === entry.service.replicas) return [];
  const needed = Math.max(entry.service.replicas, entry.oldTotal) - entry.unavailable;
  const available = entry.started + entry.oldTotal - entry.stopped;
  return takeOld(entry, place, Math.max(0, Math.min(available - needed, entry.oldTotal - entry.stopped)));
}

function takeOld(entry: Progress, place: Place, count: number): ReplicaRef[] {
  const replicas = Array.from({ length: count }, (_, index) => ({
    service: entry.service.name,
    place,
    replica: entry.stopped + index + 1,
  }));
  entry.stopped += count;
  return replicas;
}

/** Moves traffic off replicas, waits until they are idle, and stops them. */
function leaveSteps(
  leaving: readonly ReplicaRef[],
  before: Assignment,
  after: Assignment,
  facts: StrategyFacts,
): DraftStep[] {
  const shift: DraftStep = { action: { kind: "shift", before, after }, title: shiftTitle(after, facts.place) };
  return [...(JSON.stringify(before) === JSON.stringify(after) ? [] : [shift]), ...stopSteps(leaving, facts)];
}

function stopSteps(leaving: readonly ReplicaRef[], facts: StrategyFacts): DraftStep[] {
  const drain = drainStep(leaving, facts.live?.services ?? []);
  const stop: DraftStep = { action: { kind: "stop", replicas: leaving }, title: `stop ${describe(leaving)}` };
  return drain === null ? [stop] : [drain, stop];
}

function assignmentAfter(progress: readonly Progress[], facts: StrategyFacts): Assignment {
  const entries = progress
    .filter((entry) => entry.service.takesTraffic)
    .map((entry) => [entry.service.name, sharesOf(entry, facts)] as const);
  return Object.fromEntries([...entries, ...keptShares(facts)].sort(([left], [right]) => (left < right ? -1 : 1)));
}

function sharesOf(entry: Progress, facts: StrategyFacts): Share[] {
  const fresh = shareRange(facts.place as Slot, 1, entry.started);
  if (entry.started === entry.service.replicas || facts.live === null || facts.live.place === "direct") return fresh;
  return [...shareRange(facts.live.place, entry.stopped + 1, entry.oldTotal), ...fresh];
}

function shareRange(slot: Slot, first: number, last: number): Share[] {
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => ({
    slot,
    replica: first + index,
    weight: 1,
  }));
}

function shiftTitle(assignment: Assignment, place: Place): string {
  const parts = Object.entries(assignment).map(([service, shares]) => {
    const total = shares.reduce((sum, share) => sum + share.weight, 0);
    const fresh = shares.filter((share) => share.slot === place).reduce((sum, share) => sum + share.weight, 0);
    return `${service} ${total === 0 ? 0 : Math.round((100 * fresh) / total)} %`;
  });
  return `move traffic to slot ${place}: ${parts.join(", ")}`;
}
