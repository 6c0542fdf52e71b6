import { messageOf } from "../errors.ts";

/** The status of an answer, or why there was none. */
export type PublicAnswer = number | { failure: string };

/** `GET` of an address as somebody outside would send it; a redirect is an answer. Never rejects: that nothing answers is what is being asked. */
export async function fetchPublic(url: string, signal: AbortSignal): Promise<PublicAnswer> {
  try {
    const response = await fetch(url, { signal, redirect: "manual" });
    await response.body?.cancel();
    return response.status;
  } catch (error) {
    // `fetch failed` says nothing; what it was caused by does.
    return { failure: messageOf(error instanceof Error ? (error.cause ?? error) : error) };
  }
}
