import { ShiplockError } from "../errors.ts";
import type { NoticeEvent } from "../notify/types.ts";

/** Lines of what stands behind an error that are told. */
const linesTold = 20;

/**
 * What is told of a command that ended with an error before its deployment could tell it itself.
 * @param inCi whether nobody sits before it: a mistake in the command line or the configuration is told only then
 * @returns null where nobody has to know
 */
export function failureNotice(
  error: unknown,
  inCi: boolean,
): { event: NoticeEvent; outcome: string; lastLines: readonly string[] } | null {
  if (!(error instanceof ShiplockError))
    return { event: "failed", outcome: error instanceof Error ? error.message : String(error), lastLines: [] };
  if (error.blame === "usage" && !inCi) return null;
  const { message, details } = error;
  return { event: eventOf(error), outcome: message, lastLines: details.slice(-linesTold) };
}

function eventOf({ code, blame }: ShiplockError): NoticeEvent {
  if (code.startsWith("check/")) return "check-failed";
  if (code === "gate/scan") return "scan-blocked";
  if (blame === "gate") return "blocked";
  return /^(?:build|ship|registry|source)\//.test(code) ? "build-failed" : "failed";
}
