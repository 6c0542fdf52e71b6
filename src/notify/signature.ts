import { createHmac } from "node:crypto";

/**
 * The signature of a message as the Standard Webhooks specification writes it: HMAC-SHA256 over `id.timestamp.body`, in base64, after the scheme's version.
 * @param secret `whsec_` and base64 of the key, as that specification has it; any other text is the key itself, in UTF-8
 * @param message `timestamp` in seconds since the epoch; `body` as it is sent, byte for byte
 */
export function signatureOf(secret: string, message: { id: string; timestamp: number; body: string }): string {
  const signed = `${message.id}.${message.timestamp}.${message.body}`;
  return `v1,${createHmac("sha256", keyOf(secret)).update(signed, "utf8").digest("base64")}`;
}

/** Whether a secret can be the key of a signature: what follows `whsec_` has to be base64 of something. */
export function isSigningKey(secret: string): boolean {
  return secret.startsWith("whsec_")
    ? /^whsec_(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}(?:==)?|[A-Za-z0-9+/]{3}=?)?$/.test(secret)
    : secret !== "";
}

function keyOf(secret: string): Buffer {
  return secret.startsWith("whsec_")
    ? Buffer.from(secret.slice("whsec_".length), "base64")
    : Buffer.from(secret, "utf8");
}
