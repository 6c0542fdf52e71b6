import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canonical, type Data } from "../../src/checks/canonical.ts";
import { expandChecks } from "../../src/checks/graph.ts";
import {
  type CacheFacts,
  type CacheIngredients,
  cacheKey,
  definitionsHash,
  hashSecret,
  ingredientsOf,
} from "../../src/checks/key.ts";
import type { Check } from "../../src/config/types.ts";
import { check, checks } from "./samples.ts";

const definition = check("test", {
  matrix: { NODE: ["24"] },
  env: { CI: "1" },
  secrets: ["TOKEN"],
  services: [
    {
      name: "db",
      image: "postgres:17",
      env: { POSTGRES_DB: "shop" },
      command: undefined,
      health: { kind: "shell", line: "pg_isready" },
      startPeriodMs: 60_000,
    },
    { name: "redis", image: "redis:8", env: {}, command: ["redis-server"], health: undefined, startPeriodMs: 60_000 },
  ],
  caches: [{ path: "node_modules", key: ["package-lock.json"] }],
  artifacts: ["dist"],
  junit: ["report.xml"],
  coverage: { file: "lcov.info", format: undefined, atLeast: 80 },
  warnings: { file: "eslint.json", format: undefined, atMost: 0 },
});

const facts: CacheFacts = {
  files: [
    { path: "a.ts", mode: "100644", hash: "1" },
    { path: "b.ts", mode: "100644", hash: "2" },
  ],
  place: { kind: "container", imageDigest: "sha256:aa" },
  secrets: { TOKEN: hashSecret("hunter2") },
  serviceDigests: { db: "sha256:bb", redis: "sha256:cc" },
  needs: { build: "tar1" },
};

function ingredients(): CacheIngredients {
  const [job] = expandChecks(checks(definition));
  return ingredientsOf(job ?? assert.fail("no job"), facts);
}

const [first, second] = facts.files;
assert.ok(first !== undefined && second !== undefined);
const [db, redis] = ingredients().services;
assert.ok(db !== undefined && redis !== undefined);

/** Everything that can be different about each ingredient. An ingredient without an entry here does not compile. */
const changes: { readonly [Name in keyof CacheIngredients]-?: readonly CacheIngredients[Name][] } = {
  files: [
    [first],
    [{ ...first, path: "c.ts" }, second],
    [{ ...first, mode: "100755" }, second],
    [{ ...first, mode: "120000" }, second],
    [{ ...first, hash: "3" }, second],
    [
      { ...first, hash: "2" },
      { ...second, hash: "1" },
    ],
    [first, second, { ...first, path: "c.ts" }],
    [],
  ],
  place: [
    { kind: "container", imageDigest: "sha256:ab" },
    { kind: "process", machine: "linux x64" },
    { kind: "process", machine: "linux arm64" },
  ],
  run: [
    { kind: "shell", line: "false" },
    { kind: "arguments", arguments: ["true"] },
    { kind: "arguments", arguments: ["tr", "ue"] },
  ],
  directory: ["web"],
  env: [{}, { CI: "2", NODE: "24" }, { CI2: "1", NODE: "24" }, { CI: "1", NODE: "24", MORE: "" }],
  secrets: [{}, { TOKEN: hashSecret("hunter3") }, { TOKEN2: hashSecret("hunter2") }],
  services: [
    [],
    [db],
    [{ ...db, name: "database" }, redis],
    [{ ...db, imageDigest: "sha256:bc" }, redis],
    [{ ...db, env: { POSTGRES_DB: "shop2" } }, redis],
    [{ ...db, command: ["postgres"] }, redis],
    [{ ...db, health: { kind: "shell", line: "true" } }, redis],
    [{ ...db, health: undefined }, redis],
    [
      { ...db, imageDigest: redis.imageDigest },
      { ...redis, imageDigest: db.imageDigest },
    ],
  ],
  matrix: [{}, { NODE: "22" }, { DENO: "24" }, { NODE: "24", DB: "1" }],
  needs: [{}, { build: "tar2" }, { build2: "tar1" }],
  caches: [[], [{ path: "x", key: ["package-lock.json"] }], [{ path: "node_modules", key: ["yarn.lock"] }]],
  artifacts: [[], ["build"], ["dist", "build"]],
  junit: [[], ["junit.xml"]],
  coverage: [
    undefined,
    { file: "cov.xml", format: undefined, atLeast: 80 },
    { file: "lcov.info", format: "lcov", atLeast: 80 },
    { file: "lcov.info", format: undefined, atLeast: 81 },
    { file: "lcov.info", format: undefined, atLeast: undefined },
  ],
  warnings: [
    undefined,
    { file: "oxlint.json", format: undefined, atMost: 0 },
    { file: "eslint.json", format: "eslint", atMost: 0 },
    { file: "eslint.json", format: undefined, atMost: 1 },
  ],
  network: ["host", "none"],
};

