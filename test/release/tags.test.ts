import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { imageTag, imageTags, isAnothers } from "../../src/release/tags.ts";
import { isTag } from "../../src/release/registry/reference.ts";

const commit = "0123456789abcdef0123456789abcdef01234567";
const prefix = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const nasty = fc.oneof(
  fc.string({ minLength: 1, maxLength: 200, unit: "binary" }),
  fc.constantFrom(
    "x';$(touch pwned)\n",
    "feature/a",
    'say "hi"',
    "über/straße",
    "`id`",
    "a b",
    "-rf",
    "../../x",
    "🚢",
    ".",
  ),
);

describe("the tag of an image", () => {
  it("is one that a registry takes, whatever the branch is called", () => {
    fc.assert(
      fc.property(prefix, nasty, (environment, ref) => {
        const tag = imageTag(environment, ref, commit);
        assert.ok(isTag(tag) && isTag(`${tag}-linux-riscv64`), tag);
        assert.ok(tag.startsWith(`${environment}-`) && tag.endsWith("-0123456"));
      }),
      { numRuns: 500 },
    );
  });

  it("different branches have different tags, also when they look alike once they are made safe or cut", () => {
    fc.assert(
      fc.property(nasty, nasty, (one, two) => {
        if (one !== two) assert.notEqual(imageTag("prod", one, commit), imageTag("prod", two, commit));
      }),
      { numRuns: 500 },
    );
    assert.notEqual(imageTag("prod", "feature/a", commit), imageTag("prod", "feature-a", commit));
    assert.notEqual(imageTag("prod", `${"x".repeat(150)}1`, commit), imageTag("prod", `${"x".repeat(150)}2`, commit));
  });

  it("branches that differ in case alone have different tags", () => {
    assert.notEqual(imageTag("prod", "Feature-A", commit), imageTag("prod", "feature-a", commit));
  });

  it("with more of the hash, or with what marks a working tree, it is still one that a registry takes", () => {
    fc.assert(
      fc.property(prefix, fc.option(nasty), fc.constantFrom("", "-dirty"), (environment, ref, suffix) => {
        const tags = imageTags(environment, ref, commit, suffix);
        assert.equal(tags[0], imageTag(environment, ref, commit, { suffix }));
        assert.equal(new Set(tags).size, tags.length);
        for (const tag of tags) assert.ok(isTag(`${tag}-linux-riscv64`) && tag.endsWith(suffix), tag);
        assert.ok(tags.at(-1)?.endsWith(commit + suffix));
      }),
      { numRuns: 300 },
    );
  });

  it("is another's when it names a commit that begins the same, or nothing that says its commit", () => {
    const twin = `${commit.slice(0, 7)}${"f".repeat(33)}`;
    assert.equal(isAnothers(commit, twin), true);
    assert.equal(isAnothers(commit, null), true);
    assert.equal(isAnothers(commit, commit), false);
    assert.equal(isAnothers(commit, "f".repeat(40)), false, "nothing in that image has changed since that commit");
  });

  it("a branch that is a tag by itself stands in it as it is", () => {
    assert.equal(imageTag("prod", "main", commit), "prod-main-0123456");
    assert.equal(imageTag("prod", "release_1.2", commit), "prod-release_1.2-0123456");
    assert.equal(imageTag("prod", null, commit), "prod-0123456");
  });
});
