import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Condition, ifOf } from "../../../src/github/workflows/expressions.ts";
import { entry, mapping, plain, write } from "../../../src/github/workflows/yaml.ts";
import { job, read } from "./read.ts";

const names = ["main", "it's", "!x", "release/1"] as const;

type Sample = { readonly condition: Condition; readonly holds: (name: string) => boolean };

const leaf: fc.Arbitrary<Sample> = fc
  .record({ name: fc.constantFrom(...names), not: fc.boolean() })
  .map(({ name, not }) => {
    const equal = `github.ref_name == '${name.replaceAll("'", "''")}'`;
    return { condition: not ? `!(${equal})` : equal, holds: (given) => (given === name) !== not };
  });

const sample: fc.Arbitrary<Sample> = fc.letrec<{ tree: Sample }>((tie) => ({
  tree: fc.oneof(
    { maxDepth: 3 },
    leaf,
    fc.array(tie("tree"), { minLength: 1, maxLength: 4 }).map((parts) => ({
      condition: { all: parts.map((part) => part.condition) },
      holds: (given: string) => parts.every((part) => part.holds(given)),
    })),
    fc.array(tie("tree"), { minLength: 1, maxLength: 4 }).map((parts) => ({
      condition: { any: parts.map((part) => part.condition) },
      holds: (given: string) => parts.some((part) => part.holds(given)),
    })),
  ),
})).tree;

test("a condition is to GitHub what it is meant to be, however many lines it takes and whatever it begins with", async () => {
  await fc.assert(
    fc.asyncProperty(sample, async ({ condition, holds }) => {
      const steps = [mapping(entry("run", "true"))];
      const only = mapping(entry("if", ifOf(condition)), entry("runs-on", "x"), entry("steps", steps));
      const text = write(mapping(entry("on", plain({ push: null })), entry("jobs", mapping(entry("only", only)))));
      const one = job(await read([{ name: "x.yml", text }], "x.yml"), "only");
      for (const name of names) assert.equal(one.runs({ github: { ref_name: name } }), holds(name), `${name}\n${text}`);
    }),
    { numRuns: 100 },
  );
});
