/** A name for images, services and environments out of any text: lower-case letters, digits and hyphens. */
export function plainName(text: string | undefined, otherwise: string): string {
  const name = (text ?? "")
    .replace(/^@[^/]*\//, "")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "-")
    .replaceAll(/^[^a-z]+|-+$/g, "")
    .slice(0, 31)
    .replace(/-+$/, "");
  return name === "" ? otherwise : name;
}

/** A name that is not taken yet: "api", "api-2". */
export function freeName(wanted: string, taken: readonly string[]): string {
  for (let count = 1; ; count += 1) {
    const name = count === 1 ? wanted : `${wanted}-${count}`;
    if (!taken.includes(name)) return name;
  }
}
