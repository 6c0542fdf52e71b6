/** One instruction of a Dockerfile. */
export type Instruction = {
  /** In capitals. */
  keyword: string;
  /** `--name=value` before the arguments. */
  flags: readonly { name: string; value: string }[];
  /** What follows, on one line, without the text of here-documents. */
  rest: string;
  /** Where it begins; the first line is 1. */
  line: number;
};

export type Dockerfile = {
  /** The image that reads the Dockerfile, of a line `# syntax=`; null for the builder's own. */
  syntax: string | null;
  instructions: readonly Instruction[];
};

const hereDocument = /<<-?\s*(["']?)([A-Za-z_][A-Za-z0-9_]*)\1/g;

/** Reads the instructions of a Dockerfile: as much of them as is needed to know what it builds on. What is wrong in it, BuildKit will say. */
export function readDockerfile(text: string): Dockerfile {
  const lines = text.replace(/^\uFEFF/, "").split(/\r?\n/);
  const directives = readDirectives(lines);
  const escape = directives.get("escape") === "`" ? "`" : "\\";
  const instructions: Instruction[] = [];
  let at = 0;
  while (at < lines.length) {
    const line = at + 1;
    let joined = "";
    for (let more = true; more && at < lines.length; at += 1) {
      const part = lines[at] ?? "";
      // Comments and empty lines between the lines of one instruction are not part of it.
      if (/^\s*(#|$)/.test(part)) {
        more = joined !== "";
        continue;
      }
      const continued = new RegExp(`\\${escape}[ \\t]*$`).exec(part);
      joined += continued === null ? part : `${part.slice(0, continued.index)} `;
      more = continued !== null;
    }
    const instruction = readInstruction(joined, line);
    if (instruction === null) continue;
    instructions.push(instruction);
    if (["RUN", "COPY", "ADD"].includes(instruction.keyword)) at = afterHereDocuments(lines, at, joined);
  }
  return { syntax: directives.get("syntax") ?? null, instructions };
}

function readDirectives(lines: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of lines) {
    const [, name, value] = /^#\s*([A-Za-z][A-Za-z0-9]*)\s*=\s*(.+?)\s*$/.exec(line) ?? [];
    if (name === undefined || value === undefined || found.has(name.toLowerCase())) return found;
    found.set(name.toLowerCase(), value);
  }
  return found;
}

function readInstruction(text: string, line: number): Instruction | null {
  const [, keyword, after = ""] = /^\s*([A-Za-z]+)(?:\s+(.*))?$/s.exec(text) ?? [];
  if (keyword === undefined) return null;
  const flags: { name: string; value: string }[] = [];
  let rest = after.trim();
  for (;;) {
    const flag = /^--([a-z][a-z-]*)(?:=("[^"]*"|\S*))?(?:\s+|$)/.exec(rest);
    if (flag === null) break;
    flags.push({ name: flag[1] ?? "", value: (flag[2] ?? "").replace(/^"(.*)"$/, "$1") });
    rest = rest.slice(flag[0].length);
  }
  return { keyword: keyword.toUpperCase(), flags, rest, line };
}

/** Where the lines go on after the here-documents that an instruction opens. */
function afterHereDocuments(lines: readonly string[], start: number, text: string): number {
  let at = start;
  for (const [opening, , name] of text.matchAll(hereDocument)) {
    const ends = (line: string): boolean => (opening.startsWith("<<-") ? line.replace(/^\t+/, "") : line) === name;
    const end = lines.findIndex((line, index) => index >= at && ends(line));
    // Text that only looks like one, as `1 << x`, opens nothing.
    if (end >= 0) at = end + 1;
  }
  return at;
}
