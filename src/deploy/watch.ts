import type { Clock } from "../clock.ts";
import { nothingSeenYet, takeLook } from "../environments/watch/decide.ts";
import type { Look, WatchEnd, WatchPolicy } from "../environments/watch/types.ts";

/** What happens in a watch. `saw` is told when what was seen is not what was seen before. */
export type WatchNews =
  | { kind: "began"; until: string }
  | { kind: "saw"; problems: readonly string[]; unseen: readonly string[] }
  | { kind: "ended"; end: WatchEnd };

export type WatchPorts = {
  clock: Clock;
  /** Aborted when the user interrupts. */
  signal: AbortSignal;
  /** Looks once; bounds itself in time and rejects only where Shiplock is wrong. */
  look: () => Promise<Omit<Look, "afterMs">>;
  tell: (news: WatchNews) => void;
};

/** Watches a release that is live, without the lease: looks again and again, until it is decided how it is, or somebody interrupts. */
export async function watchRelease(policy: WatchPolicy, ports: WatchPorts): Promise<WatchEnd> {
  const { clock, signal, tell } = ports;
  const began = clock.elapsed();
  let memory = nothingSeenYet;
  let last = "[[],[]]";
  for (;;) {
    if (!(await waited(policy.everyMs, ports))) break;
    const look = await ports.look();
    // What was seen while everything was being ended says little.
    if (signal.aborted) break;
    const step = takeLook(policy, memory, { ...look, afterMs: clock.elapsed() - began });
    memory = step.memory;
    const seen = JSON.stringify([step.problems, step.unseen]);
    if (seen !== last) tell({ kind: "saw", problems: step.problems, unseen: step.unseen });
    last = seen;
    if (step.end !== null) return step.end;
  }
  return { how: "interrupted", said: "the command that watched was interrupted; the release stays live" };
}

/** Whether the time passed without an interruption. */
async function waited(milliseconds: number, { clock, signal }: WatchPorts): Promise<boolean> {
  try {
    await clock.wait(milliseconds, signal);
    return !signal.aborted;
  } catch (error) {
    if (signal.aborted) return false;
    throw error;
  }
}
