import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { emptyState } from "../../src/environments/record/changes.ts";
import type { EnvironmentState, LiveRelease } from "../../src/environments/record/types.ts";
import { nothingSeenYet, takeLook, type WatchMemory, type WatchStep } from "../../src/environments/watch/decide.ts";
import { watchWords, withWatch, withWatchEnded } from "../../src/environments/watch/record.ts";
import type { Look, WatchPolicy, WatchRecord } from "../../src/environments/watch/types.ts";

const policy: WatchPolicy = { forMs: 10_000, everyMs: 1_000, failures: 3, restarts: 0 };

type Kind = "good" | "bad" | "unseen" | "bad and unseen";

const host = (name: string, problems: readonly string[] = [], restarts = 0): Look["hosts"][number] => ({
  ...{ host: name, seen: true, problems },
  containers: [{ name: "web-1", restarts }],
});
const gone = (name: string): Look["hosts"][number] => ({ host: name, seen: false, why: "no route" });

function lookOf(kind: Kind, afterMs: number): Look {
  const first = host("one", kind.startsWith("bad") ? ["web-1 on one is not healthy"] : []);
  return { afterMs, hosts: [first, kind.endsWith("unseen") ? gone("two") : host("two")], urls: [], superseded: null };
}

/** Takes looks one second apart until the watch ends or there are no more. */
function watch(looks: readonly Look[], how: WatchPolicy = policy): { last: WatchStep; taken: number } {
  let memory: WatchMemory = nothingSeenYet;
  let last: WatchStep | null = null;
  let taken = 0;
  for (const look of looks) {
    last = takeLook(how, memory, look);
    memory = last.memory;
    taken += 1;
    if (last.end !== null) break;
  }
  assert.ok(last !== null);
  return { last, taken };
}

const watchKinds = (kinds: readonly Kind[], how: WatchPolicy = policy) =>
  watch(
    kinds.map((kind, index) => lookOf(kind, (index + 1) * how.everyMs)),
    how,
  );

const kindsArbitrary = fc.array(fc.constantFrom<Kind>("good", "bad", "unseen", "bad and unseen"), {
  minLength: 1,
  maxLength: 60,
});
const policyArbitrary = fc.record({
  forMs: fc.integer({ min: 1_000, max: 20_000 }),
  everyMs: fc.constant(1_000),
  failures: fc.integer({ min: 1, max: 5 }),
  restarts: fc.constant(0),
});

