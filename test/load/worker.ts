import { performance } from "node:perf_hooks";
import { DEFAULT_RATE, type Stream, seededRandom, streamsOf } from "./mix.ts";
import { type Connections, freshConnections, isSecure, keptConnections, type Sent, send } from "./request.ts";
import { Tally } from "./tally.ts";
import type { FromWorker, LoadOptions, LoadReport, ToWorker } from "./types.ts";
import { type AllowedSince, allowedSince } from "./verdict.ts";
import { keepEchoing } from "./web-socket.ts";

// The load runs in this process of its own, so that neither the test's event loop nor its garbage disturbs the arrivals.

const PROGRESS_MS = 100;
const DEFAULT_SLOW_MS = 4000;
const DEFAULT_TIMEOUT_MS = 10_000;

type Generator = {
  allow(versions: readonly string[] | undefined): void;
  mark(label: string): void;
  snapshot(): ReturnType<Tally["snapshot"]>;
  stop(deadlineMs: number | undefined): Promise<LoadReport>;
};

function generate(options: LoadOptions): Generator {
  const startedAt = Date.now();
  const origin = performance.now();
  const rate = options.ratePerSecond ?? DEFAULT_RATE;
  const slowMs = options.slowMs ?? DEFAULT_SLOW_MS;
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  const random = seededRandom(options.seed ?? 1);
  const tally = new Tally(options.hungMs ?? 500);
  const allowed: AllowedSince[] = [{ fromMs: 0, versions: asSet(options.allowed) }];
  const inFlight = new Set<Sent>();
  const connectionsOf = shareConnections(options.connections ?? 24);
  const arrivals = streamsOf(options).map((stream) => ({
    stream,
    connections: connectionsOf(stream),
    dueMs: random() * stream.gapMs.max,
  }));
  let sequence = 0;
  let timer: NodeJS.Timeout | undefined;

  function now(): number {
    return performance.now() - origin;
  }

  // What is due is sent, however late this tick comes and whatever became of the earlier ones: an open loop.
  function tick(): void {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const arrival of arrivals) {
      for (; arrival.dueMs <= now(); arrival.dueMs += between(arrival.stream.gapMs)) {
        arrive(arrival.stream, arrival.connections, now() - arrival.dueMs);
      }
      nextMs = Math.min(nextMs, arrival.dueMs);
    }
    timer = setTimeout(tick, Math.max(1, nextMs - now()));
  }

  function between({ min, max }: Stream["gapMs"]): number {
    return min + random() * (max - min);
  }

  function arrive(stream: Stream, connections: Connections, lateMs: number): void {
    const { kind, target } = stream;
    const sentMs = now();
    const expectedMs = kind === "slow" ? slowMs : 0;
    const payload = kind.endsWith("-post") ? payloadOf(sequence++) : undefined;
    tally.begin(kind, target.name, lateMs);
    const sent = send(
      {
        stream,
        agent: connections.take(),
        payload,
        slowMs,
        timeoutMs: expectedMs + timeoutMs,
        mayAnswer: (version) => allowedSince(allowed, sentMs, version),
        now,
      },
      (exchange) => {
        inFlight.delete(sent);
        tally.end({ ...exchange, kind, target: target.name, atMs: now(), expectedMs });
      },
    );
    inFlight.add(sent);
  }

  const lines = options.targets
    .filter(({ plainPath }) => plainPath === undefined)
    .flatMap((target) =>
      Array.from({ length: options.webSockets ?? 3 }, (_, index) => ({ target, name: `line-${index}` })),
    )
    .map(({ target, name }) => {
      const everyMs = options.echoEveryMs ?? 200;
      return keepEchoing({ target, name, everyMs, timeoutMs: options.echoTimeoutMs ?? 5000, tally, now });
    });
  tick();

  return {
    allow: (versions) => {
      allowed.push({ fromMs: now(), versions: asSet(versions) });
    },
    mark: (label) => tally.mark(label, now()),
    snapshot: () => tally.snapshot(now()),
    stop: async (deadlineMs = slowMs + timeoutMs + 1000) => {
      clearTimeout(timer);
      const durationMs = now();
      for (const line of lines) line.pause();
      await untilNone(() => tally.inFlight(), deadlineMs);
      for (const sent of inFlight) sent.giveUp("still without an answer when the run ended");
      for (const line of lines) line.close();
      for (const { connections } of arrivals) connections.close();
      return tally.report(startedAt, durationMs, rate);
    },
  };
}

/** Ordinary kinds share a target's kept connections; slow and internal calls have their own few; idle streams one each. */
function shareConnections(count: number): (stream: Stream) => Connections {
  const shared = new Map<string, Connections>();
  return function connectionsOf({ kind, target, ownConnection }: Stream): Connections {
    if (kind === "fresh-get" || kind === "fresh-post") return freshConnections();
    if (ownConnection) return keptConnections(1, isSecure(target));
    const apart = kind === "slow" || kind === "internal-call";
    const key = apart ? `${kind} ${target.name}` : target.name;
    const known = shared.get(key);
    if (known !== undefined) return known;
    const connections = keptConnections(apart ? 4 : count, isSecure(target));
    shared.set(key, connections);
    return connections;
  };
}

/** Every body is its own; one in twenty is too large for one packet. */
function payloadOf(sequence: number): string {
  return `post ${sequence} ${"x".repeat(sequence % 20 === 0 ? 32_768 : 100)}`;
}

function asSet(versions: readonly string[] | undefined): ReadonlySet<string> | undefined {
  return versions === undefined ? undefined : new Set(versions);
}

function untilNone(count: () => number, deadlineMs: number): Promise<void> {
  const endsAt = performance.now() + deadlineMs;
  return new Promise((resolve) => {
    function look(): void {
      if (count() === 0 || performance.now() >= endsAt) resolve();
      else setTimeout(look, 10);
    }
    look();
  });
}

function tell(message: FromWorker): void {
  process.send?.(message);
}

let generator: Generator | undefined;

async function obey(message: ToWorker): Promise<void> {
  if (message.type === "start") {
    generator = generate(message.options);
    setInterval(() => {
      if (generator !== undefined) tell({ type: "snapshot", id: undefined, snapshot: generator.snapshot() });
    }, PROGRESS_MS);
    return;
  }
  if (generator === undefined) throw new Error(`${message.type} came before start`);
  switch (message.type) {
    case "allow":
      generator.allow(message.versions);
      return tell({ type: "allowed", id: message.id });
    case "mark":
      return generator.mark(message.label);
    case "snapshot":
      return tell({ type: "snapshot", id: message.id, snapshot: generator.snapshot() });
    case "stop":
      return tell({ type: "report", report: await generator.stop(message.deadlineMs) });
  }
}

process.on("message", (message) => void obey(message as ToWorker));
// The test has its report, or it is gone: either way nobody wants more load.
process.on("disconnect", () => process.exit(0));
