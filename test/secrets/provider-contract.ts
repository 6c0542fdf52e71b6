import assert from "node:assert/strict";
import { inspect } from "node:util";
import { describe, it, type TestContext } from "node:test";
import { ShiplockError } from "../../src/errors.ts";
import type { SecretProvider } from "../../src/secrets/provider.ts";

/** What a provider has to be put before, to be tested: `holding` some secrets, and `failing` to answer at all; null for one that cannot fail. */
export type ProviderStage = {
  holding: (context: TestContext, secrets: Readonly<Record<string, string>>) => Promise<SecretProvider>;
  failing: ((context: TestContext) => Promise<SecretProvider>) | null;
  /** Whether it keeps an empty value apart from none. */
  keepsEmpty: boolean;
  /** Whether it knows when a value was set. */
  knowsTimes: boolean;
};

const planted = "pl4nted-Valu3";

/** What every provider of secrets promises; see `SecretProvider`. */
export function providerContract(what: string, stage: ProviderStage): void {
  const { signal } = new AbortController();

  describe(`secrets from ${what}`, () => {
    it("are answered for the names that are there, and for no others", async (context) => {
      const provider = await stage.holding(context, {
        FIRST: planted,
        SECOND: "two\nlines: {\"x\": 'y'} ä=€",
        OTHER: "o",
      });
      const answers = await provider.read(["FIRST", "SECOND", "ABSENT"], signal);
      assert.deepEqual([...answers.keys()].toSorted(), ["FIRST", "SECOND"]);
      const values = [...answers].map(([name, answer]) => [name, answer.kind === "value" ? answer.value : answer]);
      assert.deepEqual(Object.fromEntries(values), { FIRST: planted, SECOND: "two\nlines: {\"x\": 'y'} ä=€" });
    });

    it("that are empty are not taken for values", async (context) => {
      const provider = await stage.holding(context, { FIRST: planted, EMPTY: "" });
      const answer = (await provider.read(["EMPTY"], signal)).get("EMPTY");
      assert.deepEqual(answer?.kind === "value" ? answer.value : null, stage.keepsEmpty ? "" : null);
    });

    it("are as old as the provider says, and of unknown age where it cannot know", async (context) => {
      const provider = await stage.holding(context, { FIRST: planted });
      const answer = (await provider.read(["FIRST"], signal)).get("FIRST");
      assert.equal(answer?.kind, "value");
      const { updatedAt } = answer;
      if (!stage.knowsTimes) return assert.equal(updatedAt, null);
      assert.ok(updatedAt !== null && Math.abs(Date.now() - updatedAt.getTime()) < 3_600_000, String(updatedAt));
    });

    it("can be asked for again, at the same time too, and for names that no object should have by itself", async (context) => {
      const provider = await stage.holding(context, { FIRST: planted });
      const answers = await Promise.all([
        provider.read(["FIRST"], signal),
        provider.read(["constructor", "toString", "__proto__"], signal),
        provider.read([], signal),
      ]);
      assert.deepEqual(
        answers.map((answer) => answer.size),
        [1, 0, 0],
      );
    });

    it("are listed by name, where that can be done, without any value", async (context) => {
      const provider = await stage.holding(context, { FIRST: planted, SECOND: "2" });
      if (provider.list === undefined) return;
      const listed = await provider.list(signal);
      assert.deepEqual([...listed.keys()].toSorted(), ["FIRST", "SECOND"]);
      assert.ok(!inspect(listed, { depth: null }).includes(planted));
    });

    it("that cannot be asked for are an error that names the provider, says what to do, and holds no value", async (context) => {
      const { failing } = stage;
      if (failing === null) return;
      const provider = await failing(context);
      const error: unknown = await provider.read(["FIRST"], signal).then(
        () => null,
        (cause: unknown) => cause,
      );
      assert.ok(error instanceof ShiplockError, inspect(error));
      assert.match(error.code, /^secrets\//);
      assert.ok((error.remedy ?? "") !== "");
      assert.ok(!inspect(error, { depth: null, showHidden: true }).includes(planted));
      assert.ok(!provider.name.includes(planted));
    });
  });
}
