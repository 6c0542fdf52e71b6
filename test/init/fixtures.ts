import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Tree } from "../../src/config/init/tree.ts";
import { readVariables } from "../../src/config/init/variables.ts";

/** Files by path: a repository as one text, where a line `-- path --` begins a file. */
export type Files = Readonly<Record<string, string>>;

const folder = join(import.meta.dirname, "repositories");

/** The repositories that init is tested with. */
export const repositoryNames = readdirSync(folder)
  .map((name) => basename(name, ".txt"))
  .toSorted();

export function readRepository(name: string): Files {
  return filesIn(readFileSync(join(folder, `${name}.txt`), "utf8"));
}

export function filesIn(text: string): Files {
  const parts = text.split(/^-- (.+) --\n/m).slice(1);
  return Object.fromEntries(
    parts.flatMap((path, index) => (index % 2 === 0 ? [[path, parts[index + 1] ?? ""] as const] : [])),
  );
}

/** Files as one text again, for what is kept beside a test. */
export function textOfFiles(files: Files): string {
  return Object.entries(files)
    .map(([path, text]) => `-- ${path} --\n${text}`)
    .join("");
}

/** The tree that reading these files would give; `ignored` are files that git does not know. */
export function treeOf(files: Files, folderName = "tea-shop", ignored: Files = {}): Tree {
  return {
    folderName,
    paths: Object.keys(files).toSorted(),
    text: (path) => files[path],
    ignoredVariables: Object.fromEntries(
      Object.entries(ignored).map(([path, text]) => [path, readVariables(text).map(({ name }) => name)]),
    ),
  };
}
