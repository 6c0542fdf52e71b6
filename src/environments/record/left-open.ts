import { isTerminal, type DeploymentState } from "../../deploy/states.ts";
import type { EnvironmentState } from "./types.ts";

/** How long somebody may be about to enter what a history knows already, in milliseconds. */
const beginningMs = 10 * 60_000;

/** A deployment that a history has as going on. */
export type OpenDeployment = { readonly deployment: string; readonly state: string; readonly createdAt: number };

/** What became of it. */
export type Ending = {
  readonly state: DeploymentState;
  readonly outcome: string;
  /** When it ended, in milliseconds since the epoch; null where nobody knows. */
  readonly at: number | null;
  /** Whether it is what made live what is live now. */
  readonly live: boolean;
};

/**
 * What became of a deployment that a history has as going on, by the environment's own record: whoever wrote the history may have died over it. Null where it goes on, or waits,
 * or may be about to.
 * @param leaseHeld whether somebody holds the lease of the environment, and so works on what is in progress
 * @param now milliseconds since the epoch
 */
export function endingOf(
  open: OpenDeployment,
  { environment, deployments, operation, tickets, live }: EnvironmentState,
  leaseHeld: boolean,
  now: number,
): Ending | null {
  const { deployment } = open;
  if (tickets.some((ticket) => ticket.deployment === deployment)) return null;
  const known = deployments.find((entry) => entry.deployment === deployment);
  if (known !== undefined && isTerminal(known.state))
    return {
      ...{ state: known.state, outcome: known.outcome ?? "its runner is gone", live: live?.deployment === deployment },
      at: known.endedAt === null ? null : Date.parse(known.endedAt),
    };
  const unknown = { at: null, live: false };
  if (operation?.deployment === deployment) {
    if (leaseHeld) return null;
    const ways = operation.committed ? "goes on" : `goes on, and \`shiplock abort ${environment}\` goes back`;
    const outcome = `its runner is gone; \`shiplock resume ${environment}\` ${ways}`;
    return { ...unknown, state: "interrupted", outcome };
  }
  if (now - open.createdAt < beginningMs) return null;
  const began = open.state !== "queued" && open.state !== "waiting";
  return began
    ? { ...unknown, state: "interrupted", outcome: `its runner is gone, and ${environment} knows no more of it` }
    : { ...unknown, state: "cancelled", outcome: "its runner is gone, and it never began" };
}
