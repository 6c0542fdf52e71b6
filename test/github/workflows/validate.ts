import assert from "node:assert/strict";
import type { WorkflowFile } from "../../../src/github/workflows/types.ts";
import { allowJsonImports } from "../official/json-imports.ts";

allowJsonImports();

const { validate } = await import("@actions/languageservice");
const { NoOperationTraceWriter, parseWorkflow } = await import("@actions/workflow-parser");

/** What GitHub's own validator and parser have to say about a workflow file; nothing for one that is right. */
export async function complaintsOf({ name, text }: WorkflowFile): Promise<string[]> {
  const document = textDocument(name, text);
  const diagnostics = await validate(document);
  const parsed = parseWorkflow({ name, content: text }, new NoOperationTraceWriter());
  return [
    ...diagnostics.map(({ message, range }) => `${name}:${range.start.line + 1}: ${String(message)}`),
    ...parsed.context.errors.getErrors().map(({ message }) => `${name}: ${String(message)}`),
  ];
}

/** @throws AssertionError with all complaints and the text */
export async function assertValid(files: readonly WorkflowFile[]): Promise<void> {
  for (const file of files) {
    const complaints = await complaintsOf(file);
    assert.deepEqual(complaints, [], `${complaints.join("\n")}\n${file.text}`);
  }
}

type TextDocument = Parameters<typeof validate>[0];

function textDocument(name: string, text: string): TextDocument {
  const starts = [0, ...[...text.matchAll(/\n/g)].map((match) => match.index + 1)];
  const offsetAt: TextDocument["offsetAt"] = ({ line, character }) => (starts[line] ?? text.length) + character;
  return {
    uri: `file:///.github/workflows/${name}`,
    languageId: "yaml",
    version: 1,
    lineCount: starts.length,
    getText: (range) => (range === undefined ? text : text.slice(offsetAt(range.start), offsetAt(range.end))),
    getLineRange: (line) => ({ start: { line, character: 0 }, end: { line: line + 1, character: 0 } }),
    getEOLCharacters: () => "\n",
    offsetAt,
    positionAt: (offset) => {
      const line = starts.findLastIndex((start) => start <= offset);
      return { line, character: offset - (starts[line] ?? 0) };
    },
  };
}
