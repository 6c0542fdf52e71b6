import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { apiHost, formatReference, parseReference } from "../../../src/release/registry/reference.ts";

const digest = `sha256:${"a".repeat(64)}`;

test("references are read as the engine reads them", () => {
  const cases: [string, string, string, string | null, string | null][] = [
    ["nginx", "docker.io", "library/nginx", null, null],
    ["nginx:1.27", "docker.io", "library/nginx", "1.27", null],
    ["ada/shop", "docker.io", "ada/shop", null, null],
    ["index.docker.io/nginx:1", "docker.io", "library/nginx", "1", null],
    ["docker.io/ada/shop:x", "docker.io", "ada/shop", "x", null],
    [`host:5000/a/b:tag@${digest}`, "host:5000", "a/b", "tag", digest],
    ["localhost/a:1", "localhost", "a", "1", null],
    ["localhost:5000/a", "localhost:5000", "a", null, null],
    ["[::1]:5000/a:1", "[::1]:5000", "a", "1", null],
    ["Example.COM/a_b/c__d/e-f.g:V_1.2-x", "example.com", "a_b/c__d/e-f.g", "V_1.2-x", null],
    [`shop@${digest}`, "docker.io", "library/shop", null, digest],
  ];
  for (const [text, registry, repository, tag, hash] of cases) {
    assert.deepEqual(parseReference(text), { registry, repository, tag, digest: hash }, text);
  }
});

test("what is no reference is refused, and nothing of it is run or sent", () => {
  const bad = [
    "",
    ":",
    "@",
    "a:",
    "a@",
    "/a",
    "a/",
    "a//b",
    "host:5000/",
    "a:b:c",
    "A/b/C",
    "UPPER",
    "a b",
    "a:b c",
    "a@sha256:12",
    `a@${digest}@${digest}`,
    `a:${"x".repeat(129)}`,
    "x".repeat(260),
    "x';$(touch pwned)\n",
    "a:$(x)",
    "../a",
    "host:5000/../a",
    "host:99999999/a",
    "a?b=c",
    "a#b",
    "user:pass@host/a",
    "http://host/a",
    "a:tag\u202e",
  ];
  for (const text of bad)
    assert.throws(() => parseReference(text), { code: "registry/bad-reference" }, JSON.stringify(text));
});

test("a reference that was written out is read back as the same", () => {
  const part = fc.stringMatching(/^[a-z0-9]+(?:(?:\.|_|__|-)[a-z0-9]+)?$/);
  const shape = {
    registry: fc.constantFrom("docker.io", "localhost:5000", "registry.example.com", "10.0.0.1:80"),
    repository: fc.tuple(part, part, part).map((parts) => parts.join("/")),
    tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/)),
    digest: fc.option(fc.constant(digest)),
  };
  const reference = fc.record(shape, { noNullPrototype: true });
  fc.assert(fc.property(reference, (value) => assert.deepEqual(parseReference(formatReference(value)), value)));
});

test("Docker Hub's API is asked at its own host", () => {
  assert.equal(apiHost("docker.io"), "registry-1.docker.io");
  assert.equal(apiHost("registry.example.com:5000"), "registry.example.com:5000");
});
