import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { test } from "node:test";
import { isScratch, makeScratch } from "../src/scratch.ts";

test("a folder that a killed command left, with a login in it, is removed by the next; that of a command that runs stays", async (context) => {
  const parent = mkdtempSync(join(tmpdir(), "scratch-"));
  context.after(() => rmSync(parent, { recursive: true, force: true }));
  const module = new URL("../src/scratch.ts", import.meta.url).href;
  const program = `const { makeScratch } = await import(${JSON.stringify(module)});
    console.log(await makeScratch("docker", ${JSON.stringify(parent)}));
    setInterval(() => undefined, 1_000);`;
  const other = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const left = String((await once(other.stdout, "data"))[0]).trim();
  const own = await makeScratch("scan", parent);
  assert.deepEqual(readdirSync(parent).sort(), [basename(left), basename(own)].sort());
  assert.equal(statSync(own).mode & 0o777, 0o700);
  assert.ok(isScratch(own) && isScratch(left) && !isScratch(parent));

  other.kill("SIGKILL");
  await once(other, "exit");
  const next = await makeScratch("", parent);
  assert.deepEqual(readdirSync(parent).sort(), [basename(own), basename(next)].sort());
});
