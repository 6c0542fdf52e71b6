/** Work that is done behind the back of who asked for it, one after another. */
export type Outbox = {
  /** Puts work under a key; what waits under the same key is not done any more, since the later work says more. */
  put(key: string, work: () => Promise<void>): void;
  /** Resolves when nothing is being done. */
  idle(): Promise<void>;
  /** Waits until everything is done, at most so many milliseconds; what failed and may work by now is tried once more. */
  drain(timeoutMs: number): Promise<void>;
};

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

  return {
    idle,
    put: (key, work) => add({ key, work, last: false }),
    async drain(timeoutMs) {
      const done = new AbortController();
      const late = wait(timeoutMs, done.signal).then(
        () => failed(new Error(`it was not told everything within ${timeoutMs / 1000} s`)),
        () => undefined,
      );
      await Promise.race([everything(), late]).finally(() => done.abort());
    },
  };
}
