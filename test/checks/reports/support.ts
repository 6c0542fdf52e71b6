import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { ShiplockError } from "../../../src/errors.ts";

/** A report that lies beside this file. */
export function fixture(name: string): Promise<Uint8Array> {
  return readFile(new URL(name, import.meta.url));
}

/** A report as its tool writes it. */
export function text(written: string): Uint8Array {
  return new TextEncoder().encode(written);
}

/** The error by which a report is refused; it names the file. */
export function refusal(read: () => unknown): ShiplockError {
  try {
    read();
  } catch (error) {
    assert.ok(error instanceof ShiplockError, String(error));
    assert.equal(error.code, "check/report-unreadable");
    assert.ok(error.where !== undefined && error.remedy !== undefined);
    return error;
  }
  return assert.fail("it was read");
}
