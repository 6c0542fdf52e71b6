import { printable } from "../cli/output.ts";

/** What stands for itself in Markdown wherever it is written; everything else is written as a reference to its character. */
const literal = /www\.|[^\p{L}\p{N} ,;='"%/.?-]/giu;

/** Text of any origin as Markdown that shows exactly it: no markup, no HTML, no link, no second cell or line. */
export function plain(text: string): string {
  const line = printable(text.replace(/\s*[\r\n\u2028\u2029]+\s*/g, " "));
  return line.replace(literal, (found) => [...found].map(reference).join(""));
}

function reference(character: string): string {
  return character === "w" || character === "W" ? character : `&#${character.codePointAt(0) ?? 0xfffd};`;
}

export function code(text: string): string {
  return `<code>${plain(text)}</code>`;
}

/** @param address one of ours, which is a link; one of outside origin is shown as text unless it is an http address without anything odd */
export function link(text: string, address: string | null): string {
  if (address === null || !/^https?:\/\/[\w.:/%?&=#~+@-]+$/.test(address)) return plain(text);
  return `<a href="${address.replaceAll("&", "&amp;")}">${plain(text)}</a>`;
}

/** A text of several lines, as it is. */
export function block(lines: readonly string[]): string {
  return `<pre>${lines.map(plain).join("&#10;")}</pre>`;
}

/** A table; its cells are Markdown of one line. Empty where there is no row. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line), ""];
}

/** What is folded away until somebody opens it. */
export function folded(title: string, inside: readonly string[]): string[] {
  return inside.length === 0 ? [] : [`<details><summary>${plain(title)}</summary>`, "", ...inside, "</details>", ""];
}

/** A text that is not longer than so many characters. */
export function shortened(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
