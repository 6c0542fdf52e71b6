import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, truncate, unlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { openResultStore, type PassedResult, type ResultStoreOptions } from "../../src/checks/result-store.ts";
import { hashFile } from "../../src/checks/stored-files.ts";
import type { Clock } from "../../src/clock.ts";

const key = "ab".repeat(32);
const otherKey = "cd".repeat(32);
const thirdKey = "ef".repeat(32);
const hour = 60 * 60_000;

/** A clock that stands still until it is told how late it is. */
function heldClock(): Clock & { forward(milliseconds: number): void } {
  let now = Date.UTC(2026, 10, 21);
  return {
    now: () => new Date(now),
    elapsed: () => now,
    wait: () => Promise.reject(new Error("nothing waits here")),
    forward: (milliseconds) => {
      now += milliseconds;
    },
  };
}

describe("the store of results", () => {
  let folder = "";
  let store = "";
  let clock = heldClock();
  let dropped: string[] = [];
  const open = (options: ResultStoreOptions = {}) =>
    openResultStore(store, clock, { onDropped: (_key, why) => dropped.push(why), ...options });
  const entry = (name: string, of = key): string => join(store, of.slice(0, 2), of, name);

  async function result(content = "tar", changes: Partial<PassedResult> = {}): Promise<PassedResult> {
    const artifacts = join(folder, `artifacts-${content.length}.tar`);
    await writeFile(artifacts, content);
    return {
      outcome: "passed",
      log: [
        { atMs: 0, stream: "stdout", text: "> größe\t\u001b[32mok\u001b[39m" },
        { atMs: 12.5, stream: "stderr", text: "" },
      ],
      artifacts,
      reports: {
        tests: { tests: 2, failed: 0, skipped: 1, durationMs: 3, failures: [] },
        coverage: { percent: 81.25, leastCovered: [{ file: "a.ts", percent: 50 }] },
        warnings: null,
      },
      durationMs: 1_500,
      ...changes,
    };
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "shiplock-results-"));
    store = join(folder, "store");
    clock = heldClock();
    dropped = [];
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));

  it("answers what was kept: log, artifacts, reports and duration", async () => {
    const saved = await result();
    assert.equal(await open().find(key), null);
    await open().save(key, saved);
    const found = await open().find(key);
    assert.ok(found !== null && found.artifacts !== null);
    assert.equal(await readFile(found.artifacts, "utf8"), "tar");
    const { savedAt, artifactsHash, ...rest } = found;
    assert.deepEqual(rest, { ...saved, artifacts: found.artifacts });
    assert.deepEqual(savedAt, clock.now());
    assert.equal(artifactsHash, await hashFile(saved.artifacts ?? ""));
    assert.equal(await open().find(otherKey), null);
    assert.deepEqual(dropped, []);
  });

  it("keeps a check without artifacts, reports and output", async () => {
    const reports = { tests: null, coverage: null, warnings: null };
    await open().save(key, await result("", { artifacts: null, log: [], reports }));
    const found = await open().find(key);
    assert.deepEqual([found?.artifacts, found?.artifactsHash, found?.log, found?.reports], [null, null, [], reports]);
  });

  it("of two that save at once one wins, and both are fine", async () => {
    const saved = await Promise.all(["one", "four"].map((content) => result(content)));
    await Promise.all([...saved, ...saved].map((one) => open().save(key, one)));
    const found = await open().find(key);
    assert.ok(["one", "four"].includes(await readFile(found?.artifacts ?? "", "utf8")));
    assert.deepEqual(await readdir(store), ["ab"]);
    assert.deepEqual(dropped, []);
  });

  const damages: readonly (readonly [string, () => Promise<unknown>, RegExp])[] = [
    ["whose log is cut", () => truncate(entry("log.jsonl"), 5), /^log\.jsonl has 5 bytes instead of \d+$/],
    ["whose artifacts are cut", () => truncate(entry("artifacts.tar"), 1), /^artifacts\.tar has 1 bytes instead of 3$/],
    ["whose artifacts are others", () => writeFile(entry("artifacts.tar"), "rat"), /^artifacts\.tar does not fit/],
    ["whose log is missing", () => unlink(entry("log.jsonl")), /^log\.jsonl is missing$/],
    ["whose entry is missing", () => unlink(entry("entry.json")), /^the entry is missing$/],
    ["whose entry is cut", () => truncate(entry("entry.json"), 80), /^the entry does not fit its checksum$/],
    ["whose entry is empty", () => truncate(entry("entry.json"), 0), /^the entry does not fit its checksum$/],
    [
      "whose artifacts cannot be read",
      () => unlink(entry("artifacts.tar")).then(() => mkdir(entry("artifacts.tar"))),
      /artifacts\.tar has|EISDIR/,
    ],
    [
      "that is a file",
      () => rm(entry(""), { recursive: true }).then(() => writeFile(entry(""), "x")),
      /^the entry is missing$/,
    ],
  ];
  for (const [what, damage, why] of damages) {
    it(`an entry ${what} is dropped and told, and can be kept anew`, async () => {
      await open().save(key, await result());
      await damage();
      assert.equal(await open().find(key), null);
      assert.equal(dropped.length, 1);
      assert.match(dropped[0] ?? "", why);
      assert.equal(await open().find(key), null);
      assert.equal(dropped.length, 1, "it is gone");
      await open().save(key, await result());
      assert.notEqual(await open().find(key), null);
      assert.deepEqual(await readdir(store), ["ab"]);
    });
  }

  it("any other byte in any file of an entry is noticed", async () => {
    await open().save(key, await result("artifacts of a check"));
    for (const name of await readdir(entry(""))) {
      const whole = await readFile(entry(name));
      for (let at = 0; at < whole.length; at += 13) {
        const changed = Buffer.from(whole);
        changed[at] = (changed[at] ?? 0) ^ 1;
        await writeFile(entry(name), changed);
        assert.equal(await open().find(key), null, `${name} at ${at}`);
        await open().save(key, await result("artifacts of a check"));
      }
    }
    assert.ok(dropped.length > 20);
  });

  it("an entry under another key than its own is dropped", async () => {
    await open().save(key, await result());
    await mkdir(join(store, "cd"));
    await rename(entry(""), entry("", otherKey));
    assert.equal(await open().find(otherKey), null);
    assert.deepEqual(dropped, ["the entry belongs to another key"]);
  });

  it("a full disk is told as such and leaves nothing half", async () => {
    const full: ResultStoreOptions["write"] = async (path, content) => {
      await writeFile(path, content.slice(0, 10));
      if (path.endsWith("entry.json")) throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    await assert.rejects(open({ write: full }).save(key, await result()), { code: "check/cache-full" });
    assert.deepEqual(await readdir(store), []);
    assert.equal(await open().find(key), null);
  });

  it("a folder that cannot be one, and artifacts that are not there, are told", async () => {
    await assert.rejects(open().save(key, await result("", { artifacts: join(folder, "missing.tar") })), {
      code: "check/cache-failed",
    });
    assert.deepEqual(await readdir(store), []);
    await rm(store, { recursive: true });
    await writeFile(store, "");
    await assert.rejects(open().save(key, await result()), { code: "check/cache-failed" });
    assert.equal(await open().find(key), null);
  });

  it("refuses a key that is none: it would be a path", async () => {
    await assert.rejects(open().find("../../etc"));
    await assert.rejects(open().save(`${key}/..`, await result()));
  });

  it("is swept of what was not found for long, then of what was not found for longest", async () => {
    const bytes = 10_000;
    for (const one of [key, otherKey, thirdKey]) {
      await open().save(one, await result("x".repeat(bytes)));
      clock.forward(2 * hour);
    }
    await open().find(key);
    clock.forward(2 * hour);
    assert.deepEqual(await open().sweep({ olderThanMs: 100 * hour, keepBytes: 10 * bytes }), { removed: 0, bytes: 0 });
    const first = await open().sweep({ olderThanMs: 100 * hour, keepBytes: 2.5 * bytes });
    assert.equal(first.removed, 1);
    assert.ok(first.bytes > bytes);
    assert.deepEqual(
      await Promise.all(
        [key, otherKey, thirdKey].map(
          async (one) =>
            (await readdir(store)).includes(one.slice(0, 2)) && (await readdir(join(store, one.slice(0, 2)))).length,
        ),
      ),
      [1, 0, 1],
    );
    assert.equal((await open().sweep({ olderThanMs: 3 * hour, keepBytes: 10 * bytes })).removed, 1);
    assert.notEqual(await open().find(key), null);
    assert.equal(await open().find(thirdKey), null);
    assert.deepEqual(dropped, []);
  });

  it("what was found within the last hour stays, whatever the limits", async () => {
    await open().save(key, await result());
    clock.forward(5 * hour);
    assert.notEqual(await open().find(key), null);
    clock.forward(hour - 1);
    assert.equal((await open().sweep({ olderThanMs: 0, keepBytes: 0 })).removed, 0);
    clock.forward(1);
    assert.equal((await open().sweep({ olderThanMs: 0, keepBytes: 0 })).removed, 1);
  });

  it("what killed writers left is swept once nobody can be writing it, and never found", async () => {
    await mkdir(join(store, "unfinished-0123"), { recursive: true });
    await writeFile(join(store, "unfinished-0123", "log.jsonl"), "half");
    clock.forward(Date.now() - clock.now().getTime());
    await open().sweep({ olderThanMs: 0, keepBytes: 0 });
    assert.deepEqual(await readdir(store), ["unfinished-0123"]);
    clock.forward(2 * hour);
    await open().sweep({ olderThanMs: 0, keepBytes: 0 });
    assert.deepEqual(await readdir(store), []);
  });

  it("an empty store has nothing to sweep", async () => {
    assert.deepEqual(await open().sweep({ olderThanMs: 0, keepBytes: 0 }), { removed: 0, bytes: 0 });
  });
});
