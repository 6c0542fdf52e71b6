/** Data whose canonical form is wanted: JSON, where what is undefined counts as null. */
export type Data = string | number | boolean | null | undefined | readonly Data[] | { readonly [key: string]: Data };

/**
 * One text for one meaning: keys of objects in a fixed order, lists in their own, every text quoted, so that no value can run into its neighbour.
 */
export function canonical(data: Data): string {
  if (data === undefined || data === null) return "null";
  if (isList(data)) return `[${data.map(canonical).join(",")}]`;
  if (typeof data !== "object") return JSON.stringify(data);
  const entries = Object.entries(data).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${canonical(value)}`).join(",")}}`;
}

// Array.isArray does not narrow read-only lists.
function isList(data: Data): data is readonly Data[] {
  return Array.isArray(data);
}
