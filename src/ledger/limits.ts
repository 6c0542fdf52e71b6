import { badLimit } from "./errors.ts";

/** Bytes of one log chunk at most, so that a page of chunks is a bounded amount of memory. */
export const LOG_CHUNK_BYTES = 64 * 1024;

/** Bytes of one deployment's log at most, unless told otherwise. */
export const LOG_DEPLOYMENT_BYTES = 128 * 1024 * 1024;

/** Bytes of one attachment at most, before they are compressed. */
export const ATTACHMENT_BYTES = 16 * 1024 * 1024;

/** Deployments of one environment that have not ended, at most. */
export const UNFINISHED_LIMIT = 100;

/** Entries of one page at most. */
export const PAGE_LIMIT = 1000;

/** The line that stands in a log where the rest was dropped. */
export const LOG_CUT_NOTICE = "[shiplock: the log is longer than the ledger keeps; the rest was dropped]\n";

/** Returns `limit` if a page may have so many entries. Errors: `ledger/bad-limit`. */
export function checkLimit(limit: number): number {
  if (!Number.isInteger(limit) || limit < 1 || limit > PAGE_LIMIT) throw badLimit(limit);
  return limit;
}

/**
 * Cuts text into pieces of at most `maxBytes` UTF-8 bytes (at least 4), never within a character. NUL becomes U+FFFD, because
 * PostgreSQL keeps no NUL in text.
 */
export function cutText(text: string, maxBytes: number = LOG_CHUNK_BYTES): string[] {
  const bytes = Buffer.from(text.replaceAll("\0", "\ufffd"), "utf8");
  const pieces: string[] = [];
  let start = 0;
  while (start < bytes.length) {
    let end = Math.min(start + maxBytes, bytes.length);
    while (end < bytes.length && isContinuation(bytes[end])) end -= 1;
    pieces.push(bytes.toString("utf8", start, end));
    start = end;
  }
  return pieces;
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}

/**
 * Which of `text`'s pieces a log still takes, given how many bytes it has already.
 * @returns the pieces to append (the notice last, where the limit is crossed just now) and whether everything was kept
 */
export function fitLog(
  text: string,
  usedBytes: number,
  limitBytes: number,
): { pieces: string[]; bytes: number; complete: boolean } {
  if (text === "") return { pieces: [], bytes: 0, complete: true };
  if (usedBytes > limitBytes) return { pieces: [], bytes: 0, complete: false };
  const pieces: string[] = [];
  let bytes = 0;
  for (const piece of cutText(text)) {
    const size = Buffer.byteLength(piece);
    if (usedBytes + bytes + size > limitBytes) {
      // Counting past the limit is what marks the log as cut, so the notice stands there once.
      return { pieces: [...pieces, LOG_CUT_NOTICE], bytes: limitBytes + 1 - usedBytes, complete: false };
    }
    pieces.push(piece);
    bytes += size;
  }
  return { pieces, bytes, complete: true };
}
