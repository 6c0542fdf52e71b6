import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { parseConfig } from "../../src/config/load.ts";
import type { ConfigInput } from "../../src/config/schema.ts";
import { keysAt } from "../../src/config/schema-keys.ts";
import { ShiplockError } from "../../src/errors.ts";
import { problemsIn, VALID } from "./example.ts";

const letters = "abcdefghijklmnopqrstuvwxyz";
const name = fc
  .string({ unit: fc.constantFrom(...letters), minLength: 2, maxLength: 8 })
  .filter((text) => !(text in Object.prototype));
const variable = fc.string({ unit: fc.constantFrom(..."ABCDEFG_"), minLength: 1, maxLength: 6 });
const duration = fc.oneof(
  fc.integer({ min: 5, max: 500 }).map((count) => `${count}s`),
  fc.constantFrom("1m30s", "7500ms", "1.5h"),
);
const text = fc.string({ maxLength: 20 }).filter((written) => !written.includes("\0"));
const argument = fc.oneof(
  text.map((written) => written.replaceAll("$", "$$$$")),
  variable.map((written) => `\${${written}}`),
);
const amount = fc.oneof(
  fc.integer({ min: 1, max: 9 }),
  fc.integer({ min: 1, max: 100 }).map((percent) => `${percent}%`),
);

function maybe<Shape extends Record<string, fc.Arbitrary<unknown>>>(shape: Shape) {
  return fc.record(shape, { requiredKeys: [] });
}

const health = fc.oneof(
  fc.constantFrom("/", "/health?deep=1"),
  maybe({
    interval: duration,
    timeout: duration,
    successes: fc.integer({ min: 1, max: 9 }),
    startPeriod: duration,
  }).chain((options) =>
    fc
      .constantFrom({ http: "/x", status: [200, 204] }, { tcp: true }, { docker: true }, { command: ["true"] })
      .map((probe) => ({ ...options, ...probe })),
  ),
);

const strategy = fc.oneof(
  fc.constantFrom("rolling", "recreate", "in-place", { recreate: {} }, { "in-place": {} }),
  maybe({ maxSurge: amount, maxUnavailable: amount, batch: amount, parallel: fc.integer({ min: 1, max: 50 }) }).map(
    (rolling) => ({ rolling }),
  ),
);

const image = maybe({
  context: fc.constantFrom(".", "web app"),
  args: fc.dictionary(variable, argument),
  platforms: fc.constant(["linux/arm64"]),
});

const environment = fc.record(
  {
    target: fc
      .uniqueArray(name, { minLength: 1, maxLength: 4 })
      .map((hosts) => ({ compose: { hosts, home: hosts.at(-1) } })),
    variables: fc.dictionary(
      variable,
      text.filter((written) => !written.includes("${")),
    ),
    strategy,
    bake: fc.oneof(duration, fc.constant(0)),
    timeout: duration,
    lease: fc.record({ ttl: duration }),
    keep: fc.integer({ min: 1, max: 100 }),
    migrations: fc.constant(false),
  },
  { requiredKeys: ["target"] },
);

const config = fc
  .tuple(
    fc.dictionary(name, image, { minKeys: 1, maxKeys: 3 }),
    fc.dictionary(name, environment, { minKeys: 1, maxKeys: 3 }),
    name,
  )
  .chain(([images, environments, project]) => {
    const service = fc
      .record({ image: fc.constantFrom(...Object.keys(images)), port: fc.integer({ min: 1, max: 65535 }), health })
      .chain((required) =>
        maybe({ drain: duration, replicas: fc.integer({ min: 1, max: 9 }) }).map((more) => ({ ...required, ...more })),
      );
    return fc
      .dictionary(name, service, { minKeys: 1, maxKeys: 3 })
      .map(
        (services) =>
          ({ project, registry: { address: "localhost:5000" }, images, services, environments }) as ConfigInput,
      );
  });

