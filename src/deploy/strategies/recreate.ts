import type { Assignment, Slot } from "../types.ts";
import type { DraftStep, Strategy, StrategyFacts, StrategyOptions } from "./types.ts";
import { describe, keptShares, replicasOf } from "./types.ts";

/**
 * The old release stops before the new one starts, for machines that cannot hold both or applications that must not run twice. Images are
 * pulled and containers created before anything stops; the stopped containers stay, so going back is starting them again.
 */
export const recreate: Strategy = {
  kind: "recreate",
  proxied: true,
  keepsOld: false,
  gap: () =>
    "recreate: nothing answers between the stop of the old release and the first healthy answer of the new one",
  steps: (facts, _options: StrategyOptions) => [...replaceSteps(facts), ...switchSteps(facts)],
};

/**
 * The smallest set-up: no proxy, the service's own published ports. `.env` is updated, the image pulled, the container replaced
 * and verified.
 */
export const inPlace: Strategy = {
  kind: "in-place",
  proxied: false,
  keepsOld: false,
  gap: () => "in-place: nothing answers between the stop of the old container and the first answer of the new one",
  steps: (facts) => replaceSteps(facts),
};

function replaceSteps(facts: StrategyFacts): DraftStep[] {
  const old = facts.live === null ? [] : replicasOf(facts.live.place, facts.live.services);
  const fresh = replicasOf(facts.place, facts.services);
  const steps: DraftStep[] = [];
  if (old.length > 0) steps.push({ action: { kind: "stop", replicas: old }, title: `stop ${describe(old)}` });
  // A container that keeps its own name can be made only after the old one has been set aside by `stop`.
  if (facts.place === "direct")
    steps.push({ action: { kind: "create", replicas: fresh }, title: `create ${describe(fresh)}` });
  steps.push({ action: { kind: "start", replicas: fresh }, title: `start ${describe(fresh)}` });
  steps.push({ action: { kind: "ready", replicas: fresh }, title: `wait until ${describe(fresh)} answer healthily` });
  return steps;
}

function switchSteps(facts: StrategyFacts): DraftStep[] {
  const fresh = facts.services
    .filter((service) => service.takesTraffic)
    .map(
      (service) =>
        [
          service.name,
          Array.from({ length: service.replicas }, (_, index) => ({
            slot: facts.place as Slot,
            replica: index + 1,
            weight: 1,
          })),
        ] as const,
    );
  const after: Assignment = Object.fromEntries(
    [...keptShares(facts), ...fresh].sort(([left], [right]) => (left < right ? -1 : 1)),
  );
  if (JSON.stringify(after) === JSON.stringify(facts.assignment)) return [];
  return [
    { action: { kind: "shift", before: facts.assignment, after }, title: `move all traffic to slot ${facts.place}` },
  ];
}
