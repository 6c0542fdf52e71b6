// Checks the directions of imports with dependency-cruiser and the rules of .dependency-cruiser.ts.
//
// dependency-cruiser reads TypeScript through the compiler's API up to version 6, and TypeScript 7 has none. So it is shown the
// source with the types taken off, once without and once with the imports of types, in a folder that is removed afterwards.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cruise, type IViolation } from "dependency-cruiser";
import rules from "../.dependency-cruiser.ts";

const root = dirname(import.meta.dirname);
const folders = ["src", "test", "scripts", "bench", "packages"];

const work = realpathSync(mkdtempSync(join(tmpdir(), "shiplock-imports-")));
try {
  const count = writeViews(work);
  const { output } = await cruise(
    ["runs", "types"],
    { baseDir: work, ruleSet: rules, validate: true, moduleSystems: ["es6"], doNotFollow: { path: "node_modules" } },
    { extensions: [".js"] },
  );
  if (typeof output === "string") throw new Error("dependency-cruiser answered with text");
  const { violations, totalDependenciesCruised = 0 } = output.summary;
  // Nothing found in nothing would be no answer.
  if (totalDependenciesCruised < count) throw new Error(`only ${totalDependenciesCruised} imports were understood`);
  const lines = new Set(violations.map(describe));
  for (const line of lines) process.stdout.write(`${line}\n`);
  process.exitCode = lines.size === 0 ? 0 : 1;
} finally {
  rmSync(work, { recursive: true, force: true });
}

/** Writes both views; answers how many source files there are. */
function writeViews(target: string): number {
  const files = folders.flatMap(typescriptFiles);
  writeFileSync(join(target, "package.json"), JSON.stringify({ type: "module" }));
  for (const file of files) {
    const source = readFileSync(join(root, file), "utf8");
    const withTypes = source.replace(/^(import|export) type (?=[{*\w])(?=[^;=]*? from ")/gm, "$1 ");
    for (const [view, text] of [
      ["runs", source],
      ["types", withTypes],
    ] as const) {
      const path = join(target, view, file.replace(/\.ts$/, ".js"));
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, stripTypeScriptTypes(text).replace(/((?:from|import|import\() ?"\.[^"\n]+)\.ts"/g, '$1.js"'));
    }
  }
  return files.length;
}

function typescriptFiles(folder: string): string[] {
  try {
    return readdirSync(join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

function describe(violation: IViolation): string {
  const way = violation.cycle ?? violation.via ?? [];
  const path = way.length === 0 ? [violation.to] : way.map((step) => step.name);
  return `${violation.rule.name}: ${[violation.from, ...path].map(sourceName).join(" → ")}`;
}

function sourceName(path: string): string {
  return path.replace(/^(runs|types)\//, "").replace(/\.js$/, ".ts");
}
