/** What stands in a workflow file, with its comments: YAML as a person would write it, and no more of YAML than that takes. */
export type Value = string | number | boolean | null | Folded | readonly Value[] | Mapping;

/** A long expression, on several lines that are read as one. */
export type Folded = { readonly kind: "folded"; readonly lines: readonly string[] };

export type Mapping = { readonly kind: "mapping"; readonly entries: readonly Entry[] };

export type Entry = {
  readonly key: string;
  readonly value: Value;
  /** Lines above it. */
  readonly above?: readonly string[];
  /** Behind its value. */
  readonly beside?: string;
  /** An empty line before it. */
  readonly apart?: boolean;
};

type Remarks = Omit<Entry, "key" | "value">;

/** Longest list that stands on one line. */
const widest = 96;

export function entry(key: string, value: Value, remarks: Remarks = {}): Entry {
  return { key, value, ...remarks };
}

/** A mapping of those entries that are there. */
export function mapping(...entries: readonly (Entry | null)[]): Mapping {
  return { kind: "mapping", entries: entries.filter((one) => one !== null) };
}

/** A mapping without a remark. */
export function plain(values: Readonly<Record<string, Value>>): Mapping {
  return mapping(...Object.entries(values).map(([key, value]) => entry(key, value)));
}

/** A text as YAML. */
export function write(document: Mapping): string {
  return `${entriesText(document, 0).join("\n")}\n`;
}

function entriesText({ entries }: Mapping, indent: number): string[] {
  return entries.flatMap((one) => [
    ...(one.apart === true ? [""] : []),
    ...(one.above ?? []).map((line) => `${" ".repeat(indent)}# ${line}`.trimEnd()),
    ...entryText(one, indent),
  ]);
}

function entryText({ key, value, beside }: Entry, indent: number): string[] {
  // A workflow's `on` is a truth value to readers of old YAML, and nobody quotes it.
  const start = `${" ".repeat(indent)}${key === "on" ? key : scalar(key, false)}:`;
  const remark = beside === undefined ? "" : ` # ${beside}`;
  if (value === null) return [`${start}${remark}`];
  const short = onOneLine(value);
  if (short !== null && (typeof value !== "object" || start.length + short.length < widest))
    return [`${start} ${short}${remark}`];
  if (typeof value !== "object") return [`${start}${remark}`];
  if ("kind" in value) {
    if (value.kind === "folded")
      return [`${start} >-${remark}`, ...value.lines.map((line) => `${" ".repeat(indent + 2)}${line}`)];
    return [`${start}${remark}`, ...entriesText(value, indent + 2)];
  }
  return [`${start}${remark}`, ...value.flatMap((item) => itemText(item, indent + 2))];
}

/** An item of a list; a mapping begins on the line of its hyphen, behind what is said above it. */
function itemText(item: Value, indent: number): string[] {
  const hyphen = `${" ".repeat(indent)}- `;
  if (typeof item !== "object" || item === null) return [`${hyphen}${onOneLine(item) ?? ""}`];
  if (!("kind" in item) || item.kind === "folded") throw new TypeError("a list in a workflow holds texts or mappings");
  const [first, ...others] = item.entries;
  if (first === undefined) return [`${hyphen}{}`];
  const { above = [], apart, ...bare } = first;
  const [opening = "", ...more] = entryText(bare, indent + 2);
  return [
    ...(apart === true ? [""] : []),
    ...above.map((line) => `${" ".repeat(indent)}# ${line}`),
    `${hyphen}${opening.trimStart()}`,
    ...more,
    ...entriesText({ kind: "mapping", entries: others }, indent + 2),
  ];
}

/** Null where it takes several lines. */
function onOneLine(value: Value): string | null {
  if (value === null) return "";
  if (typeof value === "string") return scalar(value, false);
  if (typeof value !== "object") return String(value);
  if ("kind" in value) return value.kind === "mapping" && value.entries.length === 0 ? "{}" : null;
  const items = value.map((item) => (typeof item === "string" ? scalar(item, true) : onOneLine(item)));
  return items.every((item) => item !== null) ? `[${items.join(", ")}]` : null;
}

/** Without quotes where every reader of YAML takes it for this very text: what begins like a number or a time may be one. */
function scalar(text: string, inList: boolean): string {
  const plainly = /^(?:[A-Za-z_/$~(]|\.\/)[^\0-\x1f\x7f-\u{10ffff}]*$/u.test(text);
  const word = /^(?:true|false|yes|no|on|off|null|y|n|~)$/i.test(text);
  const broken = /: |:$| #| $/.test(text) || (inList && /[,[\]{}]/.test(text));
  return plainly && !word && !broken ? text : JSON.stringify(text);
}
