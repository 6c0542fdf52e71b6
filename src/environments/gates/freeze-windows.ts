import type { FreezeWindow } from "../../config/types-gates.ts";
import { type WallClock, wallClockOf } from "./zone-time.ts";

/** A time in which nothing is deployed, from a moment up to, and without, another (milliseconds since 1970). */
type Span = { readonly from: number; readonly until: number; readonly window: FreezeWindow };

/** Why and until when nothing is deployed. `until` is null where windows follow each other for longer than anybody looks ahead. */
export type Frozen = { readonly window: FreezeWindow; readonly until: number | null; readonly lastZone: string };

const minute = 60_000;
const day = 24 * 60 * minute;
const week = 7 * day;
/** Windows that follow each other for longer than this are said to have no end. */
const lookAhead = 366 * day;

/**
 * The freeze at a moment, or null. Windows that overlap or adjoin are one freeze, so its end is a moment at which something can be deployed.
 *
 * A window begins with the first moment at which the clock of its zone shows its beginning, and ends with the last at which it shows its end: an hour that comes twice is in
 * it twice, and one that is left out neither moves nor prolongs it.
 */
export function frozenAt(windows: readonly FreezeWindow[], now: number): Frozen | null {
  const clocks = new Map(windows.map(({ zone }) => [zone, wallClockOf(zone)]));
  const spansAt = (moment: number): Span[] =>
    windows
      .flatMap((window) => spansAround(window, clocks.get(window.zone) ?? wallClockOf(window.zone), moment))
      .filter(({ from, until }) => from <= moment && moment < until);
  const [first] = spansAt(now);
  if (first === undefined) return null;
  let end = now;
  let last = first.window.zone;
  for (let spans = spansAt(end); spans.length > 0; spans = spansAt(end)) {
    const longest = spans.reduce((left, right) => (right.until > left.until ? right : left));
    if (longest.until - now > lookAhead && longest.window.kind === "weekly")
      return { window: first.window, until: null, lastZone: last };
    end = longest.until;
    last = longest.window.zone;
  }
  return { window: first.window, until: end, lastZone: last };
}

function spansAround(window: FreezeWindow, clock: WallClock, moment: number): Span[] {
  if (window.kind === "dates")
    return [spanOf(window, clock, Date.parse(`${window.from}Z`), Date.parse(`${window.until}Z`))];
  const shown = clock.shown(moment);
  const monday = Math.floor(shown / day) * day - ((new Date(shown).getUTCDay() + 6) % 7) * day;
  const from = pointOf(window.from);
  const until = pointOf(window.until);
  const length = until > from ? until - from : until - from + week;
  // One that began last week may reach into this one, and one that begins with the next week may, by its clock, have begun.
  return [-1, 0, 1].map((weeks) => {
    const begin = monday + weeks * week + from;
    return spanOf(window, clock, begin, begin + length);
  });
}

function pointOf({ day: weekday, minute: minutes }: { readonly day: number; readonly minute: number }): number {
  return (weekday - 1) * day + minutes * minute;
}

function spanOf(window: FreezeWindow, clock: WallClock, from: number, until: number): Span {
  return { window, from: clock.moments(from).first, until: clock.moments(until).last };
}
