import { readFileSync } from "node:fs";
import { createHmac } from "node:crypto";
import * as z from "zod";

export type Body = Readonly<Record<string, unknown>>;

/** The bodies of webhooks that GitHub's own people keep as examples, by event. */
export const exampleBodies: ReadonlyMap<string, readonly Body[]> = new Map(
  z
    .array(z.object({ name: z.string(), examples: z.array(z.record(z.string(), z.unknown())) }))
    .parse(
      JSON.parse(
        readFileSync(new URL(import.meta.resolve("@octokit/webhooks-examples/api.github.com/index.json")), "utf8"),
      ),
    )
    .map(({ name, examples }) => [name, examples]),
);

/** The one example of an event that such a filter finds first. */
export function exampleOf(event: string, fits: (body: Body) => boolean = () => true): Body {
  const found = exampleBodies.get(event)?.find(fits);
  if (found === undefined) throw new Error(`there is no such example of ${event}`);
  return found;
}

/** A webhook as GitHub sends it. */
export function sentWebhook(
  event: string,
  body: unknown,
  { secret = "it's a secret", delivery = "72d3162e-cc78-11e3-81ab-4c9367dc0958", form = false } = {},
): { headers: Record<string, string>; body: Uint8Array } {
  const json = JSON.stringify(body);
  const text = form ? new URLSearchParams({ payload: json }).toString() : json;
  const bytes = new TextEncoder().encode(text);
  return {
    headers: {
      "content-type": form ? "application/x-www-form-urlencoded" : "application/json",
      "x-github-event": event,
      "x-github-delivery": delivery,
      "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(bytes).digest("hex")}`,
    },
    body: bytes,
  };
}
