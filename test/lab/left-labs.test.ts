import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { stopLeftLabs } from "../../scripts/test/labs.ts";
import { endProcess, isAlive, type ProcessMark, startDaemon } from "./process.ts";
import { labPaths, writeRecord } from "./record.ts";

test("a run of the tests ends the labs that it left up, and none of another run or of a person", async () => {
  const root = mkdtempSync(join(tmpdir(), "left-labs-"));
  const marks = new Map<string, ProcessMark>();
  try {
    for (const [name, run] of Object.entries({ mine: "this", theirs: "another", hers: undefined })) {
      const options = { logFile: join(root, `${name}.log`), env: { PATH: "/usr/bin:/bin" } };
      const registry = await startDaemon(["sleep", "60"], options);
      marks.set(name, registry);
      writeRecord(labPaths(name, root), {
        ...{ version: 1, name, subnet: 1, firewall: [], cgroup: `shiplock-lab-none-${name}`, boxes: [], registry },
        ...(run === undefined ? {} : { run }),
      });
    }
    const said: string[] = [];
    assert.equal(await stopLeftLabs("this", (line) => said.push(line), root), true);
    assert.deepEqual(said, ['lab "mine" is stopped']);
    assert.deepEqual(
      [...marks].filter(([, mark]) => isAlive(mark)).map(([name]) => name),
      ["theirs", "hers"],
    );
  } finally {
    for (const mark of marks.values()) await endProcess(mark, 5_000);
    rmSync(root, { recursive: true, force: true });
  }
});