describe("the key of a result", () => {
  const key = cacheKey(ingredients());

  it("is the same for the same ingredients, and can be a file's name", () => {
    assert.equal(cacheKey(ingredients()), key);
    assert.match(key, /^[0-9a-f]{64}$/);
  });

  for (const [name, others] of Object.entries(changes)) {
    it(`misses when ${name} alone changes`, () => {
      const keys = others.map((value) => cacheKey({ ...ingredients(), [name]: value }));
      assert.equal(new Set([key, ...keys]).size, others.length + 1);
    });
  }

  it("misses for each part of a check's definition that can change its result, and for no other", () => {
    const influence: { readonly [Name in keyof Check]-?: Partial<Check> | null } = {
      run: { run: { kind: "shell", line: "make" } },
      directory: { directory: "web" },
      matrix: { matrix: { NODE: ["22"] } },
      env: { env: { CI: "true" } },
      services: { services: definition.services.slice(1) },
      caches: { caches: [] },
      artifacts: { artifacts: [] },
      junit: { junit: [] },
      coverage: { coverage: undefined },
      warnings: { warnings: undefined },
      network: { network: "host" },
      // These are in the key as what they meant: a digest, files, values.
      place: null,
      files: null,
      secrets: null,
      needs: null,
      name: null,
      timeoutMs: null,
      retries: null,
      cached: null,
      required: null,
    };
    const without: Partial<Check> = {
      name: "other",
      place: { kind: "container", image: "node:24.1-slim" },
      files: ["web/**"],
      services: definition.services.map((service) => ({ ...service, startPeriodMs: 1 })),
      timeoutMs: 1,
      retries: 5,
      cached: false,
      required: false,
    };
    const keyOf = (changed: Partial<Check>): string => {
      const [job] = expandChecks(checks({ ...definition, ...changed }));
      return cacheKey(ingredientsOf(job ?? assert.fail("no job"), facts));
    };
    for (const [name, change] of Object.entries(influence)) {
      if (change !== null) assert.notEqual(keyOf(change), key, name);
    }
    assert.equal(keyOf(without), key);
  });

  it("does not exist without the digest of every service's image", () => {
    const [job] = expandChecks(checks(definition));
    assert.throws(
      () => ingredientsOf(job ?? assert.fail(), { ...facts, serviceDigests: { db: "sha256:bb" } }),
      /redis:8/,
    );
  });

  it("the order of maps, files and services does not matter", () => {
    const pairs = fc.uniqueArray(fc.tuple(fc.string(), fc.string()), { selector: ([name]) => name });
    fc.assert(
      fc.property(pairs, fc.gen(), (entries, gen) => {
        const shuffled = gen(() => fc.shuffledSubarray(entries, { minLength: entries.length }));
        const one = ingredients();
        const key = cacheKey({ ...one, env: fromPairs(entries) });
        const other = { env: fromPairs(shuffled), files: one.files.toReversed(), services: one.services.toReversed() };
        assert.equal(cacheKey({ ...one, ...other }), key);
      }),
    );
  });

  it("values cannot run into each other: different ingredients have different forms", () => {
    const data: fc.Arbitrary<Data> = fc.jsonValue({ maxDepth: 3, noUnicodeString: false });
    fc.assert(
      fc.property(data, (value) => {
        const form = canonical(value);
        assert.equal(canonical(JSON.parse(form) as Data), form, "it can be read back, so nothing was lost");
      }),
    );
    const texts = fc.array(fc.string({ unit: fc.constantFrom("a", '"', ",", ":", "\\", "{", "}", "\n") }));
    fc.assert(
      fc.property(texts, texts, (one, two) => {
        assert.equal(canonical(one) === canonical(two), JSON.stringify(one) === JSON.stringify(two));
      }),
    );
  });
});

describe("the hash of all definitions", () => {
  const all = checks(definition, check("lint"));

  it("does not depend on their order, and changes with anything else", () => {
    const hash = definitionsHash(all);
    assert.equal(definitionsHash(checks(check("lint"), definition)), hash);
    const others: readonly Partial<Check>[] = [
      { timeoutMs: 1 },
      { required: false },
      { retries: 1 },
      { cached: false },
      { files: ["web"] },
      { needs: ["test"] },
      { coverage: { file: "x", format: undefined, atLeast: 1 } },
    ];
    const hashes = others.map((change) => definitionsHash(checks(definition, check("lint", change))));
    assert.equal(new Set([hash, ...hashes, definitionsHash(checks(definition))]).size, others.length + 2);
  });
});

function fromPairs(entries: readonly (readonly [string, string])[]): Record<string, string> {
  return Object.fromEntries(entries);
}
