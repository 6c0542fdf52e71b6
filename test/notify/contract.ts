import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import type { Notifier } from "../../src/notify/types.ts";
import { hostile, notice } from "./samples.ts";

/** What the contract needs of a notifier and of the other side it talks to. */
export type NotifierUnderTest = {
  name: string;
  /** What is heard of a deployment of shop to production that failed, where it is no sentence. */
  says?: RegExp;
  /** @returns null where this machine has not what it takes */
  open(context: TestContext): Promise<OpenNotifier | null>;
};

export type OpenNotifier = {
  notifier: Notifier;
  /** What the other side has heard, one text for each message, oldest first. */
  heard(): Promise<readonly string[]>;
  /** From now on the other side refuses for good, or takes what is said and never answers. */
  behave(how: "refuses" | "hangs"): void;
  /** Values that may stand in no answer. */
  secrets: readonly string[];
  /** Another notifier that talks to nobody: nothing is there. */
  lonely: Notifier;
};

/** The tests that every notifier passes; the sentences are those of src/notify/types.ts. */
export function notifierContract(adapter: NotifierUnderTest): void {
  describe(`the ${adapter.name} notifier`, () => {
    async function fresh(context: TestContext): Promise<OpenNotifier | null> {
      const opened = await adapter.open(context);
      if (opened === null) context.skip("this machine has not what it takes");
      return opened;
    }
    const never = (): AbortSignal => new AbortController().signal;

    test("what is told is heard, in its order, with what happened and to what", async (context) => {
      const opened = await fresh(context);
      if (opened === null) return;
      const { notifier, heard } = opened;
      for (const release of ["r-first", "r-second", "r-third"]) {
        const told = notice("failed", { release, deployment: null, outcome: `${release} is not live` });
        const { status, tries } = await notifier.tell(told, never());
        assert.deepEqual({ status, tries }, { status: "delivered", tries: 1 });
      }
      const texts = await heard();
      assert.equal(texts.length, 3);
      for (const [index, release] of ["r-first", "r-second", "r-third"].entries()) {
        assert.match(texts[index] ?? "", new RegExp(release));
        assert.match(texts[index] ?? "", adapter.says ?? /deploy of shop to production failed/);
      }
    });

    test("whatever text from outside holds, it is told as one message", async (context) => {
      const opened = await fresh(context);
      if (opened === null) return;
      const { notifier, heard } = opened;
      const told = notice("succeeded", {
        deployment: null,
        ...{ subject: hostile, who: hostile, why: hostile, outcome: hostile, ref: hostile, release: hostile },
        ...{ links: { url: hostile, log: hostile } },
      });
      assert.equal((await notifier.tell(told, never())).status, "delivered");
      assert.equal((await heard()).length, 1);
    });

    test("a very long notice arrives", async (context) => {
      const opened = await fresh(context);
      if (opened === null) return;
      const { notifier, heard } = opened;
      const lines = Array.from({ length: 500 }, (_, index) => `${index} ${"x<&>".repeat(300)}`);
      const steps = Array.from({ length: 200 }, (_, index) => ({
        title: `start replica ${index} ${"long".repeat(100)}`,
        host: "host-1",
        ms: 2_000,
        state: "done" as const,
      }));
      const told = notice("failed", {
        outcome: "&".repeat(50_000),
        lastLines: lines,
        steps,
        subject: "é".repeat(9_000),
      });
      assert.equal((await notifier.tell(told, never())).status, "delivered");
      assert.ok((await heard()).length >= 1);
    });

    test("a refusal is an answer in words, is not asked again, and tells no secret", async (context) => {
      const opened = await fresh(context);
      if (opened === null) return;
      const { notifier, behave, secrets } = opened;
      behave("refuses");
      const delivery = await notifier.tell(notice(), never());
      assert.equal(delivery.status, "failed");
      assert.equal(delivery.tries, 1);
      assert.notEqual(delivery.detail, "");
      for (const secret of secrets) assert.ok(!JSON.stringify(delivery).includes(secret));
    });

    test("an other side that is not there is an answer, not an error", async (context) => {
      const opened = await fresh(context);
      if (opened === null) return;
      const delivery = await opened.lonely.tell(notice(), never());
      assert.equal(delivery.status, "failed");
      for (const secret of opened.secrets) assert.ok(!JSON.stringify(delivery).includes(secret));
    });

    test("an other side that never answers is left as soon as time is over", async (context) => {
      const opened = await fresh(context);
      if (opened === null) return;
      opened.behave("hangs");
      const time = new AbortController();
      const telling = opened.notifier.tell(notice(), time.signal);
      const aborting = setTimeout(() => time.abort(), 50);
      const began = performance.now();
      const { status } = await telling;
      clearTimeout(aborting);
      assert.equal(status, "failed");
      assert.ok(performance.now() - began < 4_500, "it did not end with its signal");
    });
  });
}
