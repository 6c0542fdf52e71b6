import {
  type Document,
  isAlias,
  isMap,
  isNode,
  isScalar,
  isSeq,
  type LineCounter,
  type Node,
  type Pair,
  type YAMLMap,
} from "yaml";
import type { SourceLocation } from "../errors.ts";

/** Finds where in the source a key path was written. A missing key is answered with the nearest key above it that is there. */
export type Locate = (path: readonly PropertyKey[], at: "key" | "value") => SourceLocation;

type Found = { key: Node | undefined; value: Node | undefined };

/** A `Locate` for a parsed YAML document; anchors and merge keys are followed to where the text stands. */
export function yamlLocator(file: string, document: Document, lines: LineCounter): Locate {
  return (path, at) => {
    let found: Found = { key: undefined, value: isNode(document.contents) ? document.contents : undefined };
    let complete = true;
    for (const part of path) {
      const next = childOf(document, found.value, part);
      if (next === undefined) {
        complete = false;
        break;
      }
      found = next;
    }
    // A key without a value ("images:") has a node of no length: the key says more.
    const hasText =
      found.value?.range !== undefined && found.value.range !== null && found.value.range[1] > found.value.range[0];
    const node = complete && at === "value" && hasText ? found.value : (found.key ?? found.value);
    return nodeLocation(file, node, lines);
  };
}

/** Line and column where a node starts; the first of the file for none. */
export function nodeLocation(file: string, node: Node | undefined, lines: LineCounter): SourceLocation {
  const { line, col } = lines.linePos(node?.range?.[0] ?? 0);
  return { file, line: Math.max(1, line), column: Math.max(1, col) };
}

function childOf(document: Document, parent: Node | undefined, key: PropertyKey): Found | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isSeq(node) && typeof key === "number") {
    const item = node.items[key];
    return isNode(item) ? { key: item, value: item } : undefined;
  }
  return isMap(node) ? pairOf(document, node, String(key), 0) : undefined;
}

function pairOf(document: Document, map: YAMLMap, key: string, depth: number): Found | undefined {
  const own = map.items.find((pair) => isScalar(pair.key) && !isMergeKey(pair) && String(pair.key.value ?? "") === key);
  if (own !== undefined)
    return { key: isNode(own.key) ? own.key : undefined, value: isNode(own.value) ? own.value : undefined };
  // Anchors may be circular, so the depth is bounded.
  if (depth > 20) return undefined;
  for (const pair of map.items) {
    if (!isMergeKey(pair)) continue;
    const source = isAlias(pair.value) ? pair.value.resolve(document) : pair.value;
    for (const item of isSeq(source) ? source.items : [source]) {
      const merged = isAlias(item) ? item.resolve(document) : item;
      const found = isMap(merged) ? pairOf(document, merged, key, depth + 1) : undefined;
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Whether a pair is `<<: …`. */
export function isMergeKey(pair: Pair): boolean {
  const value = isScalar(pair.key) ? pair.key.value : pair.key;
  return value === "<<" || (typeof value === "symbol" && value.description === "<<");
}
