import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../../src/clock.ts";

/** Where processes play: every call of the outside world waits until it is let through, one at a time, and time passes only when nobody has anything else to do. */
export type Stage = {
  readonly clock: Clock;
  milliseconds(): number;
  /** Lets time pass at once. */
  pass(milliseconds: number): void;
  /** Waits to be let through. */
  turn(): Promise<void>;
  /** Lets calls through, and time pass, until nobody waits for either, or until `enough` says so. */
  play(enough?: () => boolean): Promise<void>;
};

type Timer = { at: number; fire: () => void };

/** @param pick chooses who of so many is let through next */
export function createStage(pick: (count: number) => number, startMs = Date.parse("2026-11-20T10:00:00Z")): Stage {
  let now = startMs;
  const calls: (() => void)[] = [];
  const timers = new Set<Timer>();

  async function wait(milliseconds: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    return new Promise((resolve, reject) => {
      const interrupted = (): void => {
        timers.delete(timer);
        reject(signal?.reason as Error);
      };
      const fire = (): void => {
        signal?.removeEventListener("abort", interrupted);
        resolve();
      };
      const timer = { at: now + milliseconds, fire };
      timers.add(timer);
      signal?.addEventListener("abort", interrupted);
    });
  }

  async function play(enough: () => boolean = () => false): Promise<void> {
    for (;;) {
      await nextTurn();
      if (enough()) return;
      const [call] = calls.splice(pick(calls.length), 1);
      if (call !== undefined) {
        call();
        continue;
      }
      const [first] = [...timers].toSorted((left, right) => left.at - right.at);
      if (first === undefined) return;
      timers.delete(first);
      now = Math.max(now, first.at);
      first.fire();
    }
  }

  return {
    clock: { now: () => new Date(now), elapsed: () => now, wait },
    milliseconds: () => now,
    pass: (milliseconds) => {
      now += milliseconds;
    },
    turn: () => new Promise((resolve) => void calls.push(resolve)),
    play,
  };
}
