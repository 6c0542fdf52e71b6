/** A text as YAML holds it anywhere, also between brackets: in quotes where it could be taken for something else. */
export function scalar(text: string): string {
  const plain =
    /^[A-Za-z_./~][\w./@:~+-]*$/.test(text) && !/:$|^(?:true|false|null|yes|no|on|off|y|n|~|\.inf|\.nan)$/i.test(text);
  return plain ? text : JSON.stringify(text);
}

/** A list between brackets. */
export function flowList(texts: readonly string[]): string {
  return `[${texts.map(scalar).join(", ")}]`;
}

/** Lines, moved to the right. */
export function indent(lines: readonly string[], by = 2): readonly string[] {
  return lines.map((line) => (line === "" ? "" : `${" ".repeat(by)}${line}`));
}

/** A mapping of texts, line by line, below its key; nothing where it is empty. */
export function block(key: string, entries: readonly (readonly [string, string])[]): readonly string[] {
  if (entries.length === 0) return [];
  return [`${key}:`, ...entries.map(([name, value]) => `  ${scalar(name)}: ${scalar(value)}`)];
}
