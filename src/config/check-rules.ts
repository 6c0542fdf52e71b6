import { quote } from "./display.ts";
import { parseTemplate, variablesIn } from "./interpolate.ts";
import type { Problem } from "./problem.ts";
import { entriesOf, itemsOf, textOf, valueAt } from "./raw.ts";

type Path = readonly PropertyKey[];

/** Most combinations of one matrix; more is a slip of the pen. */
const combinationsAtMost = 256;

/** What holds between the keys of a check: what its place can offer, what `${NAME}` may name, and that no check waits for itself. */
export function checkProblems(raw: unknown): readonly Problem[] {
  const checks = entriesOf(valueAt(raw, ["checks"]));
  return [
    ...checks.flatMap(([name, check]) => [
      ...placeProblems(check, ["checks", name]),
      ...matrixProblems(check, ["checks", name]),
      ...templateProblems(check, ["checks", name]),
    ]),
    ...alike(checks.map(([name]) => name)),
    ...cycles(checks),
  ];
}

/** Names of jobs on GitHub, and of folders on some machines, are the same when they differ in case alone. */
function alike(names: readonly string[]): readonly Problem[] {
  return names.flatMap((name, index): Problem[] => {
    const other = names.slice(0, index).find((one) => one.toLowerCase() === name.toLowerCase());
    if (other === undefined) return [];
    return [{ path: ["checks", name], at: "key", sentence: `differs from ${quote(other)} in case alone` }];
  });
}

function placeProblems(check: unknown, path: Path): readonly Problem[] {
  const without = (key: string, reason: string): readonly Problem[] =>
    valueAt(check, [key]) === undefined ? [] : [{ path: [...path, key], at: "key", sentence: reason }];
  if (valueAt(check, ["process"]) === true) {
    return [
      ...without("services", "needs a container: give the check an image instead of process"),
      ...without("caches", "needs a container: a process finds the caches of this machine as they are"),
      ...without("network", "has no meaning beside the key process"),
    ];
  }
  const network = textOf(valueAt(check, ["network"]));
  if (network !== "host" && network !== "none") return [];
  return without("services", `cannot be reached by name with network: ${network}`);
}

function matrixProblems(check: unknown, path: Path): readonly Problem[] {
  const matrix = entriesOf(valueAt(check, ["matrix"]));
  const count = matrix.reduce((product, [, values]) => product * Math.max(1, itemsOf(values).length), 1);
  const tooMany: Problem[] =
    count <= combinationsAtMost
      ? []
      : [
          {
            path: [...path, "matrix"],
            at: "key",
            sentence: `has ${count} combinations; ${combinationsAtMost} are the most`,
          },
        ];
  const inEnv = matrix.flatMap(([name]): Problem[] =>
    valueAt(check, ["env", name]) === undefined
      ? []
      : [{ path: [...path, "env", name], at: "key", sentence: "is a variable of the matrix already" }],
  );
  const twice = matrix.flatMap(([name, values]) =>
    itemsOf(values).flatMap((value, index, all): Problem[] =>
      all.findIndex((other) => String(other) === String(value)) === index
        ? []
        : [{ path: [...path, "matrix", name, index], at: "value", sentence: "is in the list already" }],
    ),
  );
  return [...tooMany, ...inEnv, ...twice];
}

/** In a check only the matrix fills in: values of the machine would make one commit's check another one elsewhere. */
function templateProblems(check: unknown, path: Path): readonly Problem[] {
  const known = entriesOf(valueAt(check, ["matrix"])).map(([name]) => name);
  const services = entriesOf(valueAt(check, ["services"]));
  const places: (readonly [Path, unknown])[] = [
    [["image"], valueAt(check, ["image"])],
    ...entriesOf(valueAt(check, ["env"])).map(([name, text]) => [["env", name], text] as const),
    ...services.map(([name, service]) => [["services", name, "image"], valueAt(service, ["image"])] as const),
    ...services.flatMap(([name, service]) =>
      entriesOf(valueAt(service, ["env"])).map(([key, text]) => [["services", name, "env", key], text] as const),
    ),
  ];
  return places.flatMap(([below, value]): Problem[] => {
    if (typeof value !== "string") return [];
    const here = [...path, ...below];
    const template = parseTemplate(value);
    if ("problem" in template) return [{ path: here, at: "value", sentence: template.problem }];
    const stranger = variablesIn(value).find((name) => !known.includes(name));
    if (stranger === undefined) return [];
    const sentence = `${stranger} is no variable of the check's matrix; write the value itself, or name a secret`;
    return [{ path: here, at: "value", sentence }];
  });
}

/** Each cycle of `needs` once, at the check that comes first in the file. */
function cycles(checks: readonly (readonly [string, unknown])[]): readonly Problem[] {
  const needs = new Map(
    checks.map(([name, check]) => [
      name,
      itemsOf(valueAt(check, ["needs"])).flatMap((need) => (typeof need === "string" ? [need] : [])),
    ]),
  );
  const done = new Set<string>();
  const found: Problem[] = [];
  const visit = (name: string, way: readonly string[]): void => {
    const start = way.indexOf(name);
    if (start >= 0) {
      const cycle = [...way.slice(start), name].map(quote).join(" needs ");
      found.push({
        path: ["checks", way[start] ?? name, "needs"],
        at: "key",
        sentence: `no check of this circle could ever start: ${cycle}`,
      });
      return;
    }
    if (done.has(name)) return;
    for (const need of needs.get(name) ?? []) visit(need, [...way, name]);
    done.add(name);
  };
  for (const name of needs.keys()) visit(name, []);
  return found;
}