/** Key paths of the mappings of a value that have keys of the schema, not names of the user's. */
function schemaKeys(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  const known = keysAt(path);
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(known.includes(key) ? [[...path, key]] : []),
    ...schemaKeys(inner, [...path, key]),
  ]);
}

function renamed(value: unknown, path: readonly string[], to: string): unknown {
  const [key, ...rest] = path;
  return Object.fromEntries(
    Object.entries(value as Record<string, unknown>).map(([name, inner]) => {
      if (name !== key) return [name, inner];
      return rest.length === 0 ? [to, inner] : [name, renamed(inner, rest, to)];
    }),
  );
}

test("every configuration that follows the schema loads", () => {
  fc.assert(
    fc.property(config, (input) => {
      const loaded = parseConfig(stringify(input), "/x/shiplock.yml");
      assert.deepEqual(Object.keys(loaded.services).toSorted(), Object.keys(input.services).toSorted());
    }),
    { numRuns: 60 },
  );
});

test("a key with a letter too many is always an error that names its line", () => {
  const mutation = config.chain((input) =>
    fc.tuple(fc.constant(input), fc.constantFrom(...schemaKeys(input)), fc.constantFrom(...letters)),
  );
  fc.assert(
    fc.property(mutation, ([input, path, letter]) => {
      const wrong = `${path.at(-1)}${letter}zq`;
      const text = stringify(renamed(input, path, wrong), { lineWidth: 0 });
      const lines = text.split("\n");
      const told = problemsIn(text).filter(
        (line) => line.includes(`.${wrong}: unknown key`) || line.includes(` ${wrong}: unknown key`),
      );
      assert.equal(told.length, 1);
      const [line, column] = (told[0] ?? "").split(":").map(Number);
      assert.equal(lines[(line ?? 0) - 1]?.slice((column ?? 0) - 1).startsWith(wrong), true);
    }),
    { numRuns: 60 },
  );
});

const fragment = fc.constantFrom(
  ..."{}[]:,-?|>&*!%@`\"'#\n\n  \t~",
  ..."images: |services: |environments: |x: |&a |*a|<<: |__proto__: |constructor: |- |? |!!binary |!!set |---\n|...\n|\u2028|\u0000|\uFEFF|1e999|.nan|null".split(
    "|",
  ),
);

const anyCharacter = fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code));

test("no text whatsoever makes loading fail with anything but an explained error", () => {
  const cut = fc.tuple(fc.nat(VALID.length), fc.nat(VALID.length), fc.string({ unit: fragment, maxLength: 12 }));
  const broken = cut.map(([from, to, inserted]) => VALID.slice(0, from) + inserted + VALID.slice(Math.max(from, to)));
  const random = fc.oneof(
    fc.string({ unit: fragment, maxLength: 60 }),
    fc.string({ unit: anyCharacter }),
    fc.json().map(String),
    broken,
  );
  fc.assert(
    fc.property(random, (written) => {
      try {
        parseConfig(written, "/x/shiplock.yml");
      } catch (error) {
        if (!(error instanceof ShiplockError)) throw error;
        assert.ok(error.details.length > 0);
        for (const line of error.details) assert.match(line, /^\/x\/shiplock\.yml:\d+:\d+: |^and \d+ more$/);
      }
    }),
    { numRuns: 250 },
  );
});

test("nesting deeper than the parser can follow is an explained error, at once", () => {
  for (const text of [
    "[".repeat(50_000),
    "a: ".repeat(500),
    "{a: ".repeat(20_000),
    "- ".repeat(1_500),
    "- ".repeat(20_000),
  ]) {
    assert.ok(problemsIn(text).length > 0);
  }
  assert.deepEqual(problemsIn(`project: ]}[\nimages:\n  ${"[".repeat(60)}`), [
    "3:52: there are more than 50 brackets inside each other",
  ]);
  assert.doesNotMatch(problemsIn(`project: |\n  ${"[".repeat(60)}\n`).join(""), /brackets/);
});
