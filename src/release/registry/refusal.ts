import { z } from "zod";
import { ShiplockError } from "../../errors.ts";
import { registryError } from "./errors.ts";
import { parseJson } from "./manifest.ts";
import type { HttpAnswer } from "./transport.ts";

const errorBody = z.object({ errors: z.array(z.object({ code: z.string(), message: z.string().catch("") })) });

/** The error for an answer that is no success: by its status, and by the codes of the distribution specification. */
export function refusal(answer: HttpAnswer, where: string): ShiplockError {
  const { status } = answer;
  const found = errorsOf(answer);
  const said = found.map(({ code, message }) => `${code}: ${message}`);
  const what = `${where}${said[0] ? ` (${said[0]})` : ` (status ${status})`}`;
  if (saysExpired(answer)) return registryError("registry/unauthorized", `${what}; it has expired`, { where });
  const has = (...codes: string[]) => found.some(({ code }) => codes.includes(code));
  const challenge = answer.headers.get("www-authenticate") ?? "";
  if (status === 403 || (status === 401 && (has("DENIED") || challenge.includes("insufficient_scope")))) {
    return registryError("registry/denied", what, { where });
  }
  if (status === 401) return registryError("registry/unauthorized", what, { where });
  // A manifest whose parts are missing is refused with 400 by some and 404 by others.
  if (status === 404 || has("MANIFEST_BLOB_UNKNOWN", "MANIFEST_UNKNOWN", "BLOB_UNKNOWN", "NAME_UNKNOWN")) {
    return registryError("registry/not-found", what, { where });
  }
  return registryError("registry/bad-answer", what, { where });
}

/** Whether a login was not taken: 401, or what ECR says of one whose time is over (403 or 400). An answer to HEAD has no words, so it may be that. */
export function refusesLogin(answer: HttpAnswer, method: string): boolean {
  if (answer.status === 401 || saysExpired(answer)) return true;
  return method === "HEAD" && (answer.status === 400 || answer.status === 403);
}

function saysExpired(answer: HttpAnswer): boolean {
  if (answer.status !== 400 && answer.status !== 401 && answer.status !== 403) return false;
  return errorsOf(answer).some(({ message }) => /\btoken (?:has )?expired\b/i.test(message));
}

export function isUnauthorized(error: unknown): boolean {
  return error instanceof ShiplockError && error.code === "registry/unauthorized";
}

/** The errors of the distribution specification that an answer holds. */
export function errorsOf(answer: HttpAnswer): { code: string; message: string }[] {
  try {
    return errorBody.parse(parseJson(answer.body, "")).errors;
  } catch {
    // Not every refusal has a body to read; the status says enough then.
    return [];
  }
}
