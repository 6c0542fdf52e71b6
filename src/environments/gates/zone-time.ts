/**
 * A wall clock: what a clock in a time zone shows at a moment, as the milliseconds that its date and time would be in UTC. So days and weeks can be counted with, and
 * only `moments` knows of daylight saving.
 */
export type WallClock = {
  /** What it shows at a moment (milliseconds since 1970). */
  shown(moment: number): number;
  /**
   * The moments at which it shows this: twice the same one mostly. Where clocks are put back a time comes twice: the first and the last. Where they are put forward past it, the
   * moment at which that happens.
   */
  moments(shown: number): { readonly first: number; readonly last: number };
};

const day = 86_400_000;
const second = 1_000;

/** @param zone IANA name: `Europe/Berlin` */
export function wallClockOf(zone: string): WallClock {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone: zone,
    ...{ calendar: "gregory", numberingSystem: "latn", hourCycle: "h23" },
    ...{ era: "short", year: "numeric", month: "numeric", day: "numeric" },
    ...{ hour: "numeric", minute: "numeric", second: "numeric" },
  });

  function shown(moment: number): number {
    const parts = new Map(format.formatToParts(moment).map(({ type, value }) => [type, value]));
    const of = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
    const year = parts.get("era") === "BC" ? 1 - of("year") : of("year");
    const whole = Date.UTC(year, of("month") - 1, of("day"), of("hour"), of("minute"), of("second"));
    return whole + (((moment % second) + second) % second);
  }

  return {
    shown,
    moments: (wanted) => {
      // No zone changes its clocks twice within two days.
      const before = shown(wanted - day) - (wanted - day);
      const after = shown(wanted + day) - (wanted + day);
      const found = [...new Set([wanted - before, wanted - after])].filter((moment) => shown(moment) === wanted);
      if (found.length > 0) return { first: Math.min(...found), last: Math.max(...found) };
      const jump = firstWhere(wanted - after, wanted - before, (moment) => shown(moment) - moment === after);
      return { first: jump, last: jump };
    },
  };
}

/** The first moment of a range from which something holds that holds at its end, to the second. */
function firstWhere(from: number, until: number, holds: (moment: number) => boolean): number {
  let [low, high] = [Math.floor(from / second), Math.ceil(until / second)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle * second)) high = middle;
    else low = middle + 1;
  }
  return low * second;
}
