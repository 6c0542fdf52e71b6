import type { SimulatorClock } from "../types.ts";

export type RateLimit = { limit: number; remaining: number; resetAt: Date };

/** Why a request is refused for having been asked too often, with what GitHub puts into the headers. */
export type LimitRefusal = {
  readonly status: 403 | 429;
  readonly message: string;
  readonly headers: Readonly<Record<string, string>>;
};

export type Limits = {
  /** Counts a request of a token; null where it is allowed. */
  take(token: string): LimitRefusal | null;
  /** What stands in the headers of every answer. */
  headers(token: string): Readonly<Record<string, string>>;
  current(token: string): RateLimit;
  /** Sets how many requests are left for every token, and when they come back (in an hour unless told). */
  setRemaining(remaining: number, resetAt?: Date): void;
  /** The next `times` requests meet the secondary limit. Null: without a `retry-after`. */
  refuseNext(times: number, retryAfterSeconds: number | null): void;
};

const perHour = 5000;
const hourMs = 3_600_000;

/** GitHub's limits: the primary one counts per token and hour, the secondary one is a mood. */
export function createLimits(clock: SimulatorClock): Limits {
  const tokens = new Map<string, RateLimit>();
  let refusing = { times: 0, retryAfterSeconds: null as number | null };
  let start: { remaining: number; resetAt: Date } | null = null;
  return { take, headers, current, setRemaining, refuseNext };

  function take(token: string): LimitRefusal | null {
    if (refusing.times > 0) {
      refusing.times -= 1;
      const { retryAfterSeconds } = refusing;
      return {
        status: 403,
        message: "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.",
        headers: retryAfterSeconds === null ? {} : { "retry-after": String(retryAfterSeconds) },
      };
    }
    const limit = current(token);
    if (limit.remaining <= 0) return { status: 403, message: "API rate limit exceeded for installation.", headers: {} };
    limit.remaining -= 1;
    return null;
  }

  function current(token: string): RateLimit {
    const now = clock.now().getTime();
    const known = tokens.get(token);
    if (known !== undefined && known.resetAt.getTime() > now) return known;
    const fresh = { remaining: perHour, resetAt: new Date(now + hourMs) };
    const told = start !== null && start.resetAt.getTime() > now ? start : fresh;
    const limit = { limit: perHour, ...told };
    tokens.set(token, limit);
    return limit;
  }

  function headers(token: string): Readonly<Record<string, string>> {
    const { limit, remaining, resetAt } = current(token);
    return {
      "x-ratelimit-limit": String(limit),
      "x-ratelimit-remaining": String(remaining),
      "x-ratelimit-used": String(limit - remaining),
      "x-ratelimit-reset": String(Math.ceil(resetAt.getTime() / 1000)),
      "x-ratelimit-resource": "core",
    };
  }

  function setRemaining(remaining: number, resetAt = new Date(clock.now().getTime() + hourMs)): void {
    start = { remaining, resetAt };
    tokens.clear();
  }

  function refuseNext(times: number, retryAfterSeconds: number | null): void {
    refusing = { times, retryAfterSeconds };
  }
}
