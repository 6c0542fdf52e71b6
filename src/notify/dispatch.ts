import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { chooseNotifiers } from "./choose.ts";
import { maskedNotice } from "./masked.ts";
import type { Delivery, Notice, Notifier, NoticeRule } from "./types.ts";
import { headline } from "./words.ts";

/** What became of one notice at one notifier, for the record. */
export type Told = { notice: Notice; notifier: string; at: Date; durationMs: number; delivery: Delivery };

export type Dispatch = {
  /** Puts a notice in line for everybody who wants it, and returns at once. */
  tell(notice: Notice, options?: { onlyNamed?: boolean }): void;
  /**
   * Waits until everything has been told, at most so many milliseconds; then it gives up on the rest. May be called again.
   * @returns what became of everything that was told, in the order in which it ended
   */
  flush(withinMs: number): Promise<readonly Told[]>;
};

export type DispatchOptions = {
  rules: readonly NoticeRule[];
  clock: Clock;
  mask: (text: string) => string;
  /** Keeps what became of a notice; a record that cannot be written is no concern of whoever deploys. */
  record: (told: Told) => Promise<void>;
  /** Says what could not be told, in one line; called once for each notifier. */
  warn: (line: string) => void;
};

/** A notifier that does not keep to its signal is left behind after this. */
const graceMs = 1_000;

/**
 * Tells notices beside whatever is going on: each notifier hears them in their order, none waits for another, and nothing that goes wrong here reaches who tells.
 */
export function openDispatch(options: DispatchOptions): Dispatch {
  const { rules, clock, mask, record, warn } = options;
  const stop = new AbortController();
  const lines = new Map<Notifier, Promise<void>>();
  const warned = new Set<Notifier>();
  const told: Told[] = [];

  async function deliver(notifier: Notifier, notice: Notice): Promise<void> {
    const at = clock.now();
    const began = clock.elapsed();
    const delivery = masked(stop.signal.aborted ? tooLate : await attempt(notifier, notice, stop.signal), mask);
    const entry: Told = { notice, notifier: notifier.name, at, durationMs: clock.elapsed() - began, delivery };
    told.push(entry);
    if (delivery.status === "failed" && !warned.has(notifier)) {
      warned.add(notifier);
      warn(failureLine(entry, delivery));
    }
    await record(entry);
  }

  async function everythingTold(): Promise<void> {
    await Promise.all(lines.values());
  }

  return {
    tell: (notice, { onlyNamed = false } = {}) => {
      const safe = maskedNotice(notice, mask);
      for (const notifier of chooseNotifiers(rules, safe, onlyNamed)) {
        const before = lines.get(notifier) ?? Promise.resolve();
        lines.set(
          notifier,
          before.then(() => deliver(notifier, safe)),
        );
      }
    },
    flush: async (withinMs) => {
      if (await within(clock, withinMs, everythingTold())) return told;
      stop.abort(new DOMException("time is over", "TimeoutError"));
      await within(clock, graceMs, everythingTold());
      return told;
    },
  };
}

const tooLate: Delivery = {
  status: "failed",
  tries: 0,
  detail: "time was over before its turn came",
  remedy: null,
  remember: null,
};

async function attempt(notifier: Notifier, notice: Notice, signal: AbortSignal): Promise<Delivery> {
  try {
    return await notifier.tell(notice, signal);
  } catch (error) {
    return { status: "failed", tries: 1, detail: messageOf(error), remedy: null, remember: null };
  }
}

function masked(delivery: Delivery, mask: (text: string) => string): Delivery {
  return { ...delivery, detail: mask(delivery.detail) };
}

/** What a person hears of a notice that did not arrive. */
export function failureLine(
  { notifier, notice }: Pick<Told, "notifier" | "notice">,
  { detail, remedy }: Extract<Delivery, { status: "failed" }>,
): string {
  return `${notifier} was not told that ${headline(notice)}: ${detail}${remedy === null ? "" : `; ${remedy}`}`;
}

/** @returns whether the work ended in this time; it goes on if not */
async function within(clock: Clock, milliseconds: number, work: Promise<void>): Promise<boolean> {
  const waiting = new AbortController();
  const timeIsOver = clock.wait(milliseconds, waiting.signal).then(
    () => false,
    () => true,
  );
  const ended = await Promise.race([work.then(() => true), timeIsOver]);
  waiting.abort();
  return ended;
}
