import {
  type Counts,
  type Gap,
  type Kind,
  type Latency,
  LOSS_CLASSES,
  type LoadReport,
  type LoadSnapshot,
  type Loss,
  type LossClass,
  type Occurrence,
  type Outcome,
  type WebSocketCounts,
} from "./types.ts";

/** An attempt that has ended. `expectedMs` is what it should have taken; ms since the run started otherwise. */
export type Ended = Occurrence & { class: Outcome; expectedMs: number };

type KindTally = Counts & { latencies: number[] };
type GapTally = { lastOkMs: number; longest: Gap | undefined };
type VersionTally = { count: number; firstAtMs: number; lastAtMs: number };

/** Counts what happened, as it happens. Knows no clock and no network. */
export class Tally {
  readonly webSockets: WebSocketCounts = { open: 0, opened: 0, closedAnnounced: 0, echoes: 0, crossedClose: 0 };
  private readonly hungMs: number;
  private readonly total = noCounts();
  private readonly byClass = Object.fromEntries(["ok", ...LOSS_CLASSES].map((name) => [name, 0])) as Record<
    Outcome,
    number
  >;
  private readonly byKind = new Map<Kind, KindTally>();
  private readonly byTarget = new Map<string, Counts>();
  private readonly gaps = new Map<string, GapTally>();
  private readonly everywhere: GapTally = { lastOkMs: 0, longest: undefined };
  private readonly losses = new Map<string, Loss>();
  private readonly versions = new Map<string, VersionTally>();
  private readonly seconds = new Map<number, Record<string, number>>();
  private readonly phases: (Counts & { label: string; fromMs: number })[] = [
    { label: "start", fromMs: 0, ...noCounts() },
  ];
  private hungFirst: Occurrence | undefined;
  private hungLast: Occurrence | undefined;
  private ended = 0;
  private latestMs = 0;

  /** @param hungMs beyond how many ms over its expected time an ok answer counts as hung */
  constructor(hungMs: number) {
    this.hungMs = hungMs;
  }

  /** An attempt begins, `lateMs` after it was due. */
  begin(kind: Kind, target: string, lateMs: number): void {
    this.latestMs = Math.max(this.latestMs, lateMs);
    for (const counts of this.countsOf(kind, target)) counts.sent += 1;
    if (isOrdinary(kind) && !this.gaps.has(target)) this.gaps.set(target, { lastOkMs: 0, longest: undefined });
  }

  /** An attempt ends; each that began ends exactly once. */
  end(ended: Ended): void {
    this.ended += 1;
    this.byClass[ended.class] += 1;
    if (ended.version !== undefined && ended.kind !== "internal-call") this.countVersion(ended.version, ended.atMs);
    if (ended.class === "ok") this.endWell(ended);
    else this.endBadly(ended.class, ended);
  }

  /** A frame that crossed an announced close ends as neither ok nor lost. */
  excuseCrossing(): void {
    this.ended += 1;
    this.webSockets.crossedClose += 1;
  }

  /** What follows is also counted under this label. */
  mark(label: string, atMs: number): void {
    this.phases.push({ label, fromMs: atMs, ...noCounts() });
  }

  private endWell(ended: Ended): void {
    const hung = ended.tookMs > ended.expectedMs + this.hungMs;
    for (const counts of this.countsOf(ended.kind, ended.target)) {
      counts.ok += 1;
      if (hung) counts.hung += 1;
    }
    this.kindOf(ended.kind).latencies.push(ended.tookMs);
    if (hung) {
      const occurrence = occurrenceOf(
        ended,
        `answered after ${Math.round(ended.tookMs)} ms, ${Math.round(ended.expectedMs)} expected`,
      );
      this.hungFirst ??= occurrence;
      this.hungLast = occurrence;
    }
    if (!isOrdinary(ended.kind)) return;
    closeGap(this.everywhere, ended.atMs);
    const gap = this.gaps.get(ended.target);
    if (gap !== undefined) closeGap(gap, ended.atMs);
  }

  private endBadly(lossClass: LossClass, ended: Ended): void {
    for (const counts of this.countsOf(ended.kind, ended.target)) counts.lost += 1;
    const occurrence = occurrenceOf(ended, ended.message);
    const key = `${lossClass}\n${ended.kind}\n${ended.target}`;
    const known = this.losses.get(key);
    const reused = ended.reused ? 1 : 0;
    if (known === undefined) {
      const { kind, target } = ended;
      const loss: Loss = {
        class: lossClass,
        kind,
        target,
        count: 1,
        onReusedSocket: reused,
        first: occurrence,
        last: occurrence,
      };
      this.losses.set(key, loss);
      return;
    }
    known.count += 1;
    known.onReusedSocket += reused;
    known.last = occurrence;
  }

