import { createHash } from "node:crypto";
import { globSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** `hashFiles`: one hash over the files of the workspace that fit; empty if none does. */
export function hashFiles(workspace: string, patterns: readonly string[]): string {
  const found = new Set(patterns.flatMap((pattern) => globSync(pattern, { cwd: workspace })));
  const files = [...found].map((path) => join(workspace, path)).filter((path) => statSync(path).isFile());
  if (files.length === 0) return "";
  const hash = createHash("sha256");
  for (const file of files.sort()) hash.update(createHash("sha256").update(readFileSync(file)).digest());
  return hash.digest("hex");
}
