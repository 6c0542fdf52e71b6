import { type HttpTools, sendHttp } from "./http-send.ts";
import { isSigningKey, signatureOf } from "./signature.ts";
import type { Delivery, Notice, Notifier } from "./types.ts";
import { headline } from "./words.ts";

export type WebhookOptions = {
  name: string;
  url: string;
  /** Key of the signature. */
  secret: string;
  http: HttpTools;
  /** Makes the id of a delivery. */
  id: () => string;
};

/**
 * Any HTTP endpoint: the notice as JSON, signed. All tries of one delivery have one id, so a receiver that heard it twice knows.
 */
export function createWebhook({ name, url, secret, http, id: makeId }: WebhookOptions): Notifier {
  return {
    name,
    tell: async (notice, signal) => {
      if (!isSigningKey(secret)) return noKey;
      const id = makeId();
      const body = webhookBody(notice);
      const sent = await sendHttp(
        { url, body, headers: () => headersOf(secret, { id, body, now: http.clock.now() }), repeatUnanswered: true },
        http,
        signal,
      );
      const { tries } = sent;
      if (sent.kind === "unanswered")
        return { status: "failed", tries, detail: sent.reason, remedy: null, remember: { id } };
      const { status } = sent.answer;
      if (status >= 200 && status < 300) return { status: "delivered", tries, detail: `${status}`, remember: { id } };
      return { status: "failed", tries, ...refusal(status), remember: { id } };
    },
  };
}

/** Anybody could make the signature of an empty key. */
const noKey: Delivery = {
  status: "failed",
  tries: 0,
  detail: "its secret begins with whsec_, and what follows is no key in base64",
  remedy: "set the secret that `secret` names to the whole key, or to any other long text",
  remember: null,
};

/** What is sent: everything that is known of the notice, and a line for people. `version` changes when a field changes its meaning or goes. */
export function webhookBody(notice: Notice): string {
  return JSON.stringify({ version: 1, text: headline(notice), ...notice });
}

function headersOf(
  secret: string,
  { id, body, now }: { id: string; body: string; now: Date },
): Readonly<Record<string, string>> {
  const timestamp = Math.floor(now.getTime() / 1_000);
  return {
    "content-type": "application/json",
    "user-agent": "shiplock",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": signatureOf(secret, { id, timestamp, body }),
  };
}

function refusal(status: number): Pick<Extract<Delivery, { status: "failed" }>, "detail" | "remedy"> {
  if (status >= 300 && status < 400)
    return {
      detail: `it answered ${status}, a redirection`,
      remedy: "give the address that it leads to: none is followed",
    };
  if (status === 401 || status === 403)
    return {
      detail: `it answered ${status}`,
      remedy: "look whether both sides have the same secret, and the receiver's clock is right",
    };
  return { detail: `it answered ${status}`, remedy: "look at the receiver: its log says why" };
}
