import type { Assignment, ReplicaRef } from "../deploy/types.ts";

/**
 * The traffic of one environment on one host.
 *
 * `assign` replaces the whole assignment at once: at no instant does a request see half of it. It returns when the new assignment is in place and
 * has been read back; repeating it is harmless. What was being answered goes on where it is. `current` reads what is in place, never what was meant.
 * `counter` counts requests and WebSockets that replicas are answering now; a replica that has left the assignment goes down to 0.
 */
export type Traffic = {
  current(): Promise<Assignment>;
  assign(assignment: Assignment): Promise<void>;
  /** Looks which proxies answer here, and gives back what counts: requests in flight at each of the given replicas, in their order. */
  counter(): Promise<(replicas: readonly ReplicaRef[]) => Promise<number[]>>;
};
