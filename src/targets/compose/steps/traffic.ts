import type { Clock } from "../../../clock.ts";
import { messageOf } from "../../../errors.ts";
import type { Assignment, ReplicaRef } from "../../../deploy/types.ts";
import { sameAssignment } from "../../../proxy/caddy/traffic.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";

/** How often the requests in flight are counted. */
const countIntervalMs = 30;
/** For how long there must be none: a request may be on its way between two servers of the proxy. */
const quietMs = 60;

/** Moves a host's traffic to an assignment, unless it is there already. */
export async function shiftTraffic(host: ComposeHost, assignment: Assignment): Promise<boolean> {
  if (sameAssignment(await host.traffic.current(), assignment)) return false;
  await host.traffic.assign(assignment);
  return true;
}

/**
 * Waits until replicas that left the assignment have nothing in flight, WebSockets included, or until the deadline.
 * @returns what was still in flight at the deadline; 0 when all have finished
 */
export async function drainReplicas(
  host: ComposeHost,
  run: ComposeRun,
  replicas: readonly ReplicaRef[],
  deadlineMs: number,
  signal: AbortSignal,
): Promise<number> {
  const inFlight = await host.traffic.counter();
  return idleCount(run.clock, { atLeastMs: 0, deadlineMs, signal }, async () =>
    (await inFlight(replicas)).reduce((sum, count) => sum + count, 0),
  );
}

/**
 * Counts again and again until nothing is in flight, or until the deadline.
 * @param options `atLeastMs`: how long to go on in any case
 * @returns what was still in flight at the deadline; 0 when nothing was
 */
export async function idleCount(
  clock: Clock,
  options: { atLeastMs: number; deadlineMs: number; signal: AbortSignal },
  count: () => Promise<number>,
): Promise<number> {
  const begin = clock.elapsed();
  let quietSince: number | null = null;
  for (;;) {
    options.signal.throwIfAborted();
    const asked = clock.elapsed();
    const inFlight = await count();
    quietSince = inFlight === 0 ? (quietSince ?? clock.elapsed()) : null;
    const past = clock.elapsed() - begin;
    // Both looks lie that far apart whatever the way to the host takes: from the answer of the first to the question of the last.
    if (quietSince !== null && asked - quietSince >= quietMs && past >= options.atLeastMs) return 0;
    if (past >= options.deadlineMs) return inFlight;
    await clock.wait(quietSince === null ? countIntervalMs : quietMs, options.signal);
  }
}

/**
 * As draining; a proxy that does not answer keeps nothing alive.
 * @returns what was still in flight at the deadline; null where that could not be seen
 */
export async function drainIfPossible(
  host: ComposeHost,
  run: ComposeRun,
  replicas: readonly ReplicaRef[],
  deadlineMs: number,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<number | null> {
  try {
    return await drainReplicas(host, run, replicas, deadlineMs, signal);
  } catch (error) {
    signal.throwIfAborted();
    log(`cannot see what is in flight (${messageOf(error)}); stopping by signal`);
    return null;
  }
}
