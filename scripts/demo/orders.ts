import { setTimeout as delay } from "node:timers/promises";
import { ask } from "./ask.ts";

export type OrdersReport = { placed: number; refused: string[]; unshipped: number };

export type Customers = {
  /** Ends the buying, waits until the workers have packed what was ordered, and counts. Repeated calls get the same report. */
  stop(): Promise<OrdersReport>;
  /** Ends the buying at once, without a report. */
  close(): void;
};

type Order = { id: number; address: string };

const everyMs = 500;
const packingDeadlineMs = 60_000;

/**
 * Customers who order twice a second, on every host in turn. An order is a POST that the API writes to the database and the
 * worker packs: one that stays unpacked was lost by a worker that was stopped.
 */
export function startCustomers(addresses: readonly string[], hostName: string): Customers {
  const orders: Order[] = [];
  const refused: string[] = [];
  const underway = new Set<Promise<void>>();
  let turn = 0;

  async function order(address: string): Promise<void> {
    try {
      const answer = await ask({ address, hostName, path: "/api/orders", body: { product_id: 1 } });
      if (answer.status !== 202) refused.push(`${answer.status} ${answer.body.slice(0, 200)}`);
      else orders.push({ id: (JSON.parse(answer.body) as { id: number }).id, address });
    } catch (error) {
      refused.push(String(error));
    }
  }

  const timer = setInterval(() => {
    const address = addresses[turn++ % addresses.length];
    if (address === undefined) return;
    const one = order(address).finally(() => underway.delete(one));
    underway.add(one);
  }, everyMs);

  async function conclude(): Promise<OrdersReport> {
    clearInterval(timer);
    await Promise.all(underway);
    const deadline = Date.now() + packingDeadlineMs;
    let waiting = [...orders];
    for (;;) {
      waiting = await unshipped(waiting, hostName);
      if (waiting.length === 0 || Date.now() > deadline) break;
      await delay(200);
    }
    return { placed: orders.length + refused.length, refused, unshipped: waiting.length };
  }

  let concluded: Promise<OrdersReport> | undefined;
  return { stop: () => (concluded ??= conclude()), close: () => clearInterval(timer) };
}

async function unshipped(orders: readonly Order[], hostName: string): Promise<Order[]> {
  const open: Order[] = [];
  for (const order of orders) {
    const answer = await ask({ address: order.address, hostName, path: `/api/orders/${order.id}` });
    if (answer.status !== 200 || (JSON.parse(answer.body) as { state: string }).state !== "shipped") open.push(order);
  }
  return open;
}
