import { quote } from "./display.ts";
import { nearest } from "./nearest.ts";
import { isPlain } from "./own-branch.ts";
import type { Problem } from "./problem.ts";
import { entriesOf, itemsOf, textOf, valueAt } from "./raw.ts";
import { refPatternProblem } from "./ref-pattern.ts";
import { parseDuration } from "./units.ts";
import { weekTime } from "./week-time.ts";

type Path = readonly PropertyKey[];

/** What holds between the keys of an environment's gates: a gate that nothing could ever pass, or that could never stop anything, is a slip of the pen. */
export function gateProblems(raw: unknown): readonly Problem[] {
  const environments = entriesOf(valueAt(raw, ["environments"]));
  return [
    ...freezeProblems(valueAt(raw, ["freeze"]), ["freeze"]),
    ...environments.flatMap(([name, environment]) => {
      const path: Path = ["environments", name];
      return [
        ...patternProblems(environment, path),
        ...triggerProblems(environment, path),
        ...guardProblems(environment, path),
        ...waitProblems(environment, path),
        ...afterProblems(raw, name),
        ...reviewerProblems(raw, environment, [...path, "reviewers"]),
        ...freezeProblems(valueAt(environment, ["freeze"]), [...path, "freeze"]),
        ...emergencyProblems(raw, environment, path),
      ];
    }),
    ...circles(raw, environments),
  ];
}

function patternProblems(environment: unknown, path: Path): readonly Problem[] {
  return [["on", "push"], ["on", "tags"], ["branches"], ["tags"]].flatMap((key) =>
    textsAt(environment, key, path).flatMap(({ text, path: here }): Problem[] => {
      const sentence = refPatternProblem(text);
      return sentence === undefined ? [] : [{ path: here, at: "value", sentence }];
    }),
  );
}

/** What passes, and what a clock brings, has to be the commit of some branch. */
function triggerProblems(environment: unknown, path: Path): readonly Problem[] {
  const problems: Problem[] = [];
  const there = (key: string): boolean => valueAt(environment, ["on", key]) !== undefined;
  if (there("checks") && !there("push"))
    problems.push({
      path: [...path, "on", "checks"],
      at: "key",
      sentence: "needs the key on.push, which says whose commits come here when these workflows have passed for them",
    });
  if (there("schedule") && !hasOwnBranch(environment))
    problems.push({
      path: [...path, "on", "schedule"],
      at: "key",
      sentence: "needs a branch that comes here then: a plain name, not a pattern, under on.push or branches",
    });
  return problems;
}

function hasOwnBranch(environment: unknown): boolean {
  return [["on", "push"], ["branches"]].some((key) => textsAt(environment, key, []).some(({ text }) => isPlain(text)));
}

function guardProblems(environment: unknown, path: Path): readonly Problem[] {
  if (valueAt(environment, ["guard"]) !== true || valueAt(environment, ["on", "push"]) !== undefined) return [];
  if (valueAt(environment, ["on", "schedule"]) !== undefined && hasOwnBranch(environment)) return [];
  const sentence = "needs the key on.push, which says whose branch the environment is when nobody occupies it";
  return [{ path: [...path, "guard"], at: "key", sentence }];
}

/** A request ends with its time: what waits for longer than that never begins. */
function waitProblems(environment: unknown, path: Path): readonly Problem[] {
  const written = textOf(valueAt(environment, ["expires"]));
  const [wait, expires] = [textOf(valueAt(environment, ["wait"])) ?? "0ms", written ?? "7d"].map(parseDuration);
  if (wait === undefined || expires === undefined || wait < expires) return [];
  const sentence = `nothing could ever be deployed here: a request ends after ${written ?? "7d, unless expires says otherwise"}`;
  return [{ path: [...path, "wait"], at: "value", sentence }];
}

function afterProblems(raw: unknown, name: string): readonly Problem[] {
  const names = entriesOf(valueAt(raw, ["environments"])).map(([each]) => each);
  return afterOf(raw, name).flatMap(({ text, path, at }): Problem[] => {
    if (text === name) return [{ path, at, sentence: "an environment cannot come after itself" }];
    return names.includes(text) ? [] : [dangling(text, names, `there is no environment ${quote(text)}`, path, at)];
  });
}

/** The environments that come before one, each with where it is written. */
function afterOf(raw: unknown, name: string): readonly { text: string; path: Path; at: Problem["at"] }[] {
  const path: Path = ["environments", name, "after"];
  const written = valueAt(raw, path);
  if (Array.isArray(written)) return textsAt(raw, path, []).map((each) => ({ ...each, at: "value" as const }));
  return entriesOf(written).map(([text]) => ({ text, path: [...path, text], at: "key" as const }));
}

/** Each circle of `after` once, at the environment that comes first in the file. One that comes after itself is told already. */
function circles(raw: unknown, environments: readonly (readonly [string, unknown])[]): readonly Problem[] {
  const found: Problem[] = [];
  const done = new Set<string>();
  const visit = (name: string, way: readonly string[]): void => {
    const start = way.indexOf(name);
    if (start >= 0) {
      const circle = [...way.slice(start), name].map(quote).join(" comes after ");
      const path: Path = ["environments", way[start] ?? name, "after"];
      if (way.length - start > 1)
        found.push({ path, at: "key", sentence: `nothing could ever be deployed to any of these: ${circle}` });
      return;
    }
    if (done.has(name)) return;
    for (const { text } of afterOf(raw, name)) visit(text, [...way, name]);
    done.add(name);
  };
  for (const [name] of environments) visit(name, []);
  return found;
}

