import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { lookUp, missingSecrets, type SecretSource } from "../../src/secrets/lookup.ts";
import type { Level, SecretAnswer } from "../../src/secrets/provider.ts";

const { signal } = new AbortController();
const levels = ["environment", "project", "organization"] as const satisfies readonly Level[];

type Held = Readonly<Record<string, string | { unclear: string }>>;

function sourceOf(level: Level, name: string, held: Held, asked: string[][] = []): SecretSource {
  const answerOf = (value: string | { unclear: string }): SecretAnswer =>
    typeof value === "string" ? { kind: "value", value, updatedAt: null } : { kind: "unclear", said: value.unclear };
  return {
    level,
    provider: {
      kind: "command",
      name,
      read: async (names) => {
        asked.push([...names]);
        return new Map(names.flatMap((one) => (held[one] === undefined ? [] : [[one, answerOf(held[one])]])));
      },
    },
  };
}

describe("where a secret's value comes from", () => {
  const names = ["A", "B", "C", "D"];
  const held = fc.dictionary(
    fc.constantFrom(...names),
    fc.oneof(fc.constantFrom("x", "y", ""), fc.record({ unclear: fc.constant("exit code 1") })),
    { noNullPrototype: true },
  );

  it("is the first source that has the name, narrowest level first; what it says stands, also when it is empty or unclear", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(held, { maxLength: 5 }), fc.subarray(names), async (all, wanted) => {
        const sources = all.map((one, at) => sourceOf(levels[Math.min(at, 2)] ?? "project", `source ${at}`, one));
        const { found, lacking } = await lookUp(wanted, sources, signal);
        for (const name of wanted) {
          const first = all.findIndex((one) => one[name] !== undefined);
          const said = all[first]?.[name];
          const secret = found.get(name);
          const why = lacking.find((one) => one.name === name)?.why;
          if (said === undefined) assert.deepEqual([secret, why], [undefined, { kind: "nowhere" }]);
          else if (typeof said === "string" && said !== "")
            assert.deepEqual([secret?.value, secret?.source.provider.name, why], [said, `source ${first}`, undefined]);
          else assert.deepEqual([secret, why?.kind], [undefined, said === "" ? "empty" : "unclear"]);
        }
        assert.equal(found.size + lacking.length, wanted.length);
      }),
    );
  });

  it("is never asked of a broader source for a name that a narrower one has", async () => {
    const asked: string[][] = [];
    const sources = [
      sourceOf("environment", "narrow", { A: "1", B: "" }),
      sourceOf("project", "broad", { A: "2", B: "2", C: "2" }, asked),
      sourceOf("organization", "broadest", { A: "3" }, asked),
    ];
    await lookUp(["A", "B", "C"], sources, signal);
    assert.deepEqual(asked, [["C"]]);
  });

  it("is told by name to whoever keeps a record, with the source, and never with the value", async () => {
    const told: unknown[] = [];
    const sources = [sourceOf("environment", "narrow", { A: "1" }), sourceOf("project", "broad", { B: "2" })];
    await lookUp(["A", "B", "C"], sources, signal, (source, read) => told.push([source.provider.name, read]));
    assert.deepEqual(told, [
      ["narrow", ["A"]],
      ["broad", ["B"]],
    ]);
  });
});

it("secrets that are missing, empty or unclear are named in one error, each with where it was looked for, and with no value", async () => {
  const sources = [
    sourceOf("environment", "age file secrets/production.age", { EMPTY: "", GOOD: "pl4nted" }),
    sourceOf("project", "command op read {name}", { LOCKED: { unclear: "exit code 1: not signed in" } }),
    sourceOf("organization", "AWS SSM /org/*", {}),
  ];
  const { lacking } = await lookUp(["GONE", "GOOD", "EMPTY", "LOCKED"], sources, signal);
  const error = missingSecrets([{ who: "production", lacking, sources }]);
  assert.deepEqual([error.code, error.blame], ["secrets/missing", "usage"]);
  assert.equal(error.message, "production needs the secrets GONE, EMPTY, LOCKED, and they are missing or empty");
  assert.deepEqual(error.details, [
    "GONE: not in the age file secrets/production.age (of the environment), nor in the command op read {name}, nor in the AWS SSM /org/* (of the organization)",
    "EMPTY: empty in the age file secrets/production.age (of the environment)",
    "LOCKED: command op read {name}: exit code 1: not signed in",
  ]);
  assert.doesNotMatch(JSON.stringify(error), /pl4nted/);
});
