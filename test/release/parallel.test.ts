import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { test } from "node:test";
import { allOrNone, createPlaces } from "../../src/release/parallel.ts";

const never = new AbortController().signal;

test("no more work at the same moment than there are places, and all of it is done", async () => {
  const places = createPlaces(3);
  let now = 0;
  let most = 0;
  const work = async (index: number): Promise<number> => {
    now += 1;
    most = Math.max(most, now);
    for (let turn = 0; turn <= index % 4; turn += 1) await setImmediate();
    now -= 1;
    return index;
  };
  const all = Array.from({ length: 20 }, (_, index) => index);
  assert.deepEqual(await Promise.all(all.map((index) => places.take(() => work(index)))), all);
  assert.equal(most, 3);
});

test("a place is free again after a failure", async () => {
  const places = createPlaces(1);
  await assert.rejects(places.take(() => Promise.reject(new Error("no"))));
  assert.equal(await places.take(async () => "yes"), "yes");
});

test("the first failure ends the others and is the one that is told, when all have ended", async () => {
  const ended: string[] = [];
  const work = async (name: string, signal: AbortSignal): Promise<void> => {
    if (name === "bad") {
      await setImmediate();
      throw new Error("bad failed");
    }
    await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
    ended.push(name);
    throw new Error(`${name} was stopped`);
  };
  await assert.rejects(allOrNone(["one", "bad", "two"], never, work), /bad failed/);
  assert.deepEqual(ended, ["one", "two"]);
});

test("results come in the order of the things, whoever is first", async () => {
  const work = async (turns: number): Promise<number> => {
    for (let turn = 0; turn < turns; turn += 1) await setImmediate();
    return turns;
  };
  assert.deepEqual(await allOrNone([5, 0, 3], never, work), [5, 0, 3]);
});
