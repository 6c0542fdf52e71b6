const LONGEST = 60;

/**
 * Text made safe to print: control, bidirectional, invisible and unassigned characters appear as `\u{…}`, so a name can neither move the
 * cursor nor look like another one.
 */
export function plain(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** A value as an error names it: the kind of it, and the value itself when it is short and simple. */
export function describeValue(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "nothing (null)";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "a mapping";
  if (typeof value === "string") return quote(value);
  if (typeof value === "number") return `the number ${value}`;
  if (typeof value === "boolean") return `the value ${value}`;
  return `a ${typeof value}`;
}

/** The kind of a value without the value: for what may be a secret. */
export function describeKind(value: unknown): string {
  return typeof value === "string" ? "something else" : describeValue(value).replace(/^the number .*/, "a number");
}

/** Text in double quotes, escaped and cut to a length that fits a line. */
export function quote(text: string): string {
  const characters = [...text];
  const cut = characters.length > LONGEST ? `${characters.slice(0, LONGEST).join("")}…` : text;
  return `"${plain(cut).replaceAll('"', '\\"')}"`;
}

/** A key path as people write it: `environments.staging.smoke[0].get`. The empty path is the whole file. */
export function formatPath(path: readonly PropertyKey[]): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (/^[\w-]+$/.test(String(part))) text += text === "" ? String(part) : `.${String(part)}`;
    else text += `[${quote(String(part))}]`;
  }
  return text === "" ? "the file" : text;
}

/** `a, b or c`. */
export function oneOf(words: readonly string[]): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
