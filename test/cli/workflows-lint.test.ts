import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { runMain } from "./run-main.ts";

const sha = "0123456789abcdef0123456789abcdef01234567";
const clean = `name: Check\non: pull_request\npermissions: {}\njobs:\n  check:\n    runs-on: ubuntu-24.04\n    steps:\n      - uses: somebody/tool@${sha}\n`;
const wrong = clean.replace(`somebody/tool@${sha}`, "./.github/actions/greet");
const action = `name: Greet\nruns:\n  using: composite\n  steps:\n    - uses: somebody/tool@v1\n    - uses: somebody/other@v1 # shiplock-lint: ignore unpinned-action our own action\n    - shell: bash\n      run: echo "\${{ github.head_ref }}"\n`;

describe("shiplock workflows lint", () => {
  let root = "";
  const project = async (name: string, files: Readonly<Record<string, string>>): Promise<string> => {
    const folder = join(root, name);
    await mkdir(folder, { recursive: true });
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), text);
    }
    return folder;
  };
  const run = (cwd: string, ...args: readonly string[]) =>
    runMain({ argv: ["workflows", "lint", ...args], cwd, env: { PATH: process.env["PATH"] } });

  before(async () => {
    root = await mkdtemp(join(tmpdir(), "shiplock-lint-"));
  });
  after(() => rm(root, { recursive: true, force: true }));

  it("says file, line, column, rule, what happens and what to do, and exits with 1; no shiplock.yml is needed", async () => {
    const cwd = await project("wrong", {
      ".github/workflows/check.yml": wrong,
      ".github/actions/greet/action.yml": action,
      ".github/workflows/notes.txt": "no workflow: ${{",
    });
    const { exit, stdout, stderr } = await run(cwd);
    assert.equal(stderr, "");
    assert.equal(
      stdout,
      [
        ".github/actions/greet/action.yml:5:13  warning  unpinned-action",
        '    somebody/tool is taken by "v1", which its owner, or whoever has broken into the account, can move',
        "    what to do: write the full commit, with the version in a comment: `uses: owner/action@0123…cdef # v1.2.3`",
        ".github/actions/greet/action.yml:8:18  error    script-injection",
        "    ${{ github.head_ref }} holds the name of a pull request's branch, which anybody can choose, and becomes part of the shell: what stands in it runs with this job's rights and secrets",
        '    what to do: pass the value through `env` and write "$NAME" in the script',
        "2 findings in 2 files: 1 error, 1 warning, 1 switched off by a comment",
        "each rule is explained in docs/workflows-lint.md",
        "",
      ].join("\n"),
    );
    assert.equal(exit, 1);
  });

  it("exits with 0 where nothing is found", async () => {
    const cwd = await project("clean", { ".github/workflows/check.yaml": clean });
    assert.deepEqual(await run(cwd), { exit: 0, stdout: "nothing found in 1 file\n", stderr: "" });
  });

  it("with --json there is one document, with what a comment switches off apart", async () => {
    const cwd = await project("json", { "a/action.yml": action });
    const { exit, stdout } = await run(cwd, "a/action.yml", "--json");
    const { files, findings, ignored } = JSON.parse(stdout);
    assert.deepEqual(files, ["a/action.yml"]);
    assert.deepEqual(
      findings.map(({ rule, line, column }: { rule: string; line: number; column: number }) => [rule, line, column]),
      [
        ["unpinned-action", 5, 13],
        ["script-injection", 8, 18],
      ],
    );
    assert.equal(ignored[0].ignored, "our own action");
    assert.equal(exit, 1);
  });

  it("with --json=stream each finding is a line, and the result is the last", async () => {
    const cwd = await project("stream", { "a/action.yml": action });
    const { stdout } = await run(cwd, "a/action.yml", "--json=stream");
    const kinds = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line).kind);
    assert.deepEqual(kinds, ["finding", "finding", "finding", "result"]);
  });

  it("--sarif writes a log for code scanning besides", async () => {
    const cwd = await project("sarif", { "a.yml": clean });
    assert.equal((await run(cwd, "a.yml", "--sarif", "out.sarif")).exit, 0);
    const log = JSON.parse(await readFile(join(cwd, "out.sarif"), "utf8"));
    assert.deepEqual([log.version, log.runs[0].results], ["2.1.0", []]);
    const { exit, stderr } = await run(cwd, "a.yml", "--sarif", "missing/out.sarif");
    assert.match(stderr, /workflows\/sarif-not-written/);
    assert.equal(exit, 2);
  });

  it("says what is wrong when a file is not there, or there are no workflows", async () => {
    const cwd = await project("none", {});
    const none = await run(cwd);
    assert.match(none.stderr, /workflows\/none.*there are no workflows in \.github\/workflows/);
    assert.equal(none.exit, 2);
    const missing = await run(cwd, "nowhere.yml");
    assert.match(missing.stderr, /workflows\/not-read.*nowhere\.yml/);
    assert.equal(missing.exit, 2);
  });

  it("a file that GitHub could not read is a finding at its place, and no error", async () => {
    const cwd = await project("broken", { "a.yml": "on: push\njobs:\n  a: [\n" });
    const { exit, stdout } = await run(cwd, "a.yml");
    assert.match(stdout, /^a\.yml:4:1 {2}error {4}unreadable\n {4}this is not YAML: /);
    assert.equal(exit, 1);
  });
});
