import { beginning, type BrokenLog, holdsHead, verifyChain } from "./chain.ts";
import type { AuditHead, AuditReading } from "./types.ts";

/** An end of the log that somebody remembers: where from, its hash or the beginning of it, and which entry it was, if that is known. */
export type KnownHead = { readonly hash: string; readonly sequence: number | null; readonly from: string };

/** What is wrong with a log: a line of it, or that it has not an end that it had once. */
export type LogProblem =
  | ({ readonly kind: "line" } & BrokenLog)
  | { readonly kind: "rewritten"; readonly head: KnownHead };

/**
 * Looks whether a whole log is what it was: in itself, against the end that the environment record has, and against ends that others remember.
 * @param reading all of it
 * @returns the first thing that is wrong; null for none
 */
export function judgeLog(
  { lines, head }: AuditReading,
  whose: { project: string; environment: string },
  known: readonly KnownHead[] = [],
): LogProblem | null {
  const start = beginning(whose.project, whose.environment);
  const broken = verifyChain(lines, head, start);
  if (broken !== null) return { kind: "line", ...broken };
  const missing = known.find((each) => !stands(lines, each, start));
  return missing === undefined ? null : { kind: "rewritten", head: missing };
}

/** Of a log that fits itself the hash at an entry's place says all there is before it. */
function stands(lines: readonly string[], { hash, sequence }: KnownHead, start: string): boolean {
  if (sequence === null) return holdsHead(lines, hash, start);
  if (sequence === 0) return hash === start;
  return holdsHead(lines.slice(sequence - 1, sequence), hash, "");
}

/** The end of a log in a few words, for people: enough of it to be given to `shiplock audit --verify --head`. */
export function headText({ sequence, hash }: AuditHead): string {
  return `${sequence === 1 ? "1 entry" : `${sequence} entries`}, head ${hash.slice(0, shownOfHash)}`;
}

const shownOfHash = 16;
