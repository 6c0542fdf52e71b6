/** Work that is done behind the back of who asked for it, one after another. */
export type Outbox = {
  /** Puts work under a key; what waits under the same key is not done any more, since the later work says more. */
  put(key: string, work: () => Promise<void>): void;
  /** Resolves when nothing is being done. */
  idle(): Promise<void>;
  /**
   * Waits until everything is done; what failed and may work by now is tried once more. It waits for so many milliseconds, and once more for so long where something was done
   * meanwhile: a hundred small things take their time. At most four times in all.
   */
  drain(timeoutMs: number): Promise<void>;
};

const mostWaits = 4;

type Work = { readonly key: string; readonly work: () => Promise<void>; readonly last: boolean };

/**
 * @param options.failed hears why work was not done, once nobody tries it any more
 * @param options.mayPass whether a failure is of a kind that may be over soon
 * @param options.wait resolves after so many milliseconds, or rejects once the signal is aborted
 */
export function createOutbox(options: {
  failed: (error: unknown) => void;
  mayPass: (error: unknown) => boolean;
  wait: (milliseconds: number, signal: AbortSignal) => Promise<void>;
}): Outbox {
  const { failed, mayPass, wait } = options;
  const waiting = new Map<string, Work>();
  const again = new Map<string, Work>();
  let working: Promise<void> | null = null;
  let done = 0;

  function add(one: Work): void {
    waiting.set(one.key, one);
    again.delete(one.key);
    working ??= workOff();
  }

  async function workOff(): Promise<void> {
    // What is told in one go is done in one go.
    await Promise.resolve();
    for (const [key, one] of waiting) {
      waiting.delete(key);
      try {
        await one.work();
        done += 1;
      } catch (error) {
        // What was put under the same key meanwhile says more.
        if (waiting.has(key)) continue;
        if (one.last || !mayPass(error)) failed(error);
        else again.set(key, { ...one, last: true });
      }
    }
    working = null;
  }

  async function idle(): Promise<void> {
    while (working !== null) await working;
  }

  async function everything(): Promise<void> {
    await idle();
    for (const one of again.values()) add(one);
    await idle();
  }

  /** @returns how long it has waited */
  async function patience(timeoutMs: number, signal: AbortSignal): Promise<number> {
    for (let waits = 1; ; waits += 1) {
      const before = done;
      await wait(timeoutMs, signal);
      if (done === before || waits === mostWaits) return waits * timeoutMs;
    }
  }

  return {
    idle,
    put: (key, work) => add({ key, work, last: false }),
    async drain(timeoutMs) {
      const over = new AbortController();
      const late = patience(timeoutMs, over.signal).then(
        (ms) => failed(new Error(`it was not told everything within ${ms / 1000} s`)),
        () => undefined,
      );
      await Promise.race([everything(), late]).finally(() => over.abort());
    },
  };
}
