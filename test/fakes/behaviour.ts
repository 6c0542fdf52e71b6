import type { FakeContainer } from "../../src/hosts/fake-engine-state.ts";
import { label } from "../../src/targets/compose/layout.ts";
import type { World } from "./world.ts";

/** What the containers of a release do; by default they boot and then answer healthily. */
export type Behaviour = {
  /** Answers 500 on its health path for ever. */
  unhealthy?: boolean;
  exitsAtOnce?: boolean;
  /** Exit code of its migration. */
  migration?: number;
  /** What its migration prints, and its health command, which then fails. */
  prints?: string;
  /** The smoke test meets something else. */
  smokeFails?: boolean;
};

export function behaviourOf(world: World, container: FakeContainer): Behaviour {
  return world.behaviours.get(container.labels[label.release] ?? "") ?? {};
}
