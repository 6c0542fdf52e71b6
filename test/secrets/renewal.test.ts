import assert from "node:assert/strict";
import { it } from "node:test";
import fc from "fast-check";
import { oldSecrets, oldSecretsText } from "../../src/secrets/renewal.ts";

const now = new Date("2026-06-01T12:00:00Z");
const dayMs = 86_400_000;
const ago = (days: number): Date => new Date(now.getTime() - days * dayMs);

it("a secret is old when its value was set longer ago than it may be; of unknown age none is, and without a limit none", () => {
  const secrets = [
    { name: "FRESH", updatedAt: ago(10) },
    { name: "EXACT", updatedAt: ago(90) },
    { name: "OLD", updatedAt: ago(91) },
    { name: "OLDEST", updatedAt: ago(400.5) },
    { name: "UNKNOWN", updatedAt: null },
  ];
  const old = oldSecrets(secrets, 90 * dayMs, now);
  assert.deepEqual(old, [
    { name: "OLDEST", days: 400 },
    { name: "OLD", days: 91 },
  ]);
  assert.equal(oldSecretsText(old, 90 * dayMs), "secrets are older than 90 days: OLDEST (400 days), OLD (91 days)");
  assert.deepEqual(oldSecrets(secrets, undefined, now), []);
});

it("whatever the ages, exactly those beyond the limit are told", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(2000)), fc.integer({ min: 1, max: 999 }), (ages, limit) => {
      const secrets = ages.map((age, at) => ({ name: `S${at}`, updatedAt: ago(age / 2) }));
      const old = oldSecrets(secrets, limit * dayMs, now).map(({ name }) => name);
      const expected = ages.flatMap((age, at) => (age / 2 > limit ? [`S${at}`] : []));
      assert.deepEqual(old.toSorted(), expected.toSorted());
    }),
  );
});
