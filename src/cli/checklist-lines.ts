import type { ChecklistRow } from "../environments/checklist.ts";
import { type Output, printable } from "./output.ts";

type State = ChecklistRow["state"];

/** The whole readiness checklist, a line for each thing. */
export function checklistLines(rows: readonly ChecklistRow[], { paint }: Pick<Output, "paint">): string[] {
  const width = Math.max(...rows.map(({ item }) => item.length));
  const words: Readonly<Record<State, string>> = {
    ok: paint.green("ok       "),
    "not-ok": paint.yellow("not ok   "),
    "not-asked": paint.dim("not asked"),
    "passed-by-emergency": paint.red("emergency"),
  };
  return rows.map(({ item, state, text }) => `    ${item.padEnd(width)}  ${words[state]}  ${printable(text)}`);
}

/** What of the checklist is worth a look before a deployment begins: what is not plain ok. */
export function checklistShort(rows: readonly ChecklistRow[], { paint }: Pick<Output, "paint">): string[] {
  const told = rows.flatMap(({ item, state, text }) => {
    if (state === "not-ok") return [`    ${paint.yellow(`${item}:`)} ${printable(text)}`];
    return state === "passed-by-emergency"
      ? [`    ${paint.red(`${item}, passed as an emergency:`)} ${printable(text)}`]
      : [];
  });
  const heading = told.length === 0 ? [] : [paint.bold("  not plain ok"), ...told];
  const silent = namesOf(rows, "not-asked");
  return silent === "" ? heading : [...heading, paint.dim(`  not asked for: ${silent}`)];
}

/** The checklist in a few words, for what was deployed with it. */
export function checklistWords(rows: readonly ChecklistRow[], { paint }: Pick<Output, "paint">): string {
  const good = rows.filter(({ state }) => state === "ok").length;
  const parts = [
    `${good} ok`,
    ...part("not-ok", "not ok", paint.yellow),
    ...part("passed-by-emergency", "passed as an emergency", paint.red),
    ...part("not-asked", "not asked for", paint.dim),
  ];
  function part(state: State, words: string, colour: (text: string) => string): string[] {
    const names = namesOf(rows, state);
    return names === "" ? [] : [colour(`${words}: ${names}`)];
  }
  return parts.join("; ");
}

function namesOf(rows: readonly ChecklistRow[], wanted: State): string {
  return rows
    .filter(({ state }) => state === wanted)
    .map(({ item }) => item)
    .join(", ");
}
