import { ShiplockError } from "../../errors.ts";

/** A scan that gave no answer. It blocks: what nobody looked at is not known to be good. */
export function scanError(
  code: "scan/scanner-missing" | "scan/timeout" | "scan/failed" | "scan/unreadable" | "scan/other-image",
  message: string,
  more: { remedy: string; details?: readonly string[]; cause?: unknown },
): ShiplockError {
  return new ShiplockError({ code, blame: "gate", message, ...more });
}
