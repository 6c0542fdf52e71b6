import type { Json, JsonObject } from "../../../src/json.ts";

/** One job of a matrix. */
export type Cell = { readonly matrix: JsonObject; readonly index: number; readonly total: number };

export type Strategy = { readonly cells: readonly Cell[]; readonly failFast: boolean };

/**
 * The jobs of a `strategy`, its expressions evaluated. Without one, a single job.
 * @throws Error for `max-parallel`, which this runner does not know
 */
export function cellsOf(strategy: Json | undefined): Strategy {
  const { matrix, "fail-fast": failFast, ...other } = (strategy ?? {}) as JsonObject;
  if (Object.keys(other).length > 0)
    throw new Error(`the runner for tests does not know ${Object.keys(other).join(", ")} of a strategy`);
  const found = matrix === undefined ? [{}] : combinations(matrix as JsonObject);
  if (found.length === 0) throw new Error("a matrix must not be empty");
  return {
    cells: found.map((each, index) => ({ matrix: each, index, total: found.length })),
    failFast: failFast !== false && failFast !== "false",
  };
}

function combinations({ include, exclude, ...axes }: JsonObject): JsonObject[] {
  let found: JsonObject[] = Object.keys(axes).length === 0 ? [] : [{}];
  for (const [key, values] of Object.entries(axes))
    found = found.flatMap((each) => (values as Json[]).map((value) => ({ ...each, [key]: value })));
  const excluded = (exclude ?? []) as JsonObject[];
  found = found.filter((each) => !excluded.some((out) => fits(each, out, Object.keys(out))));

  // An entry of `include` is added to each combination whose original values it does not change, and is one of its own where there is none.
  const originals = found.map((each) => ({ ...each }));
  for (const entry of (include ?? []) as JsonObject[]) {
    const shared = Object.keys(entry).filter((key) => key in axes);
    const into = originals.flatMap((original, index) => (fits(original, entry, shared) ? [index] : []));
    if (into.length === 0) found.push({ ...entry });
    for (const index of into) Object.assign(found[index] ?? {}, entry);
  }
  return found;
}

function fits(one: JsonObject, other: JsonObject, keys: readonly string[]): boolean {
  return keys.every((key) => JSON.stringify(one[key]) === JSON.stringify(other[key]));
}
