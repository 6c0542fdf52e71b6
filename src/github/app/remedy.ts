import { ShiplockError } from "../../errors.ts";

/** An error of this code with another thing to do about it, where more is known than the status says; `as` names it anew. */
export function withRemedy(error: unknown, code: string, remedy: string, as = code): unknown {
  if (!(error instanceof ShiplockError) || error.code !== code) return error;
  return new ShiplockError({ code: as, message: error.message, remedy, cause: error.cause });
}
