import { hostLostError } from "./host-errors.ts";
import type { LeaseAnswer, LeaseOwner, LeaseRequest, LeaseState } from "./types.ts";

/** One connection as its leases see it. */
export type FakeSession = {
  host: string;
  isGone(): boolean;
  /** When it last sent a heartbeat, in milliseconds of the clock: now, unless it was frozen. */
  lastBeat(): number;
  /** What a take-over does to it; false if it cannot be ended. */
  end(): boolean;
};

type Holding = { session: FakeSession; owner: LeaseOwner; ttlMs: number; fence: number };

/** The leases of one host's folders; they survive the connections. */
export type FakeLeases = {
  take(session: FakeSession, folder: string, request: LeaseRequest): LeaseAnswer;
  inspect(folder: string): LeaseState;
};

/**
 * The rules of the lease in memory: exclusive, expiring by the clock, fenced; taking over ends the session before.
 *
 * @param now milliseconds of the host's clock
 */
export function createFakeLeases(now: () => number): FakeLeases {
  const fences = new Map<string, number>();
  const holdings = new Map<string, Holding>();
  const abandoned = new Map<string, LeaseOwner>();

  /** Who holds it; a session that is gone has let go, and its owner is remembered. */
  function holderOf(folder: string): Holding | undefined {
    const holding = holdings.get(folder);
    if (holding === undefined || !holding.session.isGone()) return holding;
    holdings.delete(folder);
    abandoned.set(folder, holding.owner);
    return undefined;
  }

  function ageOf(holding: Holding): number {
    return now() - holding.session.lastBeat();
  }

  function grant(session: FakeSession, folder: string, request: LeaseRequest): LeaseAnswer {
    const fence = (fences.get(folder) ?? 0) + 1;
    const before = abandoned.get(folder);
    const holding: Holding = { session, owner: request.owner, ttlMs: request.ttlMs, fence };
    fences.set(folder, fence);
    abandoned.delete(folder);
    holdings.set(folder, holding);
    let released = false;
    const isOurs = () => holderOf(folder) === holding;
    return {
      kind: "granted",
      fence,
      ...(before === undefined ? {} : { tookOver: before }),
      async beat() {
        if (released || !isOurs()) throw hostLostError(session.host, "the lease is gone");
      },
      async release() {
        if (released) return;
        if (session.isGone()) throw hostLostError(session.host, "the lease is gone");
        released = true;
        if (isOurs()) holdings.delete(folder);
      },
    };
  }

  return {
    take(session, folder, request) {
      const holding = holderOf(folder);
      if (holding === undefined) return grant(session, folder, request);
      const heartbeatAgeMs = ageOf(holding);
      const expired = heartbeatAgeMs > holding.ttlMs;
      if (!expired || holding.session === session)
        return { kind: "held", owner: holding.owner, heartbeatAgeMs, expired };
      if (!holding.session.end())
        return { kind: "stuck", owner: holding.owner, reason: "the owner's session could not be ended" };
      holderOf(folder);
      return grant(session, folder, request);
    },
    inspect(folder) {
      const fence = fences.get(folder) ?? 0;
      const holding = holderOf(folder);
      if (holding !== undefined) {
        const heartbeatAgeMs = ageOf(holding);
        return { kind: "held", fence, owner: holding.owner, heartbeatAgeMs, expired: heartbeatAgeMs > holding.ttlMs };
      }
      const before = abandoned.get(folder);
      return before === undefined ? { kind: "free", fence } : { kind: "free", fence, abandonedBy: before };
    },
  };
}
