import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { matchesRef, refPatternProblem } from "../../src/config/ref-pattern.ts";

/** Pattern, names that fit, names that do not: after the documentation of Ruby's File.fnmatch with FNM_PATHNAME, and GitHub's of branches and tags that may be deployed. */
const table: readonly (readonly [string, readonly string[], readonly string[]])[] = [
  ["main", ["main"], ["Main", "mai", "maintenance", "a/main", "main/a"]],
  ["*", ["main", "v1.2.3", "dependabot"], ["feature/x", "a/b/c"]],
  ["release/*", ["release/1.2", "release/"], ["release", "release/1/2", "releases/1"]],
  ["release/*/*", ["release/1/2"], ["release/1", "release/1/2/3"]],
  ["*release*", ["release", "prerelease-1", "release1"], ["release/1", "my/release"]],
  ["qa/**/*", ["qa/a", "qa/a/b", "qa/foo/bar/foobar/hello-world"], ["qa", "qaa/b", "x/qa/b"]],
  ["**/main", ["main", "a/main", "a/b/c/main"], ["domain", "main/a", "a/xmain"]],
  ["**/*", ["main", "feature/x", "a/b/c"], []],
  ["**", ["main", "v1"], ["feature/x"]],
  ["a/**/b/**/c", ["a/b/c", "a/x/b/c", "a/x/y/b/z/b/c"], ["a/c", "a/b/x", "b/c"]],
  ["**/**/x", ["x", "a/x", "a/b/x"], ["a/b"]],
  ["**x", ["x", "aax"], ["a/x"]],
  ["a**/b", ["a/b", "aaa/b"], ["a/x/b"]],
  ["v?", ["v1", "vé", "v💡"], ["v", "v12", "v/"]],
  ["?", ["a"], ["", "/", "ab"]],
  ["v[0-9].*", ["v1.0", "v9.9.9-rc.1"], ["va.0", "v10.0", "v1.0/x"]],
  ["ca[a-z]", ["cat"], ["caT", "ca", "ca/"]],
  ["ca[^t]", ["car"], ["cat", "ca", "ca/"]],
  ["ca[!t]", ["car", "ca!"], ["cat"]],
  ["[!m]*", ["develop"], ["main", "m"]],
  ["[a-cx-z]", ["a", "b", "y"], ["d", "w", "-"]],
  ["[a-]", ["a", "-"], ["b"]],
  ["[-a]", ["a", "-"], ["b"]],
  ["[a\\-c]", ["a", "-", "c"], ["b"]],
  ["[\\]]", ["]"], ["\\", "a"]],
  ["[\\?]", ["?"], ["\\"]],
  ["a[/]b", [], ["a/b", "a[/]b"]],
  ["[x/]y", ["xy"], ["/y", "x/y"]],
  ["\\*", ["*"], ["a", "\\*"]],
  ["\\a", ["a"], ["\\a"]],
  ["a\\/b", ["a/b"], ["ab"]],
  ["feat[ure", [], ["feat[ure", "feature", "featu"]],
  ["[]", [], ["", "a", "[]"]],
  ["[]a]", [], ["a", "]", "a]"]],
  ["[!]", ["a", "!"], ["", "ab"]],
  ["!main", ["!main"], ["main", "develop"]],
  ["{main,develop}", ["{main,develop}"], ["main", "develop"]],
  ["v1.0", ["v1.0"], ["v1x0"]],
  ["*a*b*c", ["abc", "xaxbxc", "aabbcc", "abcbc"], ["acb", "abcd", "ab"]],
  ["dependabot/**/*-*", ["dependabot/npm/a-1", "dependabot/a-b"], ["dependabot/npm/a"]],
];

/** A part of a name as git allows it, of few letters, so that patterns meet it. */
const part = fc.stringMatching(/^[ab1]{1,4}$/);
const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));

describe("patterns of branches and tags", () => {
  for (const [pattern, fitting, others] of table)
    it(`${pattern} means what it means on GitHub`, () => {
      for (const each of fitting) assert.ok(matchesRef(pattern, each), `${pattern} has to fit ${JSON.stringify(each)}`);
      for (const each of others)
        assert.ok(!matchesRef(pattern, each), `${pattern} may not fit ${JSON.stringify(each)}`);
    });

  it("a name without special characters fits itself and nothing else", () => {
    fc.assert(fc.property(name, name, (one, other) => matchesRef(one, other) === (one === other)));
  });

  it("an escaped name fits exactly itself, whatever is in it", () => {
    const any = fc.stringMatching(/^[a*?[\]!^\\-]{1,8}$/);
    const escaped = (text: string): string => text.replaceAll(/[*?[\]\\!^-]/g, String.raw`\$&`);
    fc.assert(fc.property(any, any, (one, other) => matchesRef(escaped(one), other) === (one === other)));
  });

  it("stars fit where a regular expression of the same meaning does", () => {
    const pattern = fc
      .array(fc.constantFrom("a", "b", "*", "?", "/", "**/"), { maxLength: 8 })
      .map((all) => all.join(""));
    fc.assert(
      fc.property(pattern, name, (written, text) => matchesRef(written, text) === expression(written).test(text)),
      { numRuns: 2_000 },
    );
  });

  it("a pattern of many stars is answered at once", () => {
    assert.ok(!matchesRef(`${"*a".repeat(200)}b`, "a".repeat(2_000)));
  });

  it("a pattern that nothing can fit is told with its reason, and one that is fine is not", () => {
    for (const [pattern] of table)
      if (!/^(?:\[\]|feat\[ure|\[\]a\])/.test(pattern)) assert.equal(refPatternProblem(pattern), undefined, pattern);
    const wrong = ["feat[ure", "[]", "refs/heads/main", "/main", "main/", "a//b", "a b", "main\\"];
    for (const pattern of wrong) assert.equal(typeof refPatternProblem(pattern), "string", pattern);
  });
});

/** The same by other means: slow, and only for letters, stars, question marks and slashes. */
function expression(pattern: string): RegExp {
  const source = pattern.replaceAll(/(?<=^|\/)(?:\*\*\/)+|\*+|\?/g, (found) => {
    if (found.startsWith("**/")) return "(?:[^/]*/)*";
    return found === "?" ? "[^/]" : "[^/]*";
  });
  return new RegExp(`^${source}$`);
}
