import { readdir } from "node:fs/promises";
import { join, relative } from "node:path";
import { type CheckedFiles, readCheckedFiles } from "../checks/run/source.ts";
import { workingFiles } from "../release/source.ts";
import type { CheckedOutCommit } from "./release-source.ts";

/** The files of a checkout, or of a working tree without what git ignores. */
export async function filesToCheck(source: CheckedOutCommit): Promise<CheckedFiles> {
  const below = relative(source.root, source.folder).replaceAll("\\", "/");
  const paths = source.dirty ? await workingFiles(source.root) : await filesBelow(source.root);
  return readCheckedFiles(source.root, below, paths);
}

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}
