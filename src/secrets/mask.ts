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
  const lines = value.split("\n").filter((line) => line.length >= 8);
  return [value, ...base64Forms(value), encodeURIComponent(value), JSON.stringify(value).slice(1, -1), ...lines];
}

/** By itself and inside something longer (a login header encodes `user:password`): there it may begin at any of three places of a group. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, "utf8");
  const inside = [0, 1, 2].map((shift) => {
    const text = Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .replace(/=+$/, "");
    // The first and last characters are mixed with the neighbours' bits.
    return text.slice(shift === 0 ? 0 : shift + 1, (shift + bytes.length) % 3 === 0 ? undefined : -1);
  });
  const plain = bytes.toString("base64");
  return [plain, plain.replace(/=+$/, ""), ...inside].flatMap((form) => [
    form,
    form.replaceAll("+", "-").replaceAll("/", "_"),
  ]);
}
