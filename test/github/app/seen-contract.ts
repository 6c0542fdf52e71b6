import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { SeenWebhooks } from "../../../src/github/app/types.ts";

/** The tests that every memory of webhooks passes; the sentences are those of src/github/app/types.ts. */
export function seenWebhooksContract(name: string, open: () => Promise<SeenWebhooks>): void {
  const at = (seconds: number): Date => new Date(Date.parse("2026-11-20T10:00:00Z") + seconds * 1_000);
  const about = (now: number, until: number) => ({ delivery: "d", now: at(now), until: at(until) });

  describe(`webhooks remembered by ${name}`, () => {
    it("are new once, until their time is over", async () => {
      const seen = await open();
      assert.equal(await seen.claim("a", about(0, 10)), true);
      assert.equal(await seen.claim("b", about(1, 11)), true);
      assert.equal(await seen.claim("a", about(10, 20)), false);
      assert.equal(await seen.claim("b", about(5, 15)), false);
    });

    it("can be claimed again when they were forgotten, each for itself", async () => {
      const seen = await open();
      await seen.claim("a", about(0, 10));
      await seen.claim("b", about(0, 10));
      await seen.forget("a");
      await seen.forget("never there");
      assert.equal(await seen.claim("a", about(1, 11)), true);
      assert.equal(await seen.claim("b", about(1, 11)), false);
    });

    it("belong to one of many that claim them at the same moment", async () => {
      const seen = await open();
      const claims = await Promise.all(Array.from({ length: 20 }, () => seen.claim("a", about(0, 10))));
      assert.equal(claims.filter(Boolean).length, 1);
    });
  });
}
