/** Reads a value of unknown shape: what is not there, or of another kind, is answered as empty, so rules need not mind other errors. */
export function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  let value = raw;
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

/** Names and values of a mapping; none when it is something else. */
export function entriesOf(raw: unknown): readonly [string, unknown][] {
  return typeof raw === "object" && raw !== null && !Array.isArray(raw) ? Object.entries(raw) : [];
}

/** Items of a list with their index; a single text counts as a list of one at no index; none when it is something else. */
export function itemsOf(raw: unknown): readonly unknown[] {
  return Array.isArray(raw) ? raw : [];
}

/** The text, or undefined when it is something else. */
export function textOf(raw: unknown): string | undefined {
  return typeof raw === "string" ? raw : undefined;
}
