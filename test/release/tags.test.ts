import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { imageTag } from "../../src/release/tags.ts";
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
        assert.ok(isTag(tag), tag);
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

  it("a branch that is a tag by itself stands in it as it is", () => {
    assert.equal(imageTag("prod", "main", commit), "prod-main-0123456");
    assert.equal(imageTag("prod", "release_1.2", commit), "prod-release_1.2-0123456");
    assert.equal(imageTag("prod", null, commit), "prod-0123456");
  });
});
