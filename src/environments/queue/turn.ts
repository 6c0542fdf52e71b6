import type { EnvironmentState } from "../record/types.ts";
import type { NewTicket, Ticket } from "./types.ts";

/** Where a request stands, seen by who carries it out. */
export type Turn =
  | { readonly kind: "mine" }
  /** It has to be put into the queue first, since there it overtakes another, or another overtakes it. */
  | { readonly kind: "enter-first" }
  /** It is over: somebody cancelled or rejected it, another overtook it, or somebody else has begun it. */
  | { readonly kind: "ended" }
  /** Another request comes first, and who asked for it works on it. */
  | { readonly kind: "behind"; readonly ticket: Ticket }
  /** Another request comes first, and who asked for it is gone: whoever sees this carries it out. */
  | { readonly kind: "take-up"; readonly ticket: Ticket };

/** What is known of a request beside the state. */
export type TurnQuestion = Pick<NewTicket, "deployment" | "trigger"> & {
  /** Whether it stood in the queue before. */
  readonly entered: boolean;
  /** Number of the next request when this one came: its place as long as it has no other. */
  readonly arrived: number;
  /** Requests that cannot be carried out from here. */
  readonly passedOver: ReadonlySet<string>;
};

/** Whose command was not seen for so long, in milliseconds, is gone. */
const goneAfterMs = 60_000;

/**
 * Requests whose command has ended without them.
 * @param seen how long ago each was seen last, in milliseconds; who never was is gone
 */
export function goneOf({ tickets }: EnvironmentState, seen: ReadonlyMap<string, number>): ReadonlySet<string> {
  const ids = tickets.map(({ deployment }) => deployment);
  return new Set(ids.filter((deployment) => (seen.get(deployment) ?? Number.POSITIVE_INFINITY) > goneAfterMs));
}

/**
 * Requests begin in the order in which they were made. One that waits for a gate stands in nobody's way, and one that did not have to queue came when it first looked.
 * @param gone requests whose command is known to have ended
 */
export function turnOf(
  state: EnvironmentState,
  { deployment, trigger, entered, arrived, passedOver }: TurnQuestion,
  gone: ReadonlySet<string> = new Set(),
): Turn {
  const own = state.tickets.find((ticket) => ticket.deployment === deployment);
  const known = entered || state.deployments.some((entry) => entry.deployment === deployment);
  if (own === undefined && known) return { kind: "ended" };
  if (own === undefined && trigger === "automatic" && state.tickets.some((ticket) => ticket.trigger === "automatic"))
    return { kind: "enter-first" };
  const place = own?.number ?? arrived;
  const [first] = state.tickets
    .filter((ticket) => ticket.state === "queued" && ticket.number < place && !passedOver.has(ticket.deployment))
    .toSorted((left, right) => left.number - right.number);
  if (first === undefined) return { kind: "mine" };
  return { kind: gone.has(first.deployment) ? "take-up" : "behind", ticket: first };
}
