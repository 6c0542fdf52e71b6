import type { Ledger, LedgerEvent } from "../ledger/types.ts";

/** As many as the ledger answers at once. */
const page = 1_000;

/** Every event of a deployment, in order; one to many hosts has more than the ledger answers at once. */
export async function allEvents(ledger: Pick<Ledger, "events">, deployment: string): Promise<LedgerEvent[]> {
  const events: LedgerEvent[] = [];
  for (;;) {
    const next = await ledger.events(deployment, events.at(-1)?.sequence ?? 0, page);
    events.push(...next);
    if (next.length < page) return events;
  }
}

/** The number that the next event of a deployment may have. */
export async function nextSequence(ledger: Pick<Ledger, "events">, deployment: string): Promise<number> {
  return ((await allEvents(ledger, deployment)).at(-1)?.sequence ?? 0) + 1;
}
