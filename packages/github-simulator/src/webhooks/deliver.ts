import { createHmac } from "node:crypto";
import type { Description } from "../description/description.ts";
import { accountShape, nodeId, type Shape } from "../shapes/base.ts";
import { repository } from "../shapes/repository.ts";
import type { Hook } from "../state/types.ts";
import type { World } from "../state/world.ts";
import type { Account, Violation } from "../types.ts";

/** What was sent to a hook. */
export type Delivery = {
  /** `x-github-delivery`. */
  readonly id: string;
  readonly hook: number;
  /** `x-github-event`. */
  readonly event: string;
  readonly action: string | null;
  /** The raw body, over which the signature is. */
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  /** What the receiver answered; null where it did not. */
  readonly status: number | null;
};

export type Webhooks = {
  readonly deliveries: readonly Delivery[];
  tell(event: string, payload: Shape, by: Account, only?: Hook): void;
  /** Sends a delivery again with the same id, as GitHub's "Redeliver" does. */
  redeliver(id: string): Promise<Delivery>;
  /** Waits until everything that was told has been delivered. */
  settled(): Promise<void>;
};

/** GitHub waits ten seconds for an answer. */
const answerTimeoutMs = 10_000;

/**
 * @param parts.id a fresh UUID
 */
export function createWebhooks(parts: {
  readonly world: () => World;
  readonly description: Description;
  readonly violate: (violation: Violation) => void;
  readonly id: () => string;
  readonly signal: AbortSignal;
}): Webhooks {
  const deliveries: Delivery[] = [];
  // Hooks are told in the order in which things happened.
  let last: Promise<unknown> = Promise.resolve();
  return { deliveries, tell, redeliver, settled };

  function tell(event: string, payload: Shape, by: Account, only?: Hook): void {
    const world = parts.world();
    const action = typeof payload["action"] === "string" ? payload["action"] : null;
    for (const hook of world.hooks) {
      if (only !== undefined && only !== hook) continue;
      if (event !== "ping" && !hook.events.includes("*") && !hook.events.includes(event)) continue;
      const whole = {
        ...payload,
        ...(event !== "installation" && { repository: repository(world) }),
        sender: accountShape(world, by),
        ...(hook.app !== null &&
          payload["installation"] === undefined && {
            installation: { id: hook.app.installation, node_id: nodeId("Installation", hook.app.installation) },
          }),
      };
      const name = action === null ? event : `${event}.${action}`;
      for (const problem of parts.description.webhook(name, whole))
        parts.violate({ where: "webhook", what: name, problem });
      const body = JSON.stringify(whole);
      const signature = createHmac("sha256", hook.secret).update(body).digest("hex");
      const id = parts.id();
      const headers = {
        "content-type": "application/json",
        "user-agent": "GitHub-Hookshot/simulator",
        "x-github-delivery": id,
        "x-github-event": event,
        "x-github-hook-id": String(hook.id),
        "x-github-hook-installation-target-type": hook.app === null ? "repository" : "integration",
        "x-hub-signature-256": `sha256=${signature}`,
      };
      const turn = last.then(() => sent(hook, { id, hook: hook.id, event, action, body, headers, status: null }));
      last = turn;
    }
  }

  async function sent(hook: Hook, delivery: Delivery): Promise<Delivery> {
    const { headers, body } = delivery;
    const signal = AbortSignal.any([parts.signal, AbortSignal.timeout(answerTimeoutMs)]);
    const status = await fetch(hook.url, { method: "POST", headers, body, signal }).then(
      async (answer) => {
        await answer.arrayBuffer();
        return answer.status;
      },
      // A receiver that is not there is no fault of GitHub's: the delivery says so.
      () => null,
    );
    const done = { ...delivery, status };
    deliveries.push(done);
    return done;
  }

  async function redeliver(id: string): Promise<Delivery> {
    const delivery = deliveries.find((one) => one.id === id);
    const hook = parts.world().hooks.find((one) => one.id === delivery?.hook);
    if (delivery === undefined || hook === undefined) throw new Error(`there was no delivery ${id}`);
    return await sent(hook, { ...delivery, status: null });
  }

  async function settled(): Promise<void> {
    for (let seen: Promise<unknown> | null = null; seen !== last; ) {
      seen = last;
      await seen;
    }
  }
}
