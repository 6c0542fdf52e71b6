import { setTimeout as delay } from "node:timers/promises";

/**
 * Time, passed in so that a test can hold it. `wait` resolves after that many milliseconds or rejects with the signal's reason; `elapsed` counts
 * milliseconds on a clock that never jumps.
 */
export type Clock = { now(): Date; elapsed(): number; wait(milliseconds: number, signal?: AbortSignal): Promise<void> };

export const systemClock: Clock = {
  now: () => new Date(),
  elapsed: () => performance.now(),
  wait: async (milliseconds, signal) => {
    await delay(milliseconds, undefined, signal === undefined ? {} : { signal });
  },
};

/**
 * Looks again and again until `look` answers something, at most `timeoutMs`.
 * @returns the answer, or null when the time is over
 * @throws what `look` throws, and the reason of `signal`
 */
export async function waitFor<T>(
  clock: Clock,
  options: { timeoutMs: number; intervalMs: number; signal?: AbortSignal },
  look: () => Promise<T | null>,
): Promise<T | null> {
  const end = clock.elapsed() + options.timeoutMs;
  for (;;) {
    options.signal?.throwIfAborted();
    const answer = await look();
    if (answer !== null) return answer;
    const left = end - clock.elapsed();
    if (left <= 0) return null;
    await clock.wait(Math.min(options.intervalMs, left), options.signal);
  }
}
