import type { Clock } from "../clock.ts";

/** What the other side answered. */
export type HttpAnswer = {
  status: number;
  /** At most 64 KiB of it. */
  body: string;
  /** Milliseconds that the other side asks to wait; null where it does not. */
  retryAfterMs: number | null;
};

export type HttpMessage = {
  url: string;
  body: string;
  /** Headers of a try; called for each, so that a time stamp is of that try. */
  headers: () => Readonly<Record<string, string>>;
  /** Whether a try without an answer, or with one of a broken server, is made again where the other side may have acted on it. */
  repeatUnanswered: boolean;
};

export type HttpTools = {
  clock: Clock;
  /** From 0 (included) to 1 (not included), spreads out who tries again. */
  random: () => number;
  /** For one try; milliseconds. */
  tryMs?: number;
};

export type HttpSent =
  | { kind: "answered"; answer: HttpAnswer; tries: number }
  /** `reached`: the other side may have heard it. */
  | { kind: "unanswered"; reason: string; reached: boolean; tries: number };

const triesAtMost = 4;
const firstPauseMs = 500;
/** Who asks for a longer pause than this is not waited for. */
const longestPauseMs = 10_000;
const bodyBytes = 64 * 1024;

/**
 * Sends a message by POST. What may succeed later (no connection, 408, 429, 5xx) is tried again, 4 times in all, with pauses that double and are spread by
 * chance, or as the other side asks. Redirections are not followed: a signed message goes where it was addressed to.
 * @param signal aborted when time is over; ends a try and a pause at once
 */
export async function sendHttp(message: HttpMessage, tools: HttpTools, signal: AbortSignal): Promise<HttpSent> {
  for (let tries = 1; ; tries += 1) {
    const sent = await tryOnce(message, tools, signal, tries);
    const pause = tries >= triesAtMost ? null : pauseAfter(sent, message, tools, tries);
    if (pause === null) return sent;
    try {
      await tools.clock.wait(pause, signal);
    } catch {
      // Only the signal ends a pause early; what the last try answered is still the best that can be said.
      return sent;
    }
  }
}

/** The pause before the next try in milliseconds; null if there is none. */
function pauseAfter(sent: HttpSent, message: HttpMessage, { random }: HttpTools, tries: number): number | null {
  const backoff = firstPauseMs * 2 ** (tries - 1) * (0.5 + random() / 2);
  if (sent.kind === "unanswered") return message.repeatUnanswered || !sent.reached ? backoff : null;
  const { status, retryAfterMs } = sent.answer;
  if (status !== 408 && status !== 429 && status < 500) return null;
  // Whoever stands between says 502 or 504 of a message that has arrived, and who failed with 500 may have failed afterwards.
  if (!message.repeatUnanswered && status >= 500 && status !== 503) return null;
  if (retryAfterMs === null) return backoff;
  return retryAfterMs <= longestPauseMs ? retryAfterMs : null;
}

async function tryOnce(
  { url, body, headers }: HttpMessage,
  { tryMs = 5_000, clock }: HttpTools,
  signal: AbortSignal,
  tries: number,
): Promise<HttpSent> {
  const timeout = AbortSignal.timeout(tryMs);
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: headers(),
      body,
      redirect: "manual",
      signal: AbortSignal.any([signal, timeout]),
    });
    const text = await readSome(response);
    const retryAfterMs = parseRetryAfter(response.headers.get("retry-after"), clock.now());
    return { kind: "answered", answer: { status: response.status, body: text, retryAfterMs }, tries };
  } catch (error) {
    if (timeout.aborted && !signal.aborted)
      return { kind: "unanswered", reason: `it did not answer within ${tryMs / 1_000} s`, reached: true, tries };
    if (signal.aborted)
      return { kind: "unanswered", reason: "it had not answered when time was over", reached: true, tries };
    const reached = !neverSent.has(codeOf(error) ?? "");
    return { kind: "unanswered", reason: connectionWords(error), reached, tries };
  }
}

/** Seconds, or a date, as milliseconds from now; null where it is neither. */
export function parseRetryAfter(text: string | null, now: Date): number | null {
  if (text === null) return null;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1_000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : Math.max(0, at - now.getTime());
}

async function readSome(response: Response): Promise<string> {
  if (response.body === null) return "";
  const chunks: Uint8Array[] = [];
  let left = bodyBytes;
  for await (const chunk of response.body) {
    chunks.push(chunk.subarray(0, left));
    left -= chunk.length;
    // Leaving the loop cancels the rest.
    if (left <= 0) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it closed the connection without an answer",
  UND_ERR_SOCKET: "it closed the connection without an answer",
  ENOTFOUND: "there is no host of this name",
  EAI_AGAIN: "its name could not be looked up",
  EHOSTUNREACH: "there is no way to this host",
  ENETUNREACH: "there is no way to this host",
  DEPTH_ZERO_SELF_SIGNED_CERT: "its certificate is signed by itself, and not trusted",
  SELF_SIGNED_CERT_IN_CHAIN: "its certificate is signed by an authority that is not trusted",
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: "its certificate is signed by an authority that is not trusted",
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: "its certificate is signed by an authority that is not trusted",
  CERT_HAS_EXPIRED: "its certificate has expired",
  ERR_TLS_CERT_ALTNAME_INVALID: "its certificate is for another name",
};

/** There was no connection that anything could have been sent over. */
const neverSent: ReadonlySet<string> = new Set([
  ...["ECONNREFUSED", "ENOTFOUND", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "UND_ERR_CONNECT_TIMEOUT"],
]);

/** Why a connection failed, in words. The address is left out: it may be a secret. */
export function connectionWords(error: unknown): string {
  return wordsOfCode(codeOf(error));
}

/** @param code of the operating system or of Node.js; null where there is none */
export function wordsOfCode(code: string | null): string {
  return (code === null ? undefined : words[code]) ?? `the connection failed${code === null ? "" : ` (${code})`}`;
}

function codeOf(error: unknown): string | null {
  if (!(error instanceof Error)) return null;
  if ("code" in error && typeof error.code === "string") return error.code;
  return codeOf(error.cause);
}
