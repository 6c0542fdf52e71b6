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
  /** What was not told yet; in order. */
  const open = new Set<Open>();

  async function deliver(one: Open): Promise<void> {
    const begun = { at: clock.now(), elapsed: clock.elapsed() };
    one.begun = begun;
    await ended(one, stop.signal.aborted ? tooLate : await attempt(one.notifier, one.notice, stop.signal));
  }

  async function ended(one: Open, delivery: Delivery): Promise<void> {
    // Who was left behind may end after all, and was told of already.
    if (!open.delete(one)) return;
    const { notifier, notice, begun } = one;
    const entry: Told = {
      notice,
      notifier: notifier.name,
      at: begun?.at ?? clock.now(),
      durationMs: begun === null ? 0 : clock.elapsed() - begun.elapsed,
      delivery: masked(delivery, mask),
    };
    told.push(entry);
    if (entry.delivery.status === "failed" && !warned.has(notifier)) {
      warned.add(notifier);
      warn(failureLine(entry, entry.delivery));
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
        const one: Open = { notifier, notice: safe, begun: null };
        open.add(one);
        lines.set(
          notifier,
          before.then(() => deliver(one)),
        );
      }
    },
    flush: async (withinMs) => {
      if (await within(clock, withinMs, everythingTold())) return told;
      stop.abort(new DOMException("time is over", "TimeoutError"));
      if (await within(clock, graceMs, everythingTold())) return told;
      for (const one of [...open]) await ended(one, one.begun === null ? tooLate : leftBehind);
      return told;
    },
  };
}

/** A notice on its way; `begun` is null until its turn comes. */
type Open = { notifier: Notifier; notice: Notice; begun: { at: Date; elapsed: number } | null };

const leftBehind: Delivery = {
  status: "failed",
  tries: 1,
  detail: "it had not ended when time was over",
  remedy: null,
  remember: null,
};

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
