import { type LoadOptions, type LoadTarget, REQUEST_KINDS, type RequestKind } from "./types.ts";

/** Shares of the kinds; they add up to 200, so at the default rate they are requests per second. */
export const DEFAULT_MIX: Record<RequestKind, number> = {
  "keep-alive-get": 70,
  "keep-alive-post": 70,
  "idle-get": 3,
  "idle-post": 3,
  "fresh-get": 25,
  "fresh-post": 17,
  slow: 1.5,
  "internal-call": 10.5,
};

export const DEFAULT_RATE = 200;

const IDLE_GAP_MS = { min: 1000, max: 3000 } as const;

/** A series of arrivals at one target. The next is due `gap` after the last was due, whatever became of that one. */
export type Stream = {
  kind: RequestKind;
  target: LoadTarget;
  gapMs: { min: number; max: number };
  /** It has a connection for itself, so that the gap is that connection's silence. */
  ownConnection: boolean;
};

/**
 * Splits the asked rate over kinds and targets. Kinds that no target takes give their share to the others, so the sum stays what was asked.
 * @throws Error when no target takes any of the kinds
 */
export function streamsOf(options: LoadOptions): Stream[] {
  const rate = options.ratePerSecond ?? DEFAULT_RATE;
  const mix: Partial<Record<RequestKind, number>> = options.mix ?? DEFAULT_MIX;
  const taken = REQUEST_KINDS.map((kind) => ({
    kind,
    share: mix[kind] ?? 0,
    targets: targetsFor(kind, options),
  })).filter(({ share, targets }) => share > 0 && targets.length > 0);
  const sum = taken.reduce((total, { share }) => total + share, 0);
  if (sum === 0) throw new Error("a load needs at least one target that takes one of the kinds in its mix");
  return taken.flatMap(({ kind, share, targets }) => streamsOfKind(kind, (rate * share) / sum, targets));
}

function targetsFor(kind: RequestKind, options: LoadOptions): readonly LoadTarget[] {
  if (kind === "internal-call") return options.callers ?? [];
  const takesPlain = kind === "keep-alive-get" || kind === "idle-get" || kind === "fresh-get";
  return options.targets.filter((target) => takesPlain || target.plainPath === undefined);
}

function streamsOfKind(kind: RequestKind, perSecond: number, targets: readonly LoadTarget[]): Stream[] {
  if (kind === "idle-get" || kind === "idle-post") {
    const meanGapSeconds = (IDLE_GAP_MS.min + IDLE_GAP_MS.max) / 2000;
    const perTarget = Math.max(1, Math.round((perSecond * meanGapSeconds) / targets.length));
    return targets.flatMap((target) =>
      Array.from({ length: perTarget }, () => ({ kind, target, gapMs: IDLE_GAP_MS, ownConnection: true })),
    );
  }
  const gap = (1000 * targets.length) / perSecond;
  return targets.map((target) => ({ kind, target, gapMs: { min: gap, max: gap }, ownConnection: false }));
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return function next(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
