const MILLISECONDS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const BYTES = {
  B: 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
} as const;

/** Timers of the runtime fire at once beyond 2^31 - 1 milliseconds; 24 days stay below. */
const LONGEST_MILLISECONDS = 24 * MILLISECONDS.d;

export const DURATION_PATTERN = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
export const SIZE_PATTERN = /^\d+(?:\.\d+)?(?:B|[KMGT]i?B)$/;

/**
 * Milliseconds of a duration such as `500ms`, `10s`, `1m30s` or the number 0. `undefined` when it is none, is no whole number of
 * milliseconds, or is longer than 24 days.
 */
export function parseDuration(text: string | 0): number | undefined {
  if (text === 0) return 0;
  if (!DURATION_PATTERN.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)) {
    total += Number(amount) * MILLISECONDS[unit as keyof typeof MILLISECONDS];
  }
  const rounded = Math.round(total);
  if (Math.abs(total - rounded) > 1e-6 || rounded > LONGEST_MILLISECONDS) return undefined;
  return rounded;
}

/** The milliseconds of a duration that the schema has accepted. */
export function milliseconds(duration: string | 0): number {
  const found = parseDuration(duration);
  if (found === undefined) throw new TypeError(`${duration}: no rule has refused this duration`);
  return found;
}

/** Bytes of a size such as `512MB` (1000s) or `512MiB` (1024s). `undefined` when it is none or is no whole number of bytes. */
export function parseSize(text: string): number | undefined {
  if (!SIZE_PATTERN.test(text)) return undefined;
  const unit = text.replace(/^[\d.]+/, "");
  const bytes = Math.round(Number.parseFloat(text) * BYTES[unit as keyof typeof BYTES] * 1e6) / 1e6;
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
