import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Share } from "../../src/deploy/types.ts";
import { bucketCount, bucketName, shareOut } from "../../src/proxy/caddy/buckets.ts";

const sharesArbitrary = fc
  .array(fc.nat(100), { minLength: 1, maxLength: 12 })
  .filter((weights) => weights.some((weight) => weight > 0))
  .map((weights) => weights.map((weight, index): Share => ({ slot: "a", replica: index + 1, weight })));

describe("sharing out traffic", () => {
  it("every bucket is answered, in proportion to the weights to within one bucket, and nothing without weight answers any", () => {
    fc.assert(
      fc.property(sharesArbitrary, (shares) => {
        const buckets = shareOut(shares);
        assert.equal(buckets.length, bucketCount);
        const total = shares.reduce((sum, share) => sum + share.weight, 0);
        for (const [index, share] of shares.entries()) {
          const count = buckets.filter((each) => each === index).length;
          assert.ok(
            Math.abs(count - (share.weight * bucketCount) / total) < 1,
            `${count} for ${share.weight} of ${total}`,
          );
          if (share.weight === 0) assert.equal(count, 0);
        }
      }),
    );
  });

  it("the same weights always give the same table", () => {
    fc.assert(
      fc.property(sharesArbitrary, (shares) => assert.deepEqual(shareOut(shares), shareOut(structuredClone(shares)))),
    );
  });

  it("shares that weigh nothing at all are refused: such an assignment would answer nobody", () => {
    assert.throws(() => shareOut([{ slot: "a", replica: 1, weight: 0 }]), RangeError);
    assert.throws(() => shareOut([]), RangeError);
  });

  it("buckets are called by the two digits that begin a request's id", () => {
    assert.deepEqual([bucketName(0), bucketName(10), bucketName(255)], ["00", "0a", "ff"]);
  });
});
