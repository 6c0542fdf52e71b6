import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { isUtf8 } from "node:buffer";
import type { Clock } from "../../clock.ts";
import { ShiplockError } from "../../errors.ts";
import type { ReceivedWebhook, SeenWebhooks, WebhookEvent, WebhookRefusal, WebhookRequest } from "./types.ts";
import { newestTimeOf } from "./webhook-time.ts";

/** GitHub sends no body above this. Who reads one from a connection stops here too. */
export const mostWebhookBytes = 25 * 1024 * 1024;

/** For so long GitHub lets people deliver something again; what is older comes from somebody who kept it. */
export const webhookWindowMs = 3 * 24 * 60 * 60 * 1000;

export type WebhookRules = {
  /** Any of them may have signed it: the new one first, the old one until GitHub uses it no longer. None of them is empty. */
  readonly secrets: readonly string[];
  readonly seen: SeenWebhooks;
  readonly clock: Clock;
  readonly mostBytes?: number;
  readonly windowMs?: number;
};

/**
 * Looks whether a request is a webhook that GitHub sent, and that was not taken before.
 *
 * The signature is over the body alone: neither the delivery's id nor the event's name nor a time of sending is signed. So what is remembered is the body's hash, not the id, which
 * whoever replays it could change; and how old it is, is judged by the times in the body, for as long as the memory reaches back.
 * @throws {ShiplockError} `github/webhook-no-secret` where there is no secret, and what `seen` throws
 */
export async function receiveWebhook(request: WebhookRequest, rules: WebhookRules): Promise<ReceivedWebhook> {
  const { secrets, seen, clock, mostBytes = mostWebhookBytes, windowMs = webhookWindowMs } = rules;
  demandSecrets(secrets);
  const read = readWebhook(request, secrets, mostBytes);
  if ("kind" in read) return read;

  const now = clock.now();
  const newest = newestTimeOf(read.name, read.body);
  if (newest !== null && newest.getTime() < now.getTime() - windowMs) return tooOld(newest);
  // A clock here that is behind must not forget it before it is too old.
  const until = new Date(Math.max(now.getTime(), newest?.getTime() ?? 0) + windowMs);
  const { delivery, fingerprint } = read;
  if (!(await seen.claim(fingerprint, { delivery, now, until }))) return { kind: "seen", status: 200, delivery };
  return { kind: "event", status: 202, event: read };
}

/** All that can be told from the request alone. */
function readWebhook(
  { headers, body }: WebhookRequest,
  secrets: readonly string[],
  mostBytes: number,
): WebhookEvent | Extract<ReceivedWebhook, { kind: "refused" }> {
  if (body.byteLength > mostBytes)
    return refusal(413, "too-large", `its body has ${body.byteLength} bytes, and ${mostBytes} are the most`);
  const signature = headerOf(headers, "x-hub-signature-256");
  if (signature === undefined)
    return refusal(401, "unsigned", "it has no signature: the header x-hub-signature-256 is missing");
  const secret = whichSigned(body, signature, secrets);
  if (secret === null) return refusal(401, "signature", "its signature fits none of the secrets");

  // From here on it is GitHub that speaks, or somebody who knows the secret.
  const name = headerOf(headers, "x-github-event");
  const delivery = headerOf(headers, "x-github-delivery");
  if (name === undefined || !/^[a-z0-9_]{1,100}$/.test(name) || delivery === undefined || !isDeliveryId(delivery))
    return refusal(400, "headers", "x-github-event or x-github-delivery is missing, or is none");
  const written = textOf(headerOf(headers, "content-type"), body);
  if (written === "other")
    return refusal(415, "content-type", "its content-type is neither application/json nor a form's");
  const document = written === null ? null : objectOf(written);
  if (document === null) return refusal(400, "body", "its body is no JSON object");
  return { delivery, name, secret, fingerprint: createHash("sha256").update(body).digest("hex"), body: document };
}

function demandSecrets(secrets: readonly string[]): void {
  // Anybody could sign with a secret that is empty.
  if (secrets.length > 0 && !secrets.includes("")) return;
  throw new ShiplockError({
    code: "github/webhook-no-secret",
    blame: "usage",
    message: "webhooks cannot be received: their secret is missing or empty",
    remedy: "set the secret that the webhook, or the App, has on GitHub",
  });
}

/** A header that is there once; one that is there twice says two things, and so nothing. */
function headerOf(headers: WebhookRequest["headers"], wanted: string): string | undefined {
  const values = Object.entries(headers).flatMap(([name, value]) =>
    name.toLowerCase() === wanted && value !== undefined ? value : [],
  );
  return values.length === 1 ? values[0] : undefined;
}

/** Every secret is tried, and each comparison takes as long as any other, so that the time tells nothing. */
function whichSigned(body: Uint8Array, signature: string, secrets: readonly string[]): number | null {
  const digits = /^sha256=([0-9a-f]{64})$/.exec(signature)?.[1];
  if (digits === undefined) return null;
  const given = Buffer.from(digits, "hex");
  const fits = secrets.map((secret) => timingSafeEqual(createHmac("sha256", secret).update(body).digest(), given));
  const first = fits.indexOf(true);
  return first === -1 ? null : first;
}

function isDeliveryId(id: string): boolean {
  return /^[0-9A-Za-z-]{1,100}$/.test(id);
}

/** The JSON of a body, which GitHub sends as it is or as a field of a form; null for what is no text, `other` for another kind of body. */
function textOf(contentType: string | undefined, body: Uint8Array): string | null {
  const type = contentType?.split(";")[0]?.trim().toLowerCase();
  if (type !== "application/json" && type !== "application/x-www-form-urlencoded") return "other";
  if (!isUtf8(body)) return null;
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  return type === "application/json" ? text : new URLSearchParams(text).get("payload");
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : null;
  } catch {
    return null;
  }
}

const remedies = {
  "too-large": "let the webhook send fewer events; GitHub itself sends no body above 25 MB",
  unsigned: "set a secret for the webhook on GitHub, the same as here; the older x-hub-signature is not taken",
  signature: "look whether both sides have the same secret, and whether something in between changes the body",
  headers: "look whether something in between takes headers away",
  "content-type": "choose application/json as the webhook's content type on GitHub",
  body: "look whether something in between changes the body",
} as const;

function refusal(
  status: 400 | 401 | 413 | 415,
  what: keyof typeof remedies,
  reason: string,
): Extract<ReceivedWebhook, { kind: "refused" }> {
  const code: WebhookRefusal = `github/webhook-${what}`;
  return { kind: "refused", status, code, reason, remedy: remedies[what] };
}

function tooOld(newest: Date): ReceivedWebhook {
  return {
    kind: "refused",
    status: 400,
    code: "github/webhook-too-old",
    reason: `what it tells of happened at ${newest.toISOString()}, too long ago to be delivered again`,
    remedy: "look at the clock here; otherwise somebody sends an old webhook once more",
  };
}
