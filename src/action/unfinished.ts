import * as z from "zod";

/** What has to be done about a deployment whose process is gone: nothing, go back, go on, or call off what has not begun. `unseen`: nobody could look. */
export type Ending = "nothing" | "abort" | "resume" | "cancel" | "unseen";

const statuses = z.array(
  z.object({
    state: z
      .object({
        operation: z.object({ deployment: z.string(), committed: z.boolean() }).nullable(),
        tickets: z.array(z.object({ deployment: z.string() })),
      })
      .nullable(),
    error: z.unknown().optional(),
  }),
);

/**
 * How a deployment is brought to an end, by what `status` says of its environment: before the commit point back, after it forward. Another's deployment is left alone.
 * @param document what `status ENV --json` prints
 */
export function endingOf(document: unknown, deployment: string): Ending {
  const read = statuses.safeParse(document);
  const [status] = read.success ? read.data : [];
  if (status === undefined) return "unseen";
  const { state, error } = status;
  // An environment without a record is one in which nothing ever began.
  if (state === null) return (error ?? null) === null ? "nothing" : "unseen";
  if (state.operation?.deployment === deployment) return state.operation.committed ? "resume" : "abort";
  return state.tickets.some((ticket) => ticket.deployment === deployment) ? "cancel" : "nothing";
}
