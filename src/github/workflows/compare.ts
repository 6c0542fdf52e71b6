import type { WorkflowFile } from "./types.ts";

/** What has to happen to a file of `.github/workflows`. */
export type FileChange = {
  readonly name: string;
  /** `stranger`: it has a name of ours, and somebody else wrote it. */
  readonly kind: "same" | "missing" | "differs" | "left-over" | "stranger";
  /** The lines that change, each with its number; for a file that differs. */
  readonly diff: readonly string[];
};

/** Every file that Shiplock makes begins so, whatever configuration it was made from. */
const mark = "# Made by `shiplock workflows` from ";

/** The first line of every file that Shiplock makes from a configuration: by it the program knows its own again. */
export function firstLine(configPath: string): string {
  return `${mark}${configPath}: change it there, and run \`shiplock workflows\` again.`;
}

/**
 * Compares the workflows that a configuration means with those that are there.
 * @param there the files of the folder, also others'
 * @param configPath as in `WorkflowInput`: files of another configuration of the repository are left alone
 */
export function compareWorkflows(
  wanted: readonly WorkflowFile[],
  there: readonly WorkflowFile[],
  configPath: string,
): FileChange[] {
  const known = new Map(there.map(({ name, text }) => [name, normal(text)]));
  const names = new Set(wanted.map(({ name }) => name));
  const own = firstLine(configPath);
  return [
    ...wanted.map(({ name, text }): FileChange => {
      const found = known.get(name);
      if (found === undefined) return { name, kind: "missing", diff: [] };
      if (found === text) return { name, kind: "same", diff: [] };
      if (!found.startsWith(mark)) return { name, kind: "stranger", diff: [] };
      return { name, kind: "differs", diff: diffOf(found, text) };
    }),
    ...[...known].flatMap(([name, text]): FileChange[] =>
      !names.has(name) && text.split("\n", 1)[0] === own ? [{ name, kind: "left-over", diff: [] }] : [],
    ),
  ];
}

/** As it was written: git may have put other line ends into a checkout. */
function normal(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

/**
 * The lines that one text lacks and the other has: `-` is in the file and not meant, `+` is meant and not in the file.
 */
function diffOf(found: string, wanted: string): string[] {
  const [left, right] = [found.split("\n"), wanted.split("\n")];
  const common = commonLengths(left, right);
  const lines: string[] = [];
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    if (i < left.length && j < right.length && left[i] === right[j]) {
      [i, j] = [i + 1, j + 1];
    } else if (j >= right.length || (i < left.length && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      lines.push(`${i + 1} - ${left[i] ?? ""}`);
      i += 1;
    } else {
      lines.push(`${j + 1} + ${right[j] ?? ""}`);
      j += 1;
    }
  }
  return lines;
}

/** Lengths of the longest common rest of both, from every line of each. */
function commonLengths(left: readonly string[], right: readonly string[]): readonly (readonly number[])[] {
  const table = Array.from({ length: left.length + 1 }, () => [...right.map(() => 0), 0]);
  for (let i = left.length - 1; i >= 0; i -= 1) {
    const [row = [], below = []] = [table[i], table[i + 1]];
    for (let j = right.length - 1; j >= 0; j -= 1)
      row[j] = left[i] === right[j] ? (below[j + 1] ?? 0) + 1 : Math.max(below[j] ?? 0, row[j + 1] ?? 0);
  }
  return table;
}
