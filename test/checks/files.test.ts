import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { selectFiles } from "../../src/checks/files.ts";

const tree = [
  ".github/workflows/ci.yml",
  "README.md",
  "docs/guide.md",
  "shop/main.py",
  "shop/web/notes.md",
  "web/.eslintrc.json",
  "web/README.md",
  "web/app/page.tsx",
  "webhooks/in.py",
];

describe("the files that a check gets", () => {
  const cases: readonly (readonly [readonly string[] | undefined, readonly string[]])[] = [
    [undefined, tree],
    [["web/**"], ["web/.eslintrc.json", "web/README.md", "web/app/page.tsx"]],
    [["web/"], ["shop/web/notes.md", "web/.eslintrc.json", "web/README.md", "web/app/page.tsx"]],
    [["/web"], ["web/.eslintrc.json", "web/README.md", "web/app/page.tsx"]],
    [["./web/app"], ["web/app/page.tsx"]],
    [
      ["web/**", "!**/*.md"],
      ["web/.eslintrc.json", "web/app/page.tsx"],
    ],
    [
      ["!**/*.md", "web/**"],
      ["web/.eslintrc.json", "web/README.md", "web/app/page.tsx"],
    ],
    [
      ["web/**", "!web/app", "web/app/page.tsx"],
      ["web/.eslintrc.json", "web/README.md", "web/app/page.tsx"],
    ],
    [["/*.md"], ["README.md"]],
    [["*.md"], ["README.md", "docs/guide.md", "shop/web/notes.md", "web/README.md"]],
    [
      ["!web", "!*.py"],
      [".github/workflows/ci.yml", "README.md", "docs/guide.md"],
    ],
    [["**/*.yml"], [".github/workflows/ci.yml"]],
    [["WEB/**"], []],
    [["."], tree],
    [["we?/ap[a-q]/*"], ["web/app/page.tsx"]],
  ];
  for (const [patterns, expected] of cases) {
    it(`with ${patterns === undefined ? "no patterns" : JSON.stringify(patterns)} are ${expected.length} of ${tree.length}`, () => {
      assert.deepEqual(selectFiles(patterns, tree), expected);
    });
  }

  it("names that begin like a comment or an exception can be written", () => {
    assert.deepEqual(selectFiles(["#notes", "\\!now"], ["#notes", "!now", "notes"]), ["#notes", "!now"]);
  });

  it("a pattern that leaves the repository is refused", () => {
    for (const pattern of ["../secrets", "web/../../x", "!../x", ".."]) {
      assert.throws(() => selectFiles([pattern], tree), { code: "check/files-outside" }, pattern);
    }
    assert.deepEqual(selectFiles(["..."], ["..."]), ["..."]);
  });

  it("a pattern and its exception leave nothing, and no answer holds a path that was not asked for", () => {
    const pattern = fc.stringMatching(/^[a-z*/?.]{1,8}$/).filter((text) => !text.split("/").includes(".."));
    fc.assert(
      fc.property(fc.array(pattern, { minLength: 1 }), fc.shuffledSubarray(tree), (patterns, paths) => {
        const chosen = selectFiles(patterns, paths);
        assert.deepEqual(
          chosen,
          paths.filter((path) => chosen.includes(path)),
        );
        assert.deepEqual(selectFiles([...patterns, ...patterns.map((one) => `!${one}`)], paths), []);
        for (const path of chosen) assert.ok(patterns.some((one) => selectFiles([one], [path]).length === 1));
      }),
    );
  });
});
