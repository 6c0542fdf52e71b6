import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { createOutbox, type Outbox } from "../../../src/ledger/github/outbox.ts";

const ill = new Error("ill");
const refused = new Error("refused");

function outbox(): { box: Outbox; said: string[]; timeIsOver: () => void } {
  const said: string[] = [];
  let timeIsOver = (): void => undefined;
  const box = createOutbox({
    failed: (error) => said.push(error instanceof Error ? error.message : "?"),
    mayPass: (error) => error === ill,
    wait: (_, signal) =>
      new Promise((resolve, reject) => {
        timeIsOver = resolve;
        signal.addEventListener("abort", () => reject(new Error("done")), { once: true });
      }),
  });
  return { box, said, timeIsOver: () => timeIsOver() };
}

describe("work that GitHub is told in the background", () => {
  test("is done in order, one after another, and of what waits under one key only the last", async () => {
    const { box, said } = outbox();
    const done: string[] = [];
    let working = 0;
    const work = (name: string) => async () => {
      working += 1;
      assert.equal(working, 1);
      await nextTurn();
      done.push(name);
      working -= 1;
    };
    box.put("a", work("a queued"));
    box.put("b", work("b"));
    box.put("a", work("a running"));
    await box.drain(1000);
    box.put("a", work("a ended"));
    await box.drain(1000);
    assert.deepEqual(done, ["a running", "b", "a ended"]);
    assert.deepEqual(said, []);
  });

  test("is tried once more at the end where it failed for a reason that may pass, and told then", async () => {
    const { box, said } = outbox();
    const tried: string[] = [];
    const failing = (name: string, error: Error, times: number) => async () => {
      tried.push(name);
      if (tried.filter((each) => each === name).length <= times) throw error;
    };
    box.put("passing", failing("passing", ill, 1));
    box.put("refused", failing("refused", refused, 1));
    box.put("ill", failing("ill", ill, 9));
    await box.drain(1000);
    assert.deepEqual(tried, ["passing", "refused", "ill", "passing", "ill"]);
    assert.deepEqual(said, ["refused", "ill"]);
  });

  test("that failed is forgotten where something later is to be told under its key", async () => {
    const { box, said } = outbox();
    const done: string[] = [];
    box.put("a", async () => {
      box.put("a", async () => void done.push("later"));
      throw refused;
    });
    await box.drain(1000);
    assert.deepEqual(done, ["later"]);
    assert.deepEqual(said, []);
  });

  test("that does not end is waited for until the time is over, and no longer", async () => {
    const { box, said, timeIsOver } = outbox();
    box.put("a", () => new Promise(() => undefined));
    const drained = box.drain(15_000);
    await nextTurn();
    timeIsOver();
    await drained;
    assert.deepEqual(said, ["it was not told everything within 15 s"]);
  });

  test("is waited for again where some of it was done meanwhile, and not for ever", async () => {
    const { box, said, timeIsOver } = outbox();
    const ends: (() => void)[] = [];
    for (let number = 1; number <= 9; number += 1)
      box.put(`check ${number}`, () => new Promise((resolve) => void ends.push(resolve)));
    const drained = box.drain(15_000);
    for (let waits = 1; waits <= 4; waits += 1) {
      assert.deepEqual(said, []);
      await nextTurn();
      ends.at(-1)?.();
      await nextTurn();
      timeIsOver();
      await nextTurn();
    }
    await drained;
    assert.deepEqual(said, ["it was not told everything within 60 s"]);
    assert.equal(ends.length, 5);
  });
});
