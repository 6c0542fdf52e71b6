import type * as z from "zod";
import { describeKind, describeValue, oneOf, quote } from "./display.ts";
import { nearest } from "./nearest.ts";
import { notYetAt, notYetKeys, notYetSentence } from "./not-yet.ts";
import type { Problem } from "./problem.ts";
import { valueAt } from "./raw.ts";
import { type ConfigInput, schema } from "./schema.ts";
import { exclusiveKeys, keysAt, mayHoldSecret, schemasAt } from "./schema-keys.ts";

type Issue = z.core.$ZodIssue;

const KINDS: Readonly<Record<string, string>> = {
  object: "a mapping",
  record: "a mapping",
  array: "a list",
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
};

/** Checks keys and kinds of values against the schema; the input is typed only when there is no problem. */
export function validate(raw: unknown): { input: ConfigInput | undefined; problems: readonly Problem[] } {
  const result = schema.safeParse(raw, { reportInput: false });
  const problems = [
    ...(result.error?.issues ?? []).flatMap((issue) => problemsOf(issue, [], raw)),
    ...choiceProblems(raw, []),
  ];
  return { input: result.success ? result.data : undefined, problems };
}

function problemsOf(issue: Issue, parent: readonly PropertyKey[], raw: unknown): readonly Problem[] {
  const path = [...parent, ...issue.path];
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => unknownKey(path, key));
  if (issue.code === "invalid_key") {
    const rule = issue.issues[0]?.message ?? "is not a valid name";
    return [{ path, at: "key", sentence: `the name ${rule}, found ${quote(String(path.at(-1)))}` }];
  }
  const value = valueAt(raw, path);
  if (value === undefined && typeof path.at(-1) === "string") return [missingKey(path)];
  if (issue.code === "invalid_union" && issue.message === "Invalid input")
    return unionProblems(issue, path, value, raw);
  return [wrongValue(issue, path, value)];
}

function unknownKey(inside: readonly PropertyKey[], key: string): Problem {
  const path = [...inside, key];
  const entry = notYetAt(path);
  if (entry !== undefined)
    return { path, at: "key", sentence: notYetSentence(entry), unknown: { inside, notYet: true } };
  const known = keysAt(inside);
  const suggestion = nearest(key, [...known, ...notYetKeys(inside)]);
  const unknown = { inside, notYet: false };
  if (suggestion !== undefined) return { path, at: "key", sentence: "unknown key", suggestion, unknown };
  const sentence =
    known.length === 0 ? "unknown key; there are none here" : `unknown key; known here: ${known.join(", ")}`;
  return { path, at: "key", sentence, unknown };
}

function missingKey(path: readonly PropertyKey[]): Problem {
  const inside = path.slice(0, -1);
  const key = String(path.at(-1));
  const missing = { inside, keys: [key], choice: false };
  if (key !== "health") return { path, at: "key", sentence: "is missing, and required", missing };
  const sentence =
    "is missing: a released service needs a health check, such as health: /health or health: { command: [...] }";
  return { path, at: "key", sentence, missing };
}

// Of the branches that fit the kind of the value, the one that knows most of its keys tells what is wrong inside it; when none fits, the kinds that would have are named.
function unionProblems(
  issue: Extract<Issue, { code: "invalid_union" }>,
  path: readonly PropertyKey[],
  value: unknown,
  raw: unknown,
) {
  const [fitting] = issue.errors
    .filter((branch) => !branch.some((inner) => inner.path.length === 0 && refusesKind(inner, value)))
    .toSorted((one, other) => unknownKeys(one) - unknownKeys(other));
  if (fitting !== undefined) return fitting.flatMap((inner) => problemsOf(inner, path, raw));
  const kinds = issue.errors.flatMap((branch) => branch.slice(0, 1).map(expectedKind));
  return [
    {
      path,
      at: "value",
      sentence: `expected ${oneOf([...new Set(kinds)])}, found ${shown(path, value)}`,
    } satisfies Problem,
  ];
}

function unknownKeys(branch: readonly Issue[]): number {
  return branch.reduce((sum, issue) => sum + (issue.code === "unrecognized_keys" ? issue.keys.length : 0), 0);
}

