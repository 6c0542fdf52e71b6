import { isDeepStrictEqual } from "node:util";
import { notJson } from "./errors.ts";

/** The JSON text of a payload. Errors: `ledger/not-json` for what JSON cannot carry (undefined, functions, cycles, bigint). */
export function encodeJson(value: unknown, what: string): string {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch (cause) {
    throw notJson(what, cause);
  }
  if (text === undefined) throw notJson(what);
  return text;
}

/** The value of a JSON text that this ledger wrote. */
export function decodeJson(text: string): unknown {
  return JSON.parse(text);
}

/** Whether two JSON texts say the same, whatever the order of keys. */
export function sameJson(left: string, right: string): boolean {
  return left === right || isDeepStrictEqual(decodeJson(left), decodeJson(right));
}
