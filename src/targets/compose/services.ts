import type { StrategyService } from "../../deploy/strategies/types.ts";
import type { Snapshot } from "../../release/types.ts";

/** The released services as strategies see them. */
export function strategyServices(snapshot: Snapshot): StrategyService[] {
  return snapshot.services.map((service) => ({
    name: service.name,
    replicas: service.replicas,
    takesTraffic: service.port !== null,
    drainMs: service.drainMs,
  }));
}
