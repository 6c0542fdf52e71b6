import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Judged, judge, parseIgnore } from "../../../src/release/inputs/ignore.ts";

/** Whether a path is left out, found the way down from the root, as a walk finds it. */
function isLeftOut(file: string, path: string): boolean {
  const rules = parseIgnore(file);
  assert.ok(rules !== null);
  const parts = path.split("/");
  let judged: Judged | null = null;
  for (let length = 1; length <= parts.length; length += 1)
    judged = judge(rules, parts.slice(0, length).join("/"), judged);
  return judged?.ignored ?? false;
}

const cases: readonly [file: string, out: readonly string[], within: readonly string[]][] = [
  ["node_modules", ["node_modules", "node_modules/a/b.js"], ["web/node_modules", "node_modules2", "xnode_modules"]],
  ["**/node_modules", ["node_modules/x", "web/node_modules", "a/b/node_modules/c"], ["node_modulesx"]],
  ["*.md", ["README.md"], ["docs/README.md", "READMExmd"]],
  ["**/*.md", ["README.md", "docs/a/b.md"], ["docs/a/b.mdx"]],
  ["*/temp*", ["a/temp", "a/temporary/x"], ["temp", "a/b/temp"]],
  ["temp?", ["tempa", "temp1/x"], ["temp", "tempab", "temp/a"]],
  ["/root.txt\nother/", ["root.txt", "other/x"], ["a/root.txt", "a/other/x"]],
  ["# a comment\n\n  spaced  ", ["spaced"], ["# a comment", "a comment"]],
  ["*.md\n!README.md", ["CHANGES.md"], ["README.md"]],
  ["!README.md\n*.md", ["README.md"], []],
  ["*\n!src\n!package.json", ["a", "dist/x", "package.json5"], ["src", "src/a/b", "package.json"]],
  ["docs\n!docs/keep", ["docs", "docs/other"], ["docs/keep", "docs/keep/x"]],
  ["docs\n!docs/keep\ndocs/keep/not", ["docs/keep/not"], ["docs/keep/yes"]],
  ["a/**", ["a/x", "a/x/y"], ["a", "b/a/x"]],
  ["a/**/z", ["a/z", "a/b/z", "a/b/c/z"], ["a/b/zz", "b/a/z"]],
  ["[a-c].txt", ["a.txt", "c.txt"], ["d.txt", "ab.txt"]],
  ["[^a-c].txt", ["d.txt"], ["a.txt"]],
  ["a\\*b", ["a*b"], ["axb"]],
  ["./a/../b//c", ["b/c", "b/c/d"], ["a", "c"]],
  ["a+(b).c$", ["a+(b).c$"], ["aa(b)xc$"]],
  ["\uFEFFfirst", ["first"], ["\uFEFFfirst"]],
  ["crlf\r\nsecond\r", ["crlf", "second"], []],
  [".", [], ["a", ".a"]],
];

for (const [file, out, within] of cases) {
  test(`.dockerignore ${JSON.stringify(file)} leaves out ${out.join(", ") || "nothing"}`, () => {
    for (const path of out) assert.equal(isLeftOut(file, path), true, path);
    for (const path of within) assert.equal(isLeftOut(file, path), false, path);
  });
}

test("what Docker refuses in a .dockerignore is not guessed at", () => {
  for (const file of ["!", "a\n!  ", "[", "a[", "[]", "a\\", "[z-a]"]) assert.equal(parseIgnore(file), null, file);
});

test("a name without special characters leaves out itself and all below it, and nothing else, whatever it is", () => {
  const name = fc.stringMatching(/^[A-Za-z0-9+()|{}$.^-]{1,8}$/).filter((text) => !/^[.]+$/.test(text));
  fc.assert(
    fc.property(name, name, (ignored, other) => {
      assert.equal(isLeftOut(ignored, ignored), true);
      assert.equal(isLeftOut(ignored, `${ignored}/${other}`), true);
      assert.equal(isLeftOut(ignored, other), other === ignored);
      assert.equal(isLeftOut(`${ignored}\n!${ignored}`, ignored), false);
    }),
  );
});
