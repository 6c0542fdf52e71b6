import { RequestError } from "@octokit/request-error";

/** Where GitHub says nothing about when to come back: it asks for at least a minute after a secondary limit. */
const secondaryMs = 60_000;
const firstPauseMs = 500;

/**
 * How long to wait before a call is repeated; null where repeating it makes nothing better, or could do twice what shall be done once.
 * After https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api.
 * @param about.reads whether the call changes nothing
 * @param about.attempt counts from 1
 * @returns milliseconds
 */
export function repeatAfterMs(
  error: unknown,
  about: { reads: boolean; attempt: number; now: Date; random: () => number },
): number | null {
  if (!(error instanceof RequestError)) return null;
  const { response, status } = error;
  if (response !== undefined && isRateLimited(error)) return limitPauseMs(response.headers, about.now);
  const mayPass = response === undefined || status >= 500;
  if (!about.reads || !mayPass) return null;
  return firstPauseMs * 2 ** (about.attempt - 1) * (0.5 + about.random());
}

/** GitHub refuses with 403 or 429, and says in a header or in the message that it was asked too often. What was refused so had no effect. */
export function isRateLimited({ status, response, message }: RequestError): boolean {
  if (status === 429) return true;
  if (status !== 403 || response === undefined) return false;
  const { headers } = response;
  return (
    headers["retry-after"] !== undefined || headers["x-ratelimit-remaining"] === "0" || /rate limit/i.test(message)
  );
}

function limitPauseMs(headers: Readonly<Record<string, unknown>>, now: Date): number {
  const seconds = Number(headers["retry-after"]);
  if (headers["retry-after"] !== undefined && Number.isFinite(seconds)) return Math.max(seconds, 0) * 1000;
  const reset = Number(headers["x-ratelimit-reset"]);
  if (headers["x-ratelimit-remaining"] === "0" && Number.isFinite(reset))
    return Math.max(reset * 1000 - now.getTime(), 0) + 1000;
  return secondaryMs;
}
