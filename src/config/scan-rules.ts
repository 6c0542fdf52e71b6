import { quote } from "./display.ts";
import type { Problem } from "./problem.ts";
import { entriesOf, itemsOf, textOf, valueAt } from "./raw.ts";

/** What holds between the scan of the project and those of its environments. */
export function scanProblems(raw: unknown): readonly Problem[] {
  return [...entriesOf(valueAt(raw, ["environments"])).flatMap(([name]) => lonely(raw, name)), ...twice(raw)];
}

/** An environment says how strict it is; which scanner there is, is said once. */
function lonely(raw: unknown, name: string): readonly Problem[] {
  const path = ["environments", name, "scan"];
  const written = valueAt(raw, path);
  if (entriesOf(written).length === 0 || valueAt(raw, ["scan"]) !== undefined) return [];
  return [{ path, at: "key", sentence: "needs the key scan at the top of the file, which names the scanner" }];
}

function twice(raw: unknown): readonly Problem[] {
  const seen = new Set<string>();
  return itemsOf(valueAt(raw, ["scan", "ignore"])).flatMap((entry, index): Problem[] => {
    const id = textOf(valueAt(entry, ["id"]));
    const within = textOf(valueAt(entry, ["package"]));
    if (id === undefined) return [];
    const key = JSON.stringify([id, within]);
    if (!seen.has(key)) {
      seen.add(key);
      return [];
    }
    const sentence = `${quote(id)}${within === undefined ? "" : ` in ${quote(within)}`} is in the list already`;
    return [{ path: ["scan", "ignore", index, "id"], at: "value", sentence }];
  });
}
