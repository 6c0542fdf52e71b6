/** So many at the same moment and no more; whoever comes later waits in the order of coming. */
export type Places = { take<T>(work: () => Promise<T>): Promise<T> };

/** @param count how many may work at the same moment, at least 1 */
export function createPlaces(count: number): Places {
  let free = Math.max(1, count);
  const waiting: (() => void)[] = [];

  async function enter(): Promise<void> {
    if (free > 0) {
      free -= 1;
      return;
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  }

  function leave(): void {
    const next = waiting.shift();
    // A place that somebody waits for is handed on, so that nobody comes in between.
    if (next === undefined) free += 1;
    else next();
  }

  return {
    take: async (work) => {
      await enter();
      try {
        return await work();
      } finally {
        leave();
      }
    },
  };
}

/**
 * Does the same with each of several things, side by side. The first that fails aborts the signal that the others were given; when all have ended, its error is thrown.
 * @returns the results in the order of the things
 */
export async function allOrNone<T, R>(
  things: readonly T[],
  signal: AbortSignal,
  work: (thing: T, signal: AbortSignal) => Promise<R>,
): Promise<R[]> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const failures: unknown[] = [];
  const results = await Promise.all(
    things.map(async (thing) => {
      try {
        either.throwIfAborted();
        return await work(thing, either);
      } catch (error) {
        failures.push(error);
        ended.abort(error);
        return null;
      }
    }),
  );
  if (failures.length > 0) throw failures[0];
  return results as R[];
}
