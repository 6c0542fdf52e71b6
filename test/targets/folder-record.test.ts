import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { emptyState } from "../../src/environments/record/changes.ts";
import { folderRecord } from "../../src/targets/folder-record.ts";
import type { EnvironmentRecord, JournalEntry } from "../../src/environments/record/types.ts";
import { createFakeFiles, type FakeDisk, makeFolders } from "../../src/hosts/fake-files.ts";
import type { HostFiles } from "../../src/hosts/types.ts";
import { history, planOf } from "../environments/states.ts";

const folder = "/home/deploy/.shiplock/environments/shop-production";

function newDisk(): { disk: FakeDisk; files: HostFiles; open(): EnvironmentRecord } {
  const disk = makeFolders(new Map(), "/home/deploy");
  const files = createFakeFiles({
    host: "one",
    home: "/home/deploy",
    root: "/home/deploy/.shiplock",
    uid: 1,
    gid: 1,
    disk,
    now: () => 0,
  });
  return { disk, files, open: () => folderRecord(files, folder) };
}

const entry = (step: string, event: JournalEntry["event"]): JournalEntry => ({ step, event, at: "", fence: 1 });

describe("the environment record on the home host", () => {
  it("there is none where nothing was ever deployed, and reading makes none", async () => {
    const { disk, open } = newDisk();
    const size = disk.size;
    assert.equal(await open().read(), null);
    assert.equal(disk.size, size);
  });

  it("of writers who saw the same state exactly one wins, and the others learn that they did not", async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 2, max: 6 }), fc.nat(5), async (writers, before) => {
        const { open } = newDisk();
        for (let revision = 0; revision < before; revision += 1)
          await open().swap(revision, emptyState("shop", `e${revision}`));
        const won = await Promise.all(
          Array.from({ length: writers }, (_, index) => open().swap(before, emptyState("shop", `writer-${index}`))),
        );
        assert.equal(won.filter(Boolean).length, 1);
        const read = await open().read();
        assert.deepEqual([read?.revision, read?.state.environment], [before + 1, `writer-${won.indexOf(true)}`]);
      }),
      { numRuns: 30 },
    );
  });

  it("a writer that died before it turned the link is not forgotten: the newer revision counts", async () => {
    const { files, open } = newDisk();
    await open().swap(0, emptyState("shop", "first"));
    await files.createExclusive(
      `${folder}/record/00000002.json`,
      JSON.stringify({ revision: 2, state: emptyState("shop", "second") }),
    );
    assert.equal((await open().read())?.state.environment, "second");
    assert.equal(await open().swap(1, emptyState("shop", "late")), false);
    assert.equal(await open().swap(2, emptyState("shop", "third")), true);
    assert.equal((await open().read())?.revision, 3);
  });

  it("keeps the newest twenty revisions for whoever wants to look back", async () => {
    const { files, open } = newDisk();
    const record = open();
    for (let revision = 0; revision < 30; revision += 1)
      assert.ok(await record.swap(revision, emptyState("shop", `e${revision}`)));
    const names = (await files.list(`${folder}/record`))?.map((each) => each.name) ?? [];
    assert.deepEqual([names.length, names[0]], [21, "00000011.json"]);
    assert.equal((await open().read())?.revision, 30);
  });

  it("who looked long ago overwrites nothing, however many have written since: its place may be free again", async () => {
    for (const later of [1, 19, 20, 21, 22, 60]) {
      const { files, open } = newDisk();
      const slow = open();
      assert.ok(await slow.swap(0, emptyState("shop", "before")));
      const quick = open();
      for (let revision = 1; revision <= later; revision += 1)
        assert.ok(await quick.swap(revision, emptyState("shop", `e${revision}`)));
      assert.equal(await slow.swap(1, emptyState("shop", "slow")), false, `after ${later} others`);
      const read = await open().read();
      assert.deepEqual([read?.revision, read?.state.environment], [later + 1, `e${later}`]);
      const names = (await files.list(`${folder}/record`))?.map((each) => each.name) ?? [];
      assert.equal(names.length, Math.min(later + 1, 20) + 1, "something is left behind");
      assert.ok(await slow.swap(read?.revision ?? 0, emptyState("shop", "caught up")));
    }
  });

  it("who reads again what nobody has changed since waits for one answer of the host, and still sees whatever is newer", async () => {
    const { files, open } = newDisk();
    const other = open();
    assert.ok(await other.swap(0, emptyState("shop", "first")));
    let waits = 0;
    let asking = 0;
    const counted: HostFiles = {
      ...files,
      read: async (path) => {
        if (asking === 0) waits += 1;
        asking += 1;
        const content = await files.read(path);
        await new Promise((resolve) => setImmediate(resolve));
        asking -= 1;
        return content;
      },
    };
    const record = folderRecord(counted, folder);
    const read = async () => {
      waits = 0;
      const found = await record.read();
      return [found?.revision, found?.state.environment, waits];
    };
    assert.deepEqual(await read(), [1, "first", 2]);
    assert.deepEqual(await read(), [1, "first", 1]);
    assert.ok(await other.swap(1, emptyState("shop", "second")));
    await files.symlinkAtomic("00000001.json", `${folder}/record/current`);
    assert.deepEqual((await read()).slice(0, 2), [2, "second"]);
    assert.ok(await other.swap(2, emptyState("shop", "third")));
    assert.deepEqual((await read()).slice(0, 2), [3, "third"]);
  });

  it("one that cannot be read is not taken for an empty one: a person is told where it lies", async () => {
    const { files, open } = newDisk();
    await open().swap(0, history("v1"));
    for (const text of ["{", '{"revision":1,"state":{"version":2}}']) {
      await files.write(`${folder}/record/00000001.json`, text);
      await assert.rejects(open().read(), { code: "record/unreadable", blame: "person" });
    }
  });

  it("what was written is read back as it was, by whoever opens it next", async () => {
    const { open } = newDisk();
    const state = history("v1", "v2");
    const plan = planOf("v2", "deploy", "d-9", state);
    const first = open();
    await first.swap(0, state);
    await first.writeOperation(plan);
    await first.writeRelease("r-v2.abc", "{}");
    await first.writeMigration("r-v2", { release: "r-v2", exitCode: 0, endedAt: "", command: ["up"], lastLines: [] });
    const second = open();
    assert.deepEqual((await second.read())?.state, state);
    assert.deepEqual(await second.readPlan("d-9"), plan);
    assert.equal(await second.readRelease("r-v2.abc"), "{}");
    assert.equal((await second.readMigration("r-v2"))?.exitCode, 0);
    assert.deepEqual(
      [await second.readPlan("d-0"), await second.readRelease("x"), await second.readMigration("x")],
      [null, null, null],
    );
    assert.deepEqual(await second.journal("d-0"), []);
  });

  it("a journal whose last line was torn is read without it, and what a successor appends is read whole", async () => {
    const lines = [entry("a", "began"), entry("a", "done"), entry("b", "began")];
    const text = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
    const whole = text.trimEnd().length;
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: whole }), async (length) => {
        const { files, open } = newDisk();
        await open().writeOperation(planOf("v1", "deploy", "d-1", history("v1")));
        await files.write(`${folder}/operations/d-1/journal.jsonl`, text.slice(0, length));
        const survived = text
          .slice(0, length)
          .split("\n")
          .filter((line, index) => line === JSON.stringify(lines[index])).length;
        assert.deepEqual(await open().journal("d-1"), lines.slice(0, survived));
        const successor = open();
        await successor.append("d-1", [entry("c", "began")]);
        await successor.append("d-1", [entry("c", "done")]);
        assert.deepEqual(await open().journal("d-1"), [
          ...lines.slice(0, survived),
          entry("c", "began"),
          entry("c", "done"),
        ]);
      }),
    );
  });

  it("nobody but the user of the connection can read plans, releases and journals' folders", async () => {
    const { files, open } = newDisk();
    const record = open();
    await record.writeOperation(planOf("v1", "deploy", "d-1", history("v1")));
    await record.writeRelease("r-v1.abc", "{}");
    for (const path of ["operations/d-1/plan.json", "releases/r-v1.abc.json"])
      assert.equal((await files.stat(`${folder}/${path}`))?.mode, 0o600);
    for (const path of ["operations/d-1", "releases"])
      assert.equal((await files.stat(`${folder}/${path}`))?.mode, 0o700);
  });
});
