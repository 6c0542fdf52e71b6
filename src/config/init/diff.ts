/** Lines around a change that are shown with it. */
const around = 3;
/** A longer pair of texts is shown as taken out and put in as a whole. */
const mostCells = 4_000_000;

type Edit = { readonly mark: " " | "-" | "+"; readonly line: string };

/**
 * What has to change so that one text becomes another, as people read it from `diff -u`, without the lines that name files. Empty where both
 * are the same.
 */
export function diffLines(before: string, after: string): readonly string[] {
  if (before === after) return [];
  const edits = editsBetween(linesOf(before), linesOf(after));
  const shown = edits.map(
    (edit, index) =>
      edit.mark !== " " ||
      edits.slice(Math.max(0, index - around), index + around + 1).some(({ mark }) => mark !== " "),
  );
  return edits.flatMap(({ mark, line }, index) => {
    if (!shown[index]) return [];
    const gap = index > 0 && shown[index - 1] === false ? ["@@"] : [];
    return [...gap, `${mark}${line}`];
  });
}

/** Every line of both texts in order: those of the first are the ones without `+`, those of the second the ones without `-`. */
export function editsBetween(before: readonly string[], after: readonly string[]): readonly Edit[] {
  if (before.length * after.length > mostCells)
    return [...before.map((line): Edit => ({ mark: "-", line })), ...after.map((line): Edit => ({ mark: "+", line }))];
  // common[i][j]: how many lines the ends from i and from j have in common, in order.
  const common = Array.from({ length: before.length + 1 }, () => Array.from({ length: after.length + 1 }, () => 0));
  const cell = (i: number, j: number): number => common[i]?.[j] ?? 0;
  for (let i = before.length - 1; i >= 0; i -= 1) {
    const row = common[i];
    if (row === undefined) continue;
    for (let j = after.length - 1; j >= 0; j -= 1)
      row[j] = before[i] === after[j] ? cell(i + 1, j + 1) + 1 : Math.max(cell(i + 1, j), cell(i, j + 1));
  }
  const edits: Edit[] = [];
  let [i, j] = [0, 0];
  while (i < before.length || j < after.length) {
    if (i < before.length && j < after.length && before[i] === after[j]) {
      edits.push({ mark: " ", line: before[i] ?? "" });
      i += 1;
      j += 1;
    } else if (j >= after.length || (i < before.length && cell(i + 1, j) >= cell(i, j + 1))) {
      edits.push({ mark: "-", line: before[i] ?? "" });
      i += 1;
    } else {
      edits.push({ mark: "+", line: after[j] ?? "" });
      j += 1;
    }
  }
  return edits;
}

function linesOf(text: string): readonly string[] {
  const lines = text.split("\n");
  return lines.at(-1) === "" ? lines.slice(0, -1) : lines;
}
