import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, it } from "node:test";
import { main } from "../../../src/cli/main.ts";
import { filesIn } from "../../init/fixtures.ts";

let folder = "";

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "shiplock-import-"));
  const text = readFileSync(join(import.meta.dirname, "repositories", "ssh-action.txt"), "utf8");
  for (const [path, content] of Object.entries(filesIn(text))) put(path, content);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), text);
}

async function imported(...args: readonly string[]): Promise<{ exit: number; said: string }> {
  let said = "";
  const stream = { write: (text: string) => (said += text) };
  const exit = await main({
    argv: ["workflows", "import", ...args],
    env: {},
    cwd: folder,
    version: "0.0.0",
    signal: new AbortController().signal,
    stdout: stream,
    stderr: stream,
  });
  return { exit, said };
}

describe("`shiplock workflows import`", () => {
  it("prints the proposal, its questions and what it left, and writes nothing", async () => {
    const { exit, said } = await imported();
    assert.equal(exit, 0, said);
    assert.match(said, /hosts: \[deploy@production\.example\.com\] # \? write the host's address/);
    assert.match(said, /environments\.production\.target\.compose\.hosts: write the host's address/);
    assert.match(said, /deploy\.yml:61 {2}sudo systemctl reload nginx\n.*\n {4}instead: /);
    assert.match(said, /run it with --write/);
    assert.ok(!existsSync(join(folder, "shiplock.yml")));
  });

  it("writes shiplock.yml with --write, and never over a configuration that is there", async () => {
    assert.equal((await imported("--write")).exit, 0);
    const written = readFileSync(join(folder, "shiplock.yml"), "utf8");
    assert.match(written, /verifyUrl: https:\/\/books\.acme\.test\/healthz/);
    put("shiplock.yml", "project: mine\n");
    const { exit, said } = await imported("--write");
    assert.equal(exit, 2);
    assert.match(said, /nothing was written: there is a shiplock\.yml/);
    assert.equal(readFileSync(join(folder, "shiplock.yml"), "utf8"), "project: mine\n");
    rmSync(join(folder, "shiplock.yml"));
    put("shiplock.config.ts", "export default {};\n");
    assert.match((await imported("--write")).said, /there is a shiplock\.config\.ts/);
  });

  it("reads the files alone that are named", async () => {
    const { said } = await imported(".github/workflows/ci.yml");
    assert.match(said, /checks:/);
    assert.doesNotMatch(said, /books\.acme\.test/);
    assert.match(said, /no workflow deploys/);
  });
});
