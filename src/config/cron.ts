/** The fields of a time as cron writes it, with the least and the greatest value of each, and names where it has some. */
const fields: readonly { least: number; most: number; names: readonly string[] }[] = [
  { least: 0, most: 59, names: [] },
  { least: 0, most: 23, names: [] },
  { least: 1, most: 31, names: [] },
  { least: 1, most: 12, names: ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"] },
  { least: 0, most: 6, names: ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] },
];

/** Whether text is a time as POSIX cron writes it: minute, hour, day, month, weekday. It is what GitHub's schedules take: for one that it does not take it runs nothing of the file. */
export function isCron(written: string): boolean {
  const parts = written.split(/ +/);
  return parts.length === fields.length && parts.every((text, index) => isField(text, index));
}

function isField(text: string, index: number): boolean {
  return text.split(",").every((item) => isItem(item, index));
}

/** `*`, `5`, `1-5`, each with `/2` if need be; `5/2` counts from there. */
function isItem(item: string, index: number): boolean {
  const [range = "", step, ...more] = item.split("/");
  if (more.length > 0 || (step !== undefined && !isStep(step, index))) return false;
  if (range === "*") return true;
  const values = range.split("-").map((text) => valueOf(text, index));
  const [from, until] = [values[0], values.at(-1)];
  return values.length <= 2 && from !== undefined && until !== undefined && from <= until;
}

/** As GitHub has it, no greater than what the field can be. */
function isStep(text: string, index: number): boolean {
  return /^[1-9]\d?$/.test(text) && valueOf(text, index) !== undefined;
}

function valueOf(text: string, index: number): number | undefined {
  const field = fields[index];
  if (field === undefined) return undefined;
  const named = field.names.indexOf(text.toLowerCase());
  const value = named >= 0 ? named + field.least : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return value >= field.least && value <= field.most ? value : undefined;
}