function refusesKind(issue: Issue, value: unknown): boolean {
  if (issue.code === "invalid_type") return true;
  return issue.code === "invalid_value" && issue.values.every((allowed) => typeof allowed !== typeof value);
}

function expectedKind(issue: Issue): string {
  if (issue.code === "invalid_type") return KINDS[issue.expected] ?? issue.expected;
  if (issue.code === "invalid_value") return oneOf(issue.values.map(String));
  return "something else";
}

function wrongValue(issue: Issue, path: readonly PropertyKey[], value: unknown): Problem {
  const entry = notYetAt(path, value);
  if (entry !== undefined && value !== undefined) return { path, at: "value", sentence: notYetSentence(entry) };
  const found = shown(path, value);
  // The schema's own sentences begin like this; the rest are the validator's words, which say too little.
  if (issue.message.startsWith("must ")) return { path, at: "value", sentence: `${issue.message}, found ${found}` };
  switch (issue.code) {
    case "invalid_type":
      return {
        path,
        at: "value",
        sentence: `expected ${expectedKind(issue)}, found ${found}${typeHint(issue.expected, path, value)}`,
      };
    case "invalid_value": {
      const allowed = issue.values.map(String);
      const suggestion = typeof value === "string" ? nearest(value, allowed) : undefined;
      const sentence = `expected ${oneOf(allowed)}, found ${found}`;
      return { path, at: "value", sentence, ...(suggestion === undefined ? {} : { suggestion }) };
    }
    case "too_small":
      return { path, at: "value", sentence: limitSentence("at least", issue.minimum, issue.origin, found) };
    case "too_big":
      return { path, at: "value", sentence: limitSentence("at most", issue.maximum, issue.origin, found) };
    default:
      return { path, at: "value", sentence: `${issue.message}, found ${found}` };
  }
}

function limitSentence(bound: string, limit: number | bigint, origin: string, found: string): string {
  if (origin === "array") return `must have ${bound} ${limit} ${limit === 1 ? "entry" : "entries"}`;
  if (origin === "string") return `must have ${bound} ${limit} characters`;
  return `must be ${bound} ${limit}, found ${found}`;
}

function typeHint(expected: string, path: readonly PropertyKey[], value: unknown): string {
  if (expected === "string" && (typeof value === "number" || typeof value === "boolean") && !mayHoldSecret(path)) {
    return "; put it in quotes";
  }
  if (expected === "array" && typeof value === "string" && path.at(-1) === "command") {
    return "; write it as a list of arguments, such as [alembic, upgrade, head]: no shell takes it apart";
  }
  return "";
}

function shown(path: readonly PropertyKey[], value: unknown): string {
  return mayHoldSecret(path) ? describeKind(value) : describeValue(value);
}

/** Mappings in which exactly one of several keys has to be given, and records that may not be empty. */
function choiceProblems(raw: unknown, path: readonly PropertyKey[]): readonly Problem[] {
  if (typeof raw !== "object" || raw === null) return [];
  const found = schemasAt(path);
  if (found.length === 0) return [];
  if (Array.isArray(raw)) return raw.flatMap((item, index) => choiceProblems(item, [...path, index]));
  const keys = found.flatMap((candidate) => exclusiveKeys(candidate) ?? []);
  const given = keys.filter((key) => Object.hasOwn(raw, key));
  const below = Object.entries(raw).flatMap(([key, value]) => choiceProblems(value, [...path, key]));
  if (path.length === 1 && Object.keys(raw).length === 0)
    return [{ path, at: "value", sentence: "must have at least one entry" }];
  if (keys.length === 0 || given.length === 1) return below;
  if (given.length === 0) {
    const sentence = keys.length === 1 ? `needs the key ${keys[0]}` : `needs one of the keys ${oneOf(keys)}`;
    return [{ path, at: "value", sentence, missing: { inside: path, keys, choice: true } }, ...below];
  }
  const sentence = `takes only one of the keys ${oneOf(keys)}, found ${given.join(" and ")}`;
  return [{ path: [...path, given[1] ?? ""], at: "key", sentence }, ...below];
}
