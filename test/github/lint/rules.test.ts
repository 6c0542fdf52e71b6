import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { describe, it } from "node:test";
import { lintWorkflows } from "../../../src/github/lint/lint.ts";
import { rules } from "../../../src/github/lint/table.ts";

const samples = new URL("samples/", import.meta.url).pathname;

/** The files of a sample: it is one file, or a folder of files that are read together. */
function filesOf(path: string): Readonly<Record<string, string>> {
  if (path.endsWith(".yml")) return { [relative(samples, path)]: readFileSync(path, "utf8") };
  const inside = readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".yml"));
  return Object.fromEntries(inside.sort().map((name) => [name, readFileSync(join(path, name), "utf8")]));
}

/** The lines that a sample marks, as `file:line rule`: by `found` at their end, or at the end of the line before where a comment has no place. */
function expected(rule: string, files: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(files).flatMap(([file, text]) =>
    text.split("\n").flatMap((line, index) => {
      const mark = /(?:#|\/\/) found(?<next> in the next line)?$/.exec(line);
      return mark === null ? [] : [`${file}:${index + (mark.groups?.["next"] === undefined ? 1 : 2)} ${rule}`];
    }),
  );
}

function found(files: Readonly<Record<string, string>>): readonly string[] {
  const lines = lintWorkflows(files).map(
    ({ file, line, rule, ignored }) => `${file}:${line} ${rule}${ignored === null ? "" : " ignored"}`,
  );
  return [...new Set(lines)];
}

describe("each rule of the linter finds the lines that are wrong, and nothing else", () => {
  for (const { id } of rules) {
    const names = readdirSync(join(samples, id)).sort();
    const bad = names.filter((name) => name.startsWith("bad"));
    const good = names.filter((name) => name.startsWith("good"));
    it(id, () => {
      assert.ok(bad.length > 0 && good.length > 0, "a rule has good and bad samples");
      for (const name of bad) {
        const files = filesOf(join(samples, id, name));
        assert.notDeepEqual(expected(id, files), [], `${name} marks its lines`);
        assert.deepEqual(found(files), expected(id, files), name);
      }
      for (const name of good) assert.deepEqual(found(filesOf(join(samples, id, name))), [], name);
    });
  }
});
