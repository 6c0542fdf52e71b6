const weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/** A point of the week as written, `fri 16:00`: weekday from Monday as 1, and minutes from midnight; `undefined` if it is none. */
export function weekTime(written: string): { day: number; minute: number } | undefined {
  const found = /^([a-z]{3})(?:[a-z]*) ([01]\d|2[0-3]):([0-5]\d)$/.exec(written.toLowerCase());
  const day = weekdays.indexOf(found?.[1] ?? "") + 1;
  return found === null || day === 0 ? undefined : { day, minute: Number(found[2]) * 60 + Number(found[3]) };
}

/** Whether this machine knows an IANA time zone of that name. */
export function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat("en", { timeZone: name }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
