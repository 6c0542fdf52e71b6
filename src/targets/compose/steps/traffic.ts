import { messageOf } from "../../../errors.ts";
import type { Assignment, ReplicaRef } from "../../../deploy/types.ts";
import { sameAssignment } from "../../../proxy/caddy/traffic.ts";
import type { ComposeHost, ComposeRun } from "../run.ts";

/** How often the requests in flight are counted, and how often in a row they must be none: a request may be on its way between two servers of the proxy. */
const countIntervalMs = 30;
const countsInARow = 3;

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
  const end = run.clock.elapsed() + deadlineMs;
  let idle = 0;
  for (;;) {
    signal.throwIfAborted();
    const inFlight = (await host.traffic.inFlight(replicas)).reduce((sum, count) => sum + count, 0);
    idle = inFlight === 0 ? idle + 1 : 0;
    if (idle >= countsInARow) return 0;
    if (run.clock.elapsed() >= end) return inFlight;
    await run.clock.wait(countIntervalMs, signal);
  }
}

/** As draining, for the way back: a proxy that does not answer must not keep a refused release alive. */
export async function drainIfPossible(
  host: ComposeHost,
  run: ComposeRun,
  replicas: readonly ReplicaRef[],
  deadlineMs: number,
  log: (line: string) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    await drainReplicas(host, run, replicas, deadlineMs, signal);
  } catch (error) {
    signal.throwIfAborted();
    log(`cannot see what is in flight (${messageOf(error)}); stopping by signal`);
  }
}
