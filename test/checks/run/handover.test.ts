import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { type Handed, openHandover } from "../../../src/checks/run/handover.ts";
import { createStage } from "./stage.ts";

const of = { commit: "c0ffee00", source: "commit", definitions: "d1" };
const checks = {
  build: { process: true as const, run: "echo built > out.txt; echo ran build", artifacts: ["out.txt"], cached: false },
  test: { process: true as const, needs: ["build"], run: "cat out.txt" },
};

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "shiplock-handover-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What a machine finds that comes after the one that built. */
async function built(t: TestContext, folder: string): Promise<void> {
  const done = await createStage(t).run(
    { build: checks.build },
    { names: ["build"], handover: openHandover(folder, of) },
  );
  assert.equal(done.job("build").outcome, "passed");
}

async function taken(folder: string, job: string): Promise<Map<string, Handed>> {
  const found = await openHandover(folder, of).take(job);
  return found === null ? new Map() : new Map([[job, found]]);
}

describe("checks of one commit on several machines", () => {
  test("go on from what a job that they need made elsewhere, also where it is never answered from the cache", async (t) => {
    const folder = folderFor(t);
    await built(t, folder);
    const done = await createStage(t).run(checks, { names: ["test"], handed: await taken(folder, "build") });
    assert.deepEqual(
      done.results.map(({ job, outcome }) => [job.id, outcome]),
      [["test", "passed"]],
    );
    assert.equal(done.output("test"), "built");
  });

  test("run what they need themselves where nothing was handed over", async (t) => {
    const done = await createStage(t).run(checks, { names: ["test"], handed: await taken(folderFor(t), "build") });
    assert.equal(done.job("build").outcome, "passed");
    assert.equal(done.job("test").outcome, "passed");
  });

  test("hand over nothing of a job that failed", async (t) => {
    const folder = folderFor(t);
    const handover = openHandover(folder, of);
    await createStage(t).run({ bad: { process: true, run: "exit 1" } }, { handover });
    assert.equal(await handover.take("bad"), null);
    assert.deepEqual(readdirSync(folder), []);
  });

  test("do not take what is of another commit, of other definitions, or was changed on the way", async (t) => {
    const folder = folderFor(t);
    await built(t, folder);
    for (const [other, why] of [
      [{ commit: "beef0000" }, /is of c0ffee0/],
      [{ source: "another tree" }, /is of c0ffee0/],
      [{ definitions: "d2" }, /other definitions/],
    ] as const)
      await assert.rejects(openHandover(folder, { ...of, ...other }).take("build"), why);
    appendFileSync(join(folder, "build", "artifacts.tar"), "x");
    await assert.rejects(openHandover(folder, of).take("build"), /artifacts\.tar/);
  });
});
