import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import * as fc from "fast-check";
import { identityOf, isRunning, machineId } from "../../../src/checks/run/identity.ts";
import { openRunRecords, rivalsOf, type RunRecord } from "../../../src/checks/run/run-records.ts";
import { noteInStateFolder } from "../../../src/checks/run/state-folder.ts";
import { unpackTar } from "../../../src/checks/run/unpack.ts";
import { ShiplockError } from "../../../src/errors.ts";
import { type ArchiveSource, writeArchive } from "../../../src/hosts/file-archive.ts";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";

function scratch(test: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "shiplock-records-"));
  test.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe("runs of one group", () => {
  test("the newest alone goes on, and all agree which that is", () => {
    const run = fc.record({
      run: fc.stringMatching(/^[a-f0-9]{4}$/),
      createdAt: fc.constantFrom("2026-11-20T10:00:00.000Z", "2026-11-20T10:00:00.001Z"),
      project: fc.constantFrom("shop", "blog"),
      group: fc.constantFrom("pull-1", "pull-2", null),
    });
    fc.assert(
      fc.property(fc.uniqueArray(run, { selector: (one) => one.run, minLength: 1, maxLength: 6 }), (all) => {
        for (const own of all) {
          const { older, newer } = rivalsOf(own, all);
          const group = all.filter(
            (one) => one.group !== null && one.group === own.group && one.project === own.project,
          );
          if (own.group === null) assert.deepEqual([older, newer], [[], null]);
          else
            assert.equal(
              older.length + group.filter((one) => rivalsOf(one, all).older.includes(own)).length + 1,
              group.length,
            );
        }
        for (const [group, project] of [
          ["pull-1", "shop"],
          ["pull-2", "blog"],
        ]) {
          const members = all.filter((one) => one.group === group && one.project === project);
          if (members.length > 0) assert.equal(members.filter((one) => rivalsOf(one, all).newer === null).length, 1);
        }
      }),
    );
  });
});

describe("the records of runs", () => {
  test("say whether their process still runs, and not whether another has its number", async (t) => {
    const records = openRunRecords(join(scratch(t), "runs"));
    const own = await identityOf(process.pid);
    assert.ok(own !== null);
    const record: RunRecord = {
      version: 1,
      run: "a",
      project: "shop",
      group: null,
      process: own,
      scratch: "/x",
      checkout: null,
      createdAt: "",
    };
    await records.begin(record);
    await records.begin({ ...record, run: "b", process: { ...own, started: "before" } });
    const alive = Object.fromEntries((await records.list()).map((one) => [one.run, one.alive]));
    assert.deepEqual(alive, { a: true, b: false });
    assert.equal(await isRunning({ pid: 2 ** 22 + 1, started: own.started }), false);
    assert.equal(await records.supersededBy("a"), null);
    await records.supersede("a", "c");
    assert.equal(await records.supersededBy("a"), "c");
    await records.end("a");
    assert.deepEqual(
      (await records.list()).map((one) => one.run),
      ["b"],
    );
  });

  test("nothing is begun where the state folder has no room for the record, and the error says what to do", async (t) => {
    const folder = join(scratch(t), "runs");
    mkdirSync(folder);
    symlinkSync("/dev/full", join(folder, "a.json.new"));
    const records = openRunRecords(folder);
    const own = await identityOf(process.pid);
    assert.ok(own !== null);
    const record: RunRecord = {
      version: 1,
      run: "a",
      project: "shop",
      group: null,
      process: own,
      scratch: "/tmp/a",
      checkout: null,
      createdAt: "2026-11-20T10:00:00.000Z",
    };
    await assert.rejects(
      noteInStateFolder(folder, () => records.begin(record)),
      (error: unknown) =>
        error instanceof ShiplockError &&
        error.code === "check/no-room" &&
        error.blame === "failed" &&
        error.where === folder &&
        /make room .* SHIPLOCK_LEDGER/.test(error.remedy ?? ""),
    );
    assert.deepEqual(readdirSync(folder), [], "nothing is left half written");
  });

  test("a machine keeps its name", async (t) => {
    const folder = scratch(t);
    const names = await Promise.all([machineId(folder), machineId(folder), machineId(folder)]);
    assert.equal(new Set([...names, await machineId(folder)]).size, 1);
    assert.notEqual(await machineId(scratch(t)), names[0]);
  });
});

describe("artifacts of outside origin", () => {
  const file = (path: string, text = "x"): ArchiveSource => {
    const body = Buffer.from(text);
    return { kind: "file", path, mode: 0o644, size: body.length, body };
  };

  test("are never unpacked outside of their folder, neither by name nor through a link", async (t) => {
    const root = scratch(t);
    const folder = join(root, "in");
    mkdirSync(join(root, "out"));
    for (const path of ["../out/a", "/etc/shiplock-test", "a/../../out/a"])
      await assert.rejects(unpackTar(writeArchive([file(path)]), folder), { code: "archive/outside" });
    mkdirSync(folder, { recursive: true });
    symlinkSync("../out", join(folder, "was-there"));
    await unpackTar(
      writeArchive([
        file("was-there/a"),
        { kind: "link", path: "far", target: "../../out" },
        { kind: "link", path: "near", target: "was-there/a" },
        file("near/b"),
      ]),
      folder,
    );
    assert.equal(existsSync(join(root, "out", "a")), false);
    assert.equal(readFileSync(join(folder, "was-there/a"), "utf8"), "x");
    assert.equal(existsSync(join(folder, "far")), false);
    assert.equal(readFileSync(join(folder, "near/b"), "utf8"), "x");
    assert.equal(readFileSync(join(folder, "was-there/a"), "utf8"), "x");
    writeFileSync(join(root, "secret"), "s");
    const hard: ArchiveSource = { kind: "hard-link", path: "hard", target: "../secret" };
    await assert.rejects(unpackTar(writeArchive([hard]), folder), { code: "archive/outside" });
  });
});
