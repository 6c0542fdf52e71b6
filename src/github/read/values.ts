import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
  type YAMLMap,
} from "yaml";
import { plain } from "../../config/display.ts";
import { isMergeKey } from "../../config/locate.ts";
import { tooDeepAt } from "../../config/read-yaml.ts";
import { messageOf } from "../../errors.ts";
import { scalarText } from "./text.ts";
import type { Entry, Place, Unreadable, Value } from "./types.ts";

/** Longer than any workflow that GitHub takes. Characters. */
const LONGEST_FILE = 512_000;

/** With aliases a short text can mean more values than a machine holds. */
const MOST_VALUES = 50_000;
const DEEPEST_VALUE = 60;

const start: Place = { line: 1, column: 1 };

/** A YAML text as values with places. Never throws: what is wrong with the text comes back as problems, and the value is then null. */
export function readValues(source: string): { value: Value | null; problems: readonly Unreadable[] } {
  const failed = (sentence: string, place: Place = start) => ({ value: null, problems: [{ place, sentence }] });
  if (source.length > LONGEST_FILE)
    return failed(`the file has ${source.length} characters, more than ${LONGEST_FILE}: nobody looked into it`);
  try {
    const deep = tooDeepAt(source);
    if (deep !== undefined) return failed("there are too many brackets inside each other", deep);
    const lines = new LineCounter();
    const document = parseDocument(source, { lineCounter: lines, merge: true, prettyErrors: false, uniqueKeys: true });
    const placeOf = (offset: number): Place => {
      const { line, col } = lines.linePos(offset);
      return { line: Math.max(1, line), column: Math.max(1, col) };
    };
    const [error] = document.errors;
    if (error !== undefined) return failed(`this is not YAML: ${errorWords(error.message)}`, placeOf(error.pos[0]));
    return valuesOf(document, source, placeOf);
  } catch (cause) {
    // Nesting that overflows the parser's stack, and whatever else a text may do to it.
    return failed(`this is not YAML that can be read: ${plain(messageOf(cause))}`);
  }
}

/** The parser's words end in the place, which is told apart. */
function errorWords(message: string): string {
  return plain(message.split("\n", 1)[0] ?? "").replace(/ at line \d+.*$|[.:]$/, "");
}

function valuesOf(
  document: Document.Parsed,
  source: string,
  placeOf: (offset: number) => Place,
): { value: Value | null; problems: readonly Unreadable[] } {
  const problems: Unreadable[] = [];
  const targets = aliasTargets(document);
  const resolved = (node: unknown): unknown => (isAlias(node) ? targets.get(node) : node);
  let count = 0;

  function valueOf(node: unknown, near: Place, depth: number): Value {
    count += 1;
    const place = placeOfNode(node, near);
    if (count > MOST_VALUES || depth > DEEPEST_VALUE) {
      if (problems.length === 0) problems.push({ place, sentence: "aliases make this too large to be read" });
      return { kind: "empty", place };
    }
    const target = resolved(node);
    if (isMap(target)) return { kind: "map", entries: entriesOf(target, place, depth), place };
    if (isSeq(target)) {
      const items = target.items.map((item) => valueOf(item, placeOfNode(target, place), depth + 1));
      return { kind: "list", items, place };
    }
    return isScalar(target) ? scalarOf(target, place) : { kind: "empty", place };
  }

  function entriesOf(map: YAMLMap, near: Place, depth: number): readonly Entry[] {
    const entries = new Map<string, Entry>();
    for (const pair of map.items) {
      const place = placeOfNode(pair.key, near);
      if (isMergeKey(pair)) {
        const merged = valueOf(pair.value, place, depth + 1);
        const sources = merged.kind === "list" ? merged.items : [merged];
        for (const each of sources)
          for (const entry of each.kind === "map" ? each.entries : [])
            if (!entries.has(entry.key)) entries.set(entry.key, entry);
        continue;
      }
      // YAML 1.1 takes `on` for a truth value: what counts is what is written.
      const key = isScalar(pair.key) ? (pair.key.source ?? String(pair.key.value)) : "";
      entries.set(key, { key, place, value: valueOf(pair.value, place, depth + 1) });
    }
    return [...entries.values()];
  }

  function scalarOf(node: Scalar, near: Place): Value {
    if (node.value === null || node.value === undefined) return { kind: "empty", place: near };
    const value = typeof node.value === "string" ? node.value : (node.source ?? String(node.value));
    const [from, to] = node.range ?? [0, 0];
    const block = node.type === "BLOCK_LITERAL" || node.type === "BLOCK_FOLDED";
    const body = block ? Math.min(to, source.indexOf("\n", from) + 1) : from;
    const text = scalarText(value, source.slice(body, to), body, placeOf);
    return { kind: "text", text: block ? text : { ...text, place: placeOf(from) }, place: placeOf(from) };
  }

  function placeOfNode(node: unknown, near: Place): Place {
    const range = (resolved(node) as Node | null | undefined)?.range;
    return range === null || range === undefined ? near : placeOf(range[0]);
  }

  const value = valueOf(document.contents, start, 0);
  return { value: problems.length === 0 ? value : null, problems };
}

/** What each alias stands for: the anchor of its name that was last before it. */
function aliasTargets(document: Document): ReadonlyMap<Alias, Node> {
  const anchors = new Map<string, Node>();
  const targets = new Map<Alias, Node>();
  visit(document, {
    Value(_key, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Alias(_key, alias) {
      const target = anchors.get(alias.source);
      if (target !== undefined) targets.set(alias, target);
    },
  });
  return targets;
}

/** The value of a key; null where the key is missing, or the value is no mapping. */
export function valueAt(value: Value | null | undefined, key: string): Value | null {
  return entryAt(value, key)?.value ?? null;
}

/** The entry of a key in a mapping. */
export function entryAt(value: Value | null | undefined, key: string): Entry | null {
  if (value === null || value === undefined || value.kind !== "map") return null;
  return value.entries.find((entry) => entry.key === key) ?? null;
}

/** The text of a value; null for what is no text. */
export function textOf(value: Value | null | undefined): string | null {
  return value?.kind === "text" ? value.text.value : null;
}

/** The texts of a list, or the one text that stands in its place. */
export function textsOf(value: Value | null | undefined): readonly string[] {
  if (value?.kind === "list") return value.items.flatMap((item) => textOf(item) ?? []);
  const one = textOf(value);
  return one === null ? [] : [one];
}