function reviewerProblems(raw: unknown, environment: unknown, path: Path): readonly Problem[] {
  const written = valueAt(environment, ["reviewers"]);
  if (written === undefined || Array.isArray(written)) return [];
  const teams = valueAt(raw, ["teams"]);
  const known = entriesOf(teams).map(([name]) => name);
  const named = textsAt(written, ["teams"], path);
  const strangers = named.filter(({ text }) => !known.includes(text));
  if (strangers.length > 0)
    return strangers.map(({ text, path: here }) =>
      dangling(text, known, `there is no team ${quote(text)} under teams`, here, "value"),
    );
  const people = new Set(
    [...textsAt(written, ["people"], []), ...named.flatMap(({ text }) => textsAt(teams, [text], []))].map(
      ({ text }) => text,
    ),
  );
  if (people.size === 0)
    return [{ path, at: "value", sentence: "names nobody who could approve: give people or teams" }];
  const count = valueAt(written, ["count"]) ?? 1;
  if (typeof count !== "number" || count <= people.size) return [];
  const sentence = `so many could never approve: there ${people.size === 1 ? "is one" : `are ${people.size}`} to ask`;
  return [{ path: [...path, "count"], at: "value", sentence }];
}

function freezeProblems(written: unknown, path: Path): readonly Problem[] {
  return itemsOf(written).flatMap((window, index): readonly Problem[] => {
    const here: Path = [...path, index];
    const weekly = valueAt(window, ["weekly"]);
    const [from, until] = [valueAt(weekly ?? window, ["from"]), valueAt(weekly ?? window, ["until"])].map(textOf);
    if (from === undefined || until === undefined) return [];
    if (weekly === undefined) return datesProblems(from, until, here);
    const same = JSON.stringify(weekTime(from)) === JSON.stringify(weekTime(until));
    const sentence = "must be another time than from: what begins when it ends has no length, or no end";
    return same && weekTime(from) !== undefined ? [{ path: [...here, "weekly", "until"], at: "value", sentence }] : [];
  });
}

function datesProblems(from: string, until: string, path: Path): readonly Problem[] {
  const strange = Object.entries({ from, until }).filter(([, written]) => !isMoment(moment(written)));
  if (strange.length > 0)
    return strange.map(([key]) => ({
      path: [...path, key],
      at: "value",
      sentence: "no calendar has this day or time",
    }));
  if (moment(from) < moment(until)) return [];
  return [{ path: [...path, "until"], at: "value", sentence: `must be later than ${quote(from)}` }];
}

/** Sorts as the moments do. */
function moment(written: string): string {
  return written.replace(" ", "T").padEnd("2026-12-20T00:00".length, "T00:00");
}

function isMoment(written: string): boolean {
  const found = new Date(`${written}Z`);
  return !Number.isNaN(found.getTime()) && found.toISOString().startsWith(written);
}

function emergencyProblems(raw: unknown, environment: unknown, path: Path): readonly Problem[] {
  const there: Readonly<Record<string, boolean>> = {
    checks: entriesOf(valueAt(raw, ["checks"])).length > 0,
    branches: ["branches", "tags"].some((key) => valueAt(environment, [key]) !== undefined),
    order: valueAt(environment, ["after"]) !== undefined,
    freeze: [raw, environment].some((each) => itemsOf(valueAt(each, ["freeze"])).length > 0),
    drift: valueAt(environment, ["drift"]) === "block",
    statuses: valueAt(environment, ["statuses"]) !== undefined,
    reviewed: ![undefined, false].includes(valueAt(environment, ["reviewed"]) as undefined),
    wait: valueAt(environment, ["wait"]) !== undefined,
    reviewers: valueAt(environment, ["reviewers"]) !== undefined,
  };
  return textsAt(environment, ["emergency", "passes"], path).flatMap(({ text, path: here }): Problem[] => {
    if (there[text] !== false) return [];
    const sentence = `there is nothing to pass: ${meanings[text] ?? text} ${text === "checks" ? "are" : "is"} not set`;
    return [{ path: here, at: "value", sentence }];
  });
}

/** What sets a gate, where it has another name. */
const meanings: Readonly<Record<string, string>> = {
  order: "after",
  drift: "drift: block",
  branches: "branches or tags",
};

/** The texts at a key, a single one or a list, each with where it stands. */
function textsAt(raw: unknown, key: Path, above: Path): readonly { text: string; path: Path }[] {
  const written = valueAt(raw, key);
  const here = [...above, ...key];
  if (typeof written === "string") return [{ text: written, path: here }];
  return itemsOf(written).flatMap((text, index) =>
    typeof text === "string" ? [{ text, path: [...here, index] }] : [],
  );
}

function dangling(text: string, names: readonly string[], sentence: string, path: Path, at: Problem["at"]): Problem {
  const suggestion = nearest(text, names);
  return { path, at, sentence, ...(suggestion === undefined ? {} : { suggestion }) };
}
