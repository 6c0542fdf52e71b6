import type { EnvironmentState } from "../record/types.ts";
import type { Ticket } from "./types.ts";

/** Whose turn it is, seen by who carries out one request. */
export type Turn =
  | { readonly kind: "mine" }
  /** Another request comes first, and who asked for it works on it. */
  | { readonly kind: "behind"; readonly ticket: Ticket }
  /** Another request comes first, and who asked for it is gone: whoever sees this carries it out. */
  | { readonly kind: "take-up"; readonly ticket: Ticket };

/**
 * Requests begin in the order in which they were made. One that waits for a gate stands in nobody's way.
 * @param deployment the request of who asks; it need not stand in the queue yet, and then comes last
 * @param gone requests whose command is known to have ended
 * @param passedOver requests that cannot be carried out from here
 */
export function turnOf(
  state: EnvironmentState,
  deployment: string,
  gone: ReadonlySet<string>,
  passedOver: ReadonlySet<string> = new Set(),
): Turn {
  const place = state.tickets.find((ticket) => ticket.deployment === deployment)?.number ?? Number.POSITIVE_INFINITY;
  const [first] = state.tickets
    .filter((ticket) => ticket.state === "queued" && ticket.number < place && !passedOver.has(ticket.deployment))
    .toSorted((left, right) => left.number - right.number);
  if (first === undefined) return { kind: "mine" };
  return { kind: gone.has(first.deployment) ? "take-up" : "behind", ticket: first };
}
