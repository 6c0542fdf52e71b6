import { messageOf, ShiplockError } from "../errors.ts";
import { formatPath, plain } from "./display.ts";
import type { Locate } from "./locate.ts";
import type { LocatedProblem, ReadResult } from "./read-yaml.ts";

/**
 * Takes the default export of `shiplock.config.ts` as the value of the configuration. Places are the file alone: a program has no lines for
 * its values. Errors: `config/unreadable` when the program cannot be loaded.
 */
export async function readModule(
  file: string,
  path: string,
  importModule: (path: string) => Promise<unknown>,
): Promise<ReadResult> {
  const exported = await load(file, path, importModule);
  const locate: Locate = () => ({ file });
  const problems: LocatedProblem[] = [];
  const raw = plainData(exported, [], new Set(), (at, found) =>
    problems.push({ where: { file }, sentence: `${formatPath(at)}: expected plain data, found ${found}` }),
  );
  return { raw: problems.length === 0 ? raw : undefined, locate, problems };
}

async function load(file: string, path: string, importModule: (path: string) => Promise<unknown>): Promise<unknown> {
  try {
    const module = await importModule(path);
    return (module as { default?: unknown }).default;
  } catch (cause) {
    throw new ShiplockError({
      code: "config/unreadable",
      blame: "usage",
      message: `${plain(file)} cannot be loaded: ${plain(messageOf(cause))}`,
      where: { file },
      remedy:
        "It has to be TypeScript that Node runs by stripping types, with the configuration as its default export.",
      cause,
    });
  }
}

type Refuse = (at: readonly PropertyKey[], found: string) => void;

/** A copy that holds mappings, lists and simple values only; what is undefined is left out, as JSON does. */
function plainData(value: unknown, path: readonly PropertyKey[], above: Set<object>, refuse: Refuse): unknown {
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") {
    refuse(path, `a ${typeof value}`);
    return undefined;
  }
  if (typeof value !== "object" || value === null) return value;
  if (above.has(value)) {
    refuse(path, "a reference to itself");
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (!Array.isArray(value) && prototype !== Object.prototype && prototype !== null) {
    refuse(path, "an object of a class");
    return undefined;
  }
  above.add(value);
  const copy = Array.isArray(value)
    ? value.map((item, index) => plainData(item, [...path, index], above, refuse))
    : Object.fromEntries(
        Object.entries(value)
          .filter(([, item]) => item !== undefined)
          .map(([key, item]) => [key, plainData(item, [...path, key], above, refuse)]),
      );
  above.delete(value);
  return copy;
}
