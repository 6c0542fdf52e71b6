import type { Snapshot } from "../../release/types.ts";
import type { StrategyService } from "./types.ts";

/** The released services of a snapshot as strategies see them. */
export function strategyServices(snapshot: Snapshot): StrategyService[] {
  return snapshot.services.map((service) => ({
    name: service.name,
    replicas: service.replicas,
    takesTraffic: service.port !== null,
    drainMs: service.drainMs,
  }));
}
