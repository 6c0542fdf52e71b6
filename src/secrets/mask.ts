/** Shorter values would mask ordinary text. */
const shortestMasked = 4;
const mask = "***";

/**
 * Replaces secret values wherever they appear in text: as they are, base64 encoded, URL-encoded or inside JSON. Longer forms first, so that none is left in part.
 * @param values the secrets' values; those under four characters are left alone
 */
export function createMasker(values: Iterable<string>): (text: string) => string {
  const forms = new Set<string>();
  for (const value of values) for (const form of formsOf(value)) if (form.length >= shortestMasked) forms.add(form);
  const ordered = [...forms].sort((left, right) => right.length - left.length);
  if (ordered.length === 0) return (text) => text;
  const pattern = new RegExp(ordered.map((form) => RegExp.escape(form)).join("|"), "g");
  return (text) => text.replaceAll(pattern, mask);
}

function formsOf(value: string): string[] {
  const base64 = Buffer.from(value, "utf8").toString("base64");
  const lines = value.split("\n").filter((line) => line.length >= 8);
  return [
    value,
    base64,
    base64.replace(/=+$/, ""),
    encodeURIComponent(value),
    JSON.stringify(value).slice(1, -1),
    ...lines,
  ];
}
