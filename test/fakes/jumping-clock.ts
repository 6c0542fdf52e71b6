import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../src/clock.ts";

export type JumpingClock = Clock & { milliseconds: number };

/** A clock that stands still until somebody waits, and is then where the waiting ends. Waiting lets everything else have its turn. */
export function jumpingClock(startMs = Date.parse("2026-11-20T10:00:00Z")): JumpingClock {
  const clock: JumpingClock = {
    milliseconds: startMs,
    now: () => new Date(clock.milliseconds),
    elapsed: () => clock.milliseconds,
    wait: async (milliseconds, signal) => {
      signal?.throwIfAborted();
      const until = clock.milliseconds + milliseconds;
      await nextTurn();
      signal?.throwIfAborted();
      clock.milliseconds = Math.max(clock.milliseconds, until);
    },
  };
  return clock;
}
