import { inPlace, recreate } from "./recreate.ts";
import { rolling } from "./rolling.ts";
import type { Strategy, StrategyKind } from "./types.ts";

/** Every strategy there is. A new one is one file and one line here. */
export const strategies = { rolling, recreate, "in-place": inPlace } as const satisfies Record<StrategyKind, Strategy>;
