import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  visit,
} from "yaml";
import { messageOf, type SourceLocation } from "../errors.ts";
import { plain, quote } from "./display.ts";
import { isMergeKey, type Locate, nodeLocation, yamlLocator } from "./locate.ts";

export type LocatedProblem = { where: SourceLocation; sentence: string };

/** What a file says. `raw` is undefined when its syntax leaves nothing to go on with; `problems` are those of the syntax. */
export type ReadResult = { raw: unknown; locate: Locate; problems: readonly LocatedProblem[] };

/** More than any configuration needs; a file beyond is not one. Characters. */
const LONGEST_FILE = 256_000;

/** Deeper brackets than any configuration needs; the parser's time grows with the third power of their depth. */
const DEEPEST_BRACKETS = 50;

/** Parses YAML 1.2 with anchors and merge keys. Never throws: what is wrong with the text comes back as problems with their place. */
export function readYaml(file: string, source: string): ReadResult {
  const text = source.replace(/^\uFEFF/, "");
  const nowhere: Locate = () => ({ file, line: 1, column: 1 });
  const failed = (sentence: string, where: { line: number; column: number } = { line: 1, column: 1 }): ReadResult => ({
    raw: undefined,
    locate: nowhere,
    problems: [{ where: { file, ...where }, sentence }],
  });
  if (text.length > LONGEST_FILE) return failed(`the file has ${text.length} characters, more than ${LONGEST_FILE}`);
  const lines = new LineCounter();
  try {
    const tooDeep = tooDeepAt(text);
    if (tooDeep !== undefined)
      return failed(`there are more than ${DEEPEST_BRACKETS} brackets inside each other`, tooDeep);
    const document = parseDocument(text, { lineCounter: lines, merge: true, prettyErrors: false, uniqueKeys: true });
    return readDocument(file, text, document, lines);
  } catch (cause) {
    // Nesting that overflows the parser's stack, and whatever else a text may do to it.
    return failed(`this is not YAML that can be read: ${plain(messageOf(cause))}`);
  }
}

/** Where brackets first lie too deep inside each other. */
export function tooDeepAt(text: string): { line: number; column: number } | undefined {
  let depth = 0;
  let line = 1;
  let column = 1;
  let content = false;
  for (const token of new Lexer().lex(text)) {
    // These are the lexer's own marks and no part of the text; the last announces content, where a bracket is only a character.
    if (["\u0002", "\u0018", "\u001f"].includes(token) && !content) {
      content = token === "\u001f";
      continue;
    }
    if (!content && (token === "[" || token === "{")) depth += 1;
    if (!content && (token === "]" || token === "}")) depth = Math.max(0, depth - 1);
    content = false;
    if (depth > DEEPEST_BRACKETS) return { line, column };
    const breaks = token.split("\n");
    line += breaks.length - 1;
    column = breaks.length === 1 ? column + token.length : (breaks.at(-1)?.length ?? 0) + 1;
  }
  return undefined;
}

function readDocument(file: string, text: string, document: Document.Parsed, lines: LineCounter): ReadResult {
  // Once a document has broken off, everything after it is "unexpected": only the first of these says something.
  const errors = [...document.errors, ...document.warnings].filter(
    (error, index) => index === 0 || !/ in YAML stream/.test(error.message),
  );
  const syntax = errors.map((error): LocatedProblem & { duplicate: boolean } => {
    const { line, col } = lines.linePos(error.pos[0]);
    const where = { file, line: Math.max(1, line), column: Math.max(1, col) };
    const duplicate = error.code === "DUPLICATE_KEY";
    return {
      where,
      duplicate,
      sentence: duplicate ? duplicateSentence(text, error.pos[0]) : syntaxSentence(error.message, text, where),
    };
  });
  const locate = yamlLocator(file, document, lines);
  const structure = structureProblems(file, document, lines);
  // A key that is there twice leaves a readable document; after any other error what follows would be guesses.
  const readable = structure.length === 0 && syntax.every((problem) => problem.duplicate);
  const problems = [...syntax.map(({ where, sentence }) => ({ where, sentence })), ...structure];
  return { raw: readable ? document.toJS({ maxAliasCount: 1000 }) : undefined, locate, problems };
}

function duplicateSentence(text: string, offset: number): string {
  const key = /^(?:"([^"\n]*)"|'([^'\n]*)'|([^\s:,{}[\]]+))/.exec(text.slice(offset, offset + 200));
  const name = key?.[1] ?? key?.[2] ?? key?.[3];
  return name === undefined ? "this key is there already" : `the key ${quote(name)} is there already`;
}

function syntaxSentence(message: string, text: string, where: { line: number }): string {
  if (/stack/i.test(message)) return "YAML: too much lies inside each other here";
  // The place is told apart; the parser's own words end in it.
  const words = plain(message.replace(/(?: at line \d+, column \d+:?[^]*| in YAML stream[^]*)$/, "")).replace(
    /\.$/,
    "",
  );
  const line = text.split("\n", where.line)[where.line - 1] ?? "";
  const unquoted = /[{[,].*[:,[{]\s*\$\{/.test(line);
  return `YAML: ${words}${unquoted ? '; put a ${NAME} between { } or [ ] in quotes: "${NAME}"' : ""}`;
}

/** Keys that are no plain names, aliases without an anchor, merge keys of something else than mappings. */
function structureProblems(file: string, document: Document, lines: LineCounter): readonly LocatedProblem[] {
  const problems: LocatedProblem[] = [];
  const at = (node: unknown, sentence: string) =>
    problems.push({ where: nodeLocation(file, node as Node, lines), sentence });
  const anchors = new Set<string>();
  visit(document, {
    Value(_key, node) {
      if (node.anchor !== undefined) anchors.add(node.anchor);
    },
    Alias(_key, alias) {
      if (!anchors.has(alias.source)) at(alias, `there is no anchor ${quote(`&${alias.source}`)} before this`);
    },
    Pair(_key, pair) {
      if (isMergeKey(pair)) {
        if (!mergesMappings(document, pair))
          at(pair.value ?? pair.key, "a merge key (<<) takes a mapping, an alias of one, or a list of them");
        return;
      }
      if (!isScalar(pair.key)) at(pair.key ?? pair.value, "a key has to be plain text");
      else if (pair.key.value === null) at(pair.key, "a key cannot be empty");
    },
  });
  return problems;
}

function mergesMappings(document: Document, pair: Pair): boolean {
  const resolved = (node: unknown) => (isAlias(node) ? node.resolve(document) : node);
  const source = resolved(pair.value);
  return isSeq(source) ? source.items.every((item) => isMap(resolved(item))) : isMap(source);
}