describe("the watch over a release", () => {
  it("ends bad at the first moment at which so many bad looks came without a good one between them, and never else", () => {
    fc.assert(
      fc.property(kindsArbitrary, policyArbitrary, (kinds, how) => {
        const { last, taken } = watchKinds(kinds, how);
        let inRow = 0;
        for (const [index, kind] of kinds.slice(0, taken).entries()) {
          if (kind === "good") inRow = 0;
          if (kind.startsWith("bad")) inRow += 1;
          if (inRow === how.failures) assert.equal(index + 1, taken, "it went on");
        }
        assert.equal(last.end?.how === "bad", inRow === how.failures);
      }),
    );
  });

  it("never finds a release bad for what it could not see", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<Kind>("good", "unseen"), { minLength: 1, maxLength: 40 }), (kinds) => {
        assert.notEqual(watchKinds(kinds).last.end?.how, "bad");
      }),
    );
  });

  it("ends when its time is over, or at most as many looks later as make a release bad", () => {
    fc.assert(
      fc.property(kindsArbitrary, policyArbitrary, (kinds, how) => {
        const { last, taken } = watchKinds(kinds, how);
        const due = Math.ceil(how.forMs / how.everyMs);
        if (taken < due) assert.ok(last.end === null || last.end.how === "bad");
        if (taken === kinds.length && last.end === null) assert.ok(taken < due + how.failures);
        assert.ok(taken < due + how.failures);
      }),
    );
  });

  it("that saw all to the end is healthy; where a host was not seen in the end, it says which", () => {
    assert.deepEqual(watchKinds(Array.from({ length: 10 }, () => "good" as const)).last.end, {
      how: "healthy",
      said: "healthy for 10 s",
    });
    const kinds = Array.from({ length: 10 }, (_, index): Kind => (index < 5 ? "good" : "unseen"));
    assert.deepEqual(watchKinds(kinds).last.end, {
      how: "unseen",
      said: "nothing bad was seen, but in the end not everything was: two: no route",
    });
  });

  it("says what it saw", () => {
    assert.deepEqual(watchKinds(["good", "bad", "bad", "bad"]).last.end, {
      how: "bad",
      said: "3 times in a row: web-1 on one is not healthy",
    });
  });

  it("finds bad what restarts more often than is let pass, and counts from when it was seen first", () => {
    const looks = (restarts: readonly number[]) =>
      restarts.map((count, index): Look => ({ ...lookOf("good", index * 1_000), hosts: [host("one", [], count)] }));
    assert.match(watch(looks([4, 5, 5, 5])).last.end?.said ?? "", /web-1 on one restarted once/);
    assert.equal(watch(looks([4, 5, 5, 5]), { ...policy, restarts: 1 }).last.end, null);
    assert.match(watch(looks([4, 6, 6, 6]), { ...policy, restarts: 1 }).last.end?.said ?? "", /restarted 2 times/);
    // Made anew by somebody: its own count begins at none.
    assert.equal(watch(looks([4, 0, 0, 0])).last.end, null);
  });

  it("does not take its own lost network for a bad address, but does take an answer for one", () => {
    const silent = { url: "https://x", problem: "https://x does not answer", answered: false };
    const failing = { url: "https://x", problem: "https://x answers 502", answered: true };
    const look = (hosts: Look["hosts"], url: Look["urls"][number]): Look => ({
      ...lookOf("good", 1),
      hosts,
      urls: [url],
    });
    const problems = (one: Look) => takeLook(policy, nothingSeenYet, one).problems;
    assert.deepEqual(problems(look([gone("one"), gone("two")], silent)), []);
    assert.deepEqual(problems(look([host("one"), gone("two")], silent)), ["https://x does not answer"]);
    assert.deepEqual(problems(look([gone("one")], failing)), ["https://x answers 502"]);
  });

  it("ends at once when something else is live or being deployed, whatever else was seen", () => {
    const { last } = watch([{ ...lookOf("bad", 1_000), superseded: "d-9 deploys r-9 by now" }]);
    assert.deepEqual(last.end, { how: "superseded", said: "d-9 deploys r-9 by now" });
  });
});

describe("the environment record", () => {
  const at = (seconds: number): Date => new Date(Date.parse("2026-11-20T10:00:00Z") + seconds * 1_000);
  const live = { release: "r-2", deployment: "d-2" } as LiveRelease;
  const state: EnvironmentState = { ...emptyState("shop", "production"), live };
  const record: WatchRecord = {
    ...{ deployment: "d-2", release: "r-2", by: "ada", from: "laptop" },
    ...{ since: at(0).toISOString(), until: at(600).toISOString(), ended: null },
  };

  it("says until when the live release is watched and by whom, and when that command is gone", () => {
    const watched = withWatch(state, record);
    assert.ok(watched !== null);
    assert.match(
      watchWords(watched, at(300))?.words ?? "",
      /^watched until 2026-11-20T10:10:00.000Z by ada from laptop$/,
    );
    assert.deepEqual(watchWords(watched, at(700)), {
      words: "was not watched to its end: the command of ada (laptop) is gone",
      bad: true,
    });
  });

  it("keeps how it ended, once", () => {
    const watched = withWatch(state, record) ?? state;
    const ended = withWatchEnded(watched, "d-2", { how: "bad", said: "web is gone" }, at(60).toISOString());
    assert.ok(ended !== null);
    assert.deepEqual(watchWords(ended, at(900)), {
      words: "went bad while it was watched (2026-11-20T10:01:00.000Z): web is gone",
      bad: true,
    });
    assert.equal(withWatchEnded(ended, "d-2", { how: "healthy", said: "" }, at(61).toISOString()), null);
    assert.equal(withWatchEnded(watched, "d-1", { how: "healthy", said: "" }, at(61).toISOString()), null);
  });

  it("has no watch over what is not live any more", () => {
    const other: EnvironmentState = { ...state, live: { ...live, deployment: "d-3" } };
    assert.equal(withWatch(other, record), null);
    assert.equal(watchWords({ ...other, watch: record }, at(0)), null);
    assert.equal(watchWords(state, at(0)), null);
  });
});
