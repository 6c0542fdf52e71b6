import type { Clock } from "../../clock.ts";
import { messageOf, ShiplockError } from "../../errors.ts";
import { registryError } from "./errors.ts";

export type Transport = {
  fetch: typeof globalThis.fetch;
  clock: Clock;
  /** From 0 to below 1; spreads the pauses between attempts. */
  random: () => number;
  /** How often a request is sent at most. */
  attempts: number;
  /** Milliseconds for one attempt, body included. */
  attemptTimeoutMs: number;
};

/** Until when (by `clock.elapsed`) a call has to end, and how its caller can end it sooner. */
export type Budget = { deadline: number; signal: AbortSignal | undefined };

export type HttpRequest = {
  method: "GET" | "HEAD" | "PUT" | "POST" | "DELETE";
  url: URL;
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array;
  /** Bytes of an answer that are read at most. */
  maxBytes: number;
  /** Whether plain http is allowed. */
  insecure: boolean;
  /** What the request is about, for errors. */
  where: string;
};

export type HttpAnswer = { status: number; headers: Headers; body: Uint8Array };

const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;
const REDIRECTS = 5;

/**
 * Sends a request until it is answered with anything but a failure that may pass: network, time-out, 408, 429, 5xx. Pauses double,
 * with full jitter; `Retry-After` counts where it is given. The requests here may all be repeated.
 * Errors: `registry/unavailable`, `registry/rate-limited`, `registry/bad-answer`; the signal's reason.
 */
export async function send(transport: Transport, request: HttpRequest, budget: Budget): Promise<HttpAnswer> {
  for (let attempt = 1; ; attempt += 1) {
    const outcome = await attemptOnce(transport, request, budget);
    if (outcome.kind === "answer") return outcome.answer;
    const ceiling = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (attempt - 1));
    const pause = outcome.retryAfterMs ?? ceiling * transport.random();
    const tooLate = transport.clock.elapsed() + pause >= budget.deadline;
    if (tooLate || attempt >= transport.attempts || outcome.kind === "final") throw outcome.error;
    await transport.clock.wait(pause, budget.signal);
  }
}

type Outcome =
  | { kind: "answer"; answer: HttpAnswer }
  | { kind: "again" | "final"; error: ShiplockError; retryAfterMs: number | null };

async function attemptOnce(transport: Transport, request: HttpRequest, budget: Budget): Promise<Outcome> {
  const { where } = request;
  budget.signal?.throwIfAborted();
  let answer: HttpAnswer;
  try {
    answer = await exchange(transport, request, budget);
  } catch (cause) {
    budget.signal?.throwIfAborted();
    if (cause instanceof ShiplockError) throw cause;
    const reason = rootOf(cause);
    const kind = isPermanent(reason) ? "final" : "again";
    const what = `${request.url.host} (${messageOf(reason)})`;
    return { kind, error: registryError("registry/unavailable", what, { where, cause }), retryAfterMs: null };
  }
  const { status } = answer;
  const retryAfterMs = readRetryAfter(answer.headers.get("retry-after"), transport.clock.now());
  if (status === 429) {
    const hint = retryAfterMs === null ? "" : ` (again in ${Math.ceil(retryAfterMs / 1000)} s)`;
    const error = registryError("registry/rate-limited", `${request.url.host}${hint}`, { where });
    return { kind: "again", error, retryAfterMs };
  }
  if (status >= 500 || status === 408) {
    const error = registryError("registry/unavailable", `${request.url.host} (status ${status})`, { where });
    return { kind: status === 501 ? "final" : "again", error, retryAfterMs };
  }
  return { kind: "answer", answer };
}

/** One exchange, redirects followed: without the login to another origin, and never from https to http. */
async function exchange(transport: Transport, request: HttpRequest, budget: Budget): Promise<HttpAnswer> {
  const left = Math.max(1, Math.ceil(budget.deadline - transport.clock.elapsed()));
  const timeout = AbortSignal.timeout(Math.min(transport.attemptTimeoutMs, left));
  const signal = budget.signal ? AbortSignal.any([budget.signal, timeout]) : timeout;
  const { method, body, where } = request;
  const headers = new Headers(request.headers);
  let { url } = request;
  for (let hop = 0; hop <= REDIRECTS; hop += 1) {
    if (url.protocol !== "https:" && !(request.insecure && url.protocol === "http:")) {
      throw registryError("registry/bad-answer", `it points to ${url.protocol}//${url.host}, which is not encrypted`, {
        where,
      });
    }
    const response = await transport.fetch(url, {
      method,
      headers,
      redirect: "manual",
      signal,
      ...(body === undefined ? {} : { body: Uint8Array.from(body) }),
    });
    const location = method === "GET" || method === "HEAD" ? redirectOf(response) : null;
    if (location === null) {
      return {
        status: response.status,
        headers: response.headers,
        body: await readBody(response, request.maxBytes, where),
      };
    }
    await response.body?.cancel();
    const next: URL | null = URL.parse(location, url.href);
    if (next === null) throw registryError("registry/bad-answer", "a redirect to no address", { where });
    if (next.origin !== url.origin) headers.delete("authorization");
    url = next;
  }
  throw registryError("registry/bad-answer", `more than ${REDIRECTS} redirects`, { where });
}

function redirectOf(response: Response): string | null {
  return [301, 302, 303, 307, 308].includes(response.status) ? response.headers.get("location") : null;
}

async function readBody(response: Response, maxBytes: number, where: string): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let size = 0;
  for await (const piece of response.body ?? []) {
    size += piece.byteLength;
    // Leaving the loop cancels the stream and so the connection.
    if (size > maxBytes) throw registryError("registry/bad-answer", `more than ${maxBytes} bytes`, { where });
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

/** Milliseconds that a Retry-After header asks to wait (seconds or a date), or null. */
export function readRetryAfter(header: string | null, now: Date): number | null {
  if (header === null) return null;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now.getTime());
}

/** `fetch` says only "fetch failed"; what happened is its cause. */
function rootOf(cause: unknown): unknown {
  return cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
}

/** Certificates and protocols that do not fit will not fit in a second either. */
function isPermanent(reason: unknown): boolean {
  const code = String((reason as { code?: unknown } | null)?.code ?? "");
  return /^(?:ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO|ERR_INVALID)/.test(code);
}
