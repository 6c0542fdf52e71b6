import { type Document, isCollection, isMap, isNode, isPair, isScalar, Pair, parseDocument, Scalar } from "yaml";
import type { From, Question, Taken } from "./types.ts";

export type Path = readonly (string | number)[];

/** A configuration that is being filled in: each change says where it was taken from, in the text and in the lists. */
export type Draft = {
  /** Sets a key, and writes beside it where that stands in a workflow. */
  take(path: Path, value: unknown, from: From, more?: string): void;
  /** Writes beside a key where it stands in a workflow, and leaves its value. */
  mark(path: Path, from: From): void;
  /** Sets a key, unless the value is undefined, and writes beside it that a person has to look. */
  ask(path: Path, value: unknown, from: From, question: string): void;
  remove(path: Path): void;
  /** Takes back the last change at or above a key, and says which it was; null where there was none. */
  takeBack(key: string): Taken | null;
  has(path: Path): boolean;
  value(path: Path): unknown;
  text(): string;
  readonly taken: Taken[];
  readonly questions: Question[];
};

/** What init says of a check's job, where the place says it too. */
const saidTwice = /^ *# From the job .*\n(?= *# \S+:\d+)/gm;

export function draftFrom(text: string): Draft {
  const document = parseDocument(text);
  const taken: Taken[] = [];
  const questions: Question[] = [];
  const changes: { readonly said: Taken; readonly path: Path; readonly before: unknown }[] = [];
  return {
    taken,
    questions,
    take(path, value, from, more) {
      const said = { ...from, key: path.join(".") };
      changes.push({ said, path, before: document.getIn(path, true) });
      put(document, path, value);
      comment(document, path, `${from.file}:${from.line}${more === undefined ? "" : `, ${more}`}`);
      taken.push(said);
    },
    mark(path, from) {
      comment(document, path, `${from.file}:${from.line}`);
      taken.push({ ...from, key: path.join(".") });
    },
    ask(path, value, from, question) {
      changes.push({ said: { ...from, key: path.join(".") }, path, before: document.getIn(path, true) });
      if (value !== undefined) put(document, path, value);
      comment(document, path, `? ${question} (${from.file}:${from.line})`);
      questions.push({ ...from, key: path.join("."), question });
    },
    remove: (path) => removeFrom(document, path),
    takeBack(key) {
      const at = changes.findLastIndex(
        ({ said }) => key === said.key || key.startsWith(`${said.key}.`) || key.startsWith(`${said.key}[`),
      );
      const [change] = at === -1 ? [] : changes.splice(at, 1);
      if (change === undefined) return null;
      if (change.before === undefined) removeFrom(document, change.path);
      else document.setIn(change.path, change.before);
      for (const list of [taken, questions]) {
        const index = list.findLastIndex((one) => one.key === change.said.key);
        if (index !== -1) list.splice(index, 1);
      }
      return change.said;
    },
    has: (path) => document.hasIn(path),
    value: (path) => {
      const found = document.getIn(path, true);
      return isNode(found) ? found.toJS(document) : found;
    },
    text: () => document.toString({ lineWidth: 0, flowCollectionPadding: false }).replaceAll(saidTwice, ""),
  };
}

/** Removes a key, and the mapping that it leaves empty. */
function removeFrom(document: Document, path: Path): void {
  document.deleteIn(path);
  const above = path.slice(0, -1);
  const map = document.getIn(above, true);
  if (above.length > 0 && isMap(map) && map.items.length === 0) document.deleteIn(above);
}

/** Sets a value; mappings on the way are made as blocks, and short lists and mappings inside it stay on their line. */
function put(document: Document, path: Path, value: unknown): void {
  const node = document.createNode(value);
  shorten(node, path.length === 1);
  for (let depth = 1; depth < path.length; depth += 1) {
    const above = path.slice(0, depth);
    if (!document.hasIn(above)) add(document, above, document.createNode({}));
  }
  add(document, path, node);
}

function shorten(node: unknown, outermost: boolean): void {
  if (!isCollection(node)) return;
  const values = node.items.map((item) => (isPair(item) ? item.value : item));
  if (!outermost && values.every(isScalar)) node.flow = true;
  else for (const value of values) shorten(value, false);
}

/** A new key of the whole file stands before the environments, with a line between it and its neighbours. */
function add(document: Document, path: Path, node: unknown): void {
  const { contents } = document;
  const [key] = path;
  if (path.length > 1 || !isMap(contents) || document.hasIn(path)) return document.setIn(path, node);
  const at = contents.items.findIndex((pair) => isScalar(pair.key) && pair.key.value === "environments");
  const name = new Scalar(key);
  name.spaceBefore = true;
  contents.items.splice(at === -1 ? contents.items.length : at, 0, new Pair<unknown>(name, node));
}

/** Beside a short value; above the key of a long one. */
function comment(document: Document, path: Path, text: string): void {
  const node = document.getIn(path, true);
  const line = ` ${text.replaceAll(/[\p{C}\s]+/gu, " ").trim()}`;
  const besides = isScalar(node) || (isCollection(node) && node.flow === true);
  if (besides) {
    node.comment = node.comment === undefined || node.comment === null ? line : `${node.comment};${line}`;
    return;
  }
  const above = document.getIn(path.slice(0, -1), true) ?? document.contents;
  const last = path.at(-1);
  const map = path.length === 1 ? document.contents : above;
  if (!isMap(map)) {
    if (isNode(node)) node.commentBefore = line;
    return;
  }
  const pair = map.items.find(({ key }) => (isScalar(key) ? key.value : key) === last);
  if (pair === undefined) return;
  const key = isScalar(pair.key) ? pair.key : new Scalar(last);
  pair.key = key;
  const before = key.commentBefore;
  // What init says of a job is said by the place.
  key.commentBefore =
    before === undefined || before === null || /From the job/.test(before) ? line : `${before}\n${line}`;
}