  private countVersion(version: string, atMs: number): void {
    const known = this.versions.get(version);
    if (known === undefined) this.versions.set(version, { count: 1, firstAtMs: atMs, lastAtMs: atMs });
    else {
      known.count += 1;
      known.lastAtMs = atMs;
    }
    const second = Math.floor(atMs / 1000);
    const counts = this.seconds.get(second) ?? {};
    counts[version] = (counts[version] ?? 0) + 1;
    this.seconds.set(second, counts);
  }

  /** Attempts that have not ended. */
  inFlight(): number {
    return this.total.sent - this.ended;
  }

  /** What is known now; a copy. */
  snapshot(atMs: number): LoadSnapshot {
    return {
      ...this.total,
      atMs,
      inFlight: this.inFlight(),
      byClass: { ...this.byClass },
      byKind: Object.fromEntries([...this.byKind].map(([kind, counts]) => [kind, onlyCounts(counts)])),
      byTarget: Object.fromEntries([...this.byTarget].map(([target, counts]) => [target, onlyCounts(counts)])),
      versions: Object.fromEntries([...this.versions].map(([version, { count }]) => [version, count])),
      webSockets: { ...this.webSockets },
    };
  }

  /** Everything; `durationMs` is when arrivals ended, and a gap still open then ends there. */
  report(startedAt: number, durationMs: number, askedPerSecond: number): LoadReport {
    const requests = this.total.sent - (this.byKind.get("websocket")?.sent ?? 0);
    const ordinary = this.gaps.size > 0;
    return {
      ...this.total,
      startedAt,
      durationMs,
      arrivals: { askedPerSecond, sentPerSecond: (requests * 1000) / Math.max(1, durationMs), latestMs: this.latestMs },
      byClass: { ...this.byClass },
      byKind: [...this.byKind].map(([kind, tally]) => ({
        kind,
        ...onlyCounts(tally),
        latency: latencyOf(tally.latencies),
      })),
      byTarget: [...this.byTarget].map(([target, counts]) => {
        const gap = this.gaps.get(target);
        return { target, ...counts, longestGap: gap === undefined ? undefined : longestGap(gap, durationMs) };
      }),
      longestGap: ordinary ? longestGap(this.everywhere, durationMs) : undefined,
      losses: [...this.losses.values()],
      hungFirst: this.hungFirst,
      hungLast: this.hungLast,
      versions: [...this.versions].map(([version, tally]) => ({ version, ...tally })),
      versionsOverTime: [...this.seconds].map(([second, counts]) => ({ second, counts })),
      phases: this.phases.map((phase) => ({ ...phase })),
      webSockets: { ...this.webSockets },
    };
  }

  private countsOf(kind: Kind, target: string): Counts[] {
    let ofTarget = this.byTarget.get(target);
    if (ofTarget === undefined) {
      ofTarget = noCounts();
      this.byTarget.set(target, ofTarget);
    }
    const phase = this.phases.at(-1);
    return [this.total, this.kindOf(kind), ofTarget, ...(phase === undefined ? [] : [phase])];
  }

  private kindOf(kind: Kind): KindTally {
    const known = this.byKind.get(kind);
    if (known !== undefined) return known;
    const tally: KindTally = { ...noCounts(), latencies: [] };
    this.byKind.set(kind, tally);
    return tally;
  }
}

function noCounts(): Counts {
  return { sent: 0, ok: 0, lost: 0, hung: 0 };
}

function onlyCounts({ sent, ok, lost, hung }: Counts): Counts {
  return { sent, ok, lost, hung };
}

// A slow request or a pinned WebSocket may be answered by an old release while nothing new gets through.
function isOrdinary(kind: Kind): boolean {
  return kind !== "slow" && kind !== "websocket" && kind !== "internal-call";
}

function closeGap(gap: GapTally, atMs: number): void {
  gap.longest = longestGap(gap, atMs);
  gap.lastOkMs = Math.max(gap.lastOkMs, atMs);
}

function longestGap(gap: GapTally, untilMs: number): Gap {
  const open: Gap = { fromMs: gap.lastOkMs, ms: Math.max(0, untilMs - gap.lastOkMs) };
  return gap.longest === undefined || open.ms > gap.longest.ms ? open : gap.longest;
}

function occurrenceOf({ class: _class, expectedMs: _expectedMs, ...occurrence }: Ended, message: string): Occurrence {
  return { ...occurrence, message };
}

function latencyOf(values: readonly number[]): Latency | undefined {
  const sorted = Float64Array.from(values).sort();
  if (sorted.length === 0) return undefined;
  function at(share: number): number {
    return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN;
  }
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
