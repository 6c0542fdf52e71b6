import * as z from "zod";

/** What has to be done about a deployment whose process is gone: nothing, go back, go on, or call off what has not begun. */
export type Ending = "nothing" | "abort" | "resume" | "cancel";

const statuses = z.array(
  z.object({
    state: z
      .object({
        operation: z.object({ deployment: z.string(), committed: z.boolean() }).nullable(),
        tickets: z.array(z.object({ deployment: z.string() })),
      })
      .nullable(),
  }),
);

/**
 * How a deployment is brought to an end, by what `status` says of its environment: before the commit point back, after it forward. Another's deployment is left alone.
 * @param document what `status ENV --json` prints
 */
export function endingOf(document: unknown, deployment: string): Ending {
  const read = statuses.safeParse(document);
  const state = read.success ? (read.data[0]?.state ?? null) : null;
  if (state === null) return "nothing";
  if (state.operation?.deployment === deployment) return state.operation.committed ? "resume" : "abort";
  return state.tickets.some((ticket) => ticket.deployment === deployment) ? "cancel" : "nothing";
}
