export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject;
export type JsonObject = { readonly [key: string]: JsonValue | undefined };

/** Whether a parsed value is a JSON object (not an array, not null). */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object under `key`, or an empty one where the engine left it out or wrote null. */
export function objectAt(value: unknown, key: string): JsonObject {
  const found = isObject(value) ? value[key] : undefined;
  return isObject(found) ? found : {};
}

/** The list under `key`, or an empty one. */
export function listAt(value: unknown, key: string): readonly JsonValue[] {
  const found = isObject(value) ? value[key] : undefined;
  return Array.isArray(found) ? (found as readonly JsonValue[]) : [];
}

/** The text under `key`, or "". */
export function textAt(value: unknown, key: string): string {
  const found = isObject(value) ? value[key] : undefined;
  return typeof found === "string" ? found : "";
}

/** The number under `key`, or 0. */
export function numberAt(value: unknown, key: string): number {
  const found = isObject(value) ? value[key] : undefined;
  return typeof found === "number" ? found : 0;
}

/** Whether the value under `key` is `true`. */
export function flagAt(value: unknown, key: string): boolean {
  return isObject(value) && value[key] === true;
}

/** The texts in the list under `key`; anything else in it is left out. */
export function textsAt(value: unknown, key: string): string[] {
  return listAt(value, key).filter((item) => typeof item === "string");
}

/** The object under `key` as a map of texts; anything else in it is left out. */
export function textMapAt(value: unknown, key: string): Record<string, string> {
  const entries = Object.entries(objectAt(value, key));
  return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
