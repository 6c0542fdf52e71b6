import { globSync } from "node:fs";
import { relative } from "node:path";
import { root } from "../tool.ts";

export type TestFiles = { unit: string[]; lab: string[] };

/** The test files below test/ and of the packages, sorted; what needs hosts in a box goes apart. */
export function findTests(): TestFiles {
  const files = globSync(["test/**/*.test.ts", "packages/*/test/**/*.test.ts"], { cwd: root }).sort();
  return { unit: files.filter((file) => !needsLab(file)), lab: files.filter(needsLab) };
}

/** The given files as paths in the repository, in the phase they belong to. */
export function namedTests(files: readonly string[], from: string): TestFiles {
  const paths = files.map((file) => relative(root, new URL(file, `file://${from}/`).pathname));
  return { unit: paths.filter((file) => !needsLab(file)), lab: paths.filter(needsLab) };
}

function needsLab(file: string): boolean {
  return file.startsWith("test/lab/") || file.startsWith("test/e2e/");
}
