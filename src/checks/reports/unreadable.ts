import { ShiplockError } from "../../errors.ts";

/** Larger reports are not read: 64 MiB. */
export const reportBytesAtMost = 64 * 1024 * 1024;

/** A report that is there and cannot be understood. */
export function unreadable(file: string, why: string, cause?: unknown): ShiplockError {
  return new ShiplockError({
    code: "check/report-unreadable",
    message: `the report cannot be read: ${why}`,
    where: file,
    remedy: "look at what writes it: the tool may have been ended while it wrote, or writes another format",
    cause,
  });
}

/**
 * Bytes as text: UTF-8, or UTF-16 where they begin with its mark.
 * @param encoding what the report itself says it is written in
 * @throws ShiplockError `check/report-unreadable`
 */
export function decodeReport(bytes: Uint8Array, file: string, encoding?: string): string {
  if (bytes.byteLength > reportBytesAtMost) {
    throw unreadable(file, `it has ${bytes.byteLength} bytes, and ${reportBytesAtMost} are the most`);
  }
  if (bytes.byteLength === 0) throw unreadable(file, "it is empty");
  const name = markOf(bytes) ?? encoding ?? "utf-8";
  try {
    return new TextDecoder(name, { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unreadable(file, `it is not text in ${name}`, cause);
  }
}

/**
 * The value that the bytes hold as JSON.
 * @throws ShiplockError `check/report-unreadable`
 */
export function decodeJsonReport(bytes: Uint8Array, file: string): unknown {
  const text = decodeReport(bytes, file);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw unreadable(file, "it is not JSON, or was cut off", cause);
  }
}

function markOf(bytes: Uint8Array): string | undefined {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return "utf-16le";
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return "utf-16be";
  return bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? "utf-8" : undefined;
}
