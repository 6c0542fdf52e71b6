import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { runProgram } from "../../src/process.ts";
import { changed } from "../config/example.ts";
import { runMain, type Said } from "./run-main.ts";

const action = "acme/shiplock@1f2e3d4c5b6a798897a6b5c4d3e2f1a0b9c8d7e6";
const pushed = changed(
  ["project: shop\n", `project: shop\ngithub: { action: ${action}, version: v0.1.0 }\n`],
  ["    strategy: rolling", "    strategy: rolling\n    on: { push: main }"],
);

type Repository = {
  root: string;
  workflows: string;
  write(path: string, text: string): void;
  run(...argv: string[]): Promise<Said>;
};

async function repository(t: TestContext, config = pushed): Promise<Repository> {
  const root = mkdtempSync(join(tmpdir(), "shiplock-workflows-"));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  await runProgram("git", ["init", "--quiet", root], { timeoutMs: 10_000 });
  const write = (path: string, text: string): void => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  };
  write("shiplock.yml", config);
  return {
    root,
    workflows: join(root, ".github", "workflows"),
    write,
    run: (...argv) => runMain({ argv: ["workflows", ...argv], cwd: root, env: { ...process.env } }),
  };
}

describe("shiplock workflows", () => {
  test("writes what the configuration means, and has nothing to say the second time", async (t) => {
    const { run, workflows } = await repository(t);
    const first = await run();
    assert.equal(first.exit, 0, first.stderr);
    assert.match(first.stdout, /written \.github\/workflows\/shiplock-deploy\.yml/);
    assert.deepEqual(readdirSync(workflows), [
      "shiplock-deploy.yml",
      "shiplock-manual.yml",
      "shiplock-pull-request.yml",
      "shiplock-release.yml",
    ]);
    assert.match(
      readFileSync(join(workflows, "shiplock-deploy.yml"), "utf8"),
      new RegExp(`uses: ${action} # v0\\.1\\.0`),
    );
    const again = await run("--json");
    const { files } = JSON.parse(again.stdout) as { files: { result: string }[] };
    assert.deepEqual(new Set(files.map(({ result }) => result)), new Set(["unchanged"]));
  });

  test("--check fails where somebody changed a workflow, or the configuration and not the workflow, and writes nothing", async (t) => {
    const { run, write, workflows } = await repository(t);
    await run();
    assert.equal((await run("--check")).exit, 0);
    const deploy = readFileSync(join(workflows, "shiplock-deploy.yml"), "utf8");
    const changedByHand = deploy.replace("cancel-in-progress: false", "cancel-in-progress: true");
    write(".github/workflows/shiplock-deploy.yml", changedByHand);
    const { exit, stdout } = await run("--check");
    assert.equal(exit, 1);
    assert.match(
      stdout,
      /shiplock-deploy\.yml differs\n +\d+ - +cancel-in-progress: true\n +\d+ \+ +cancel-in-progress: false\n/,
    );
    assert.equal(readFileSync(join(workflows, "shiplock-deploy.yml"), "utf8"), changedByHand);
    write(".github/workflows/shiplock-deploy.yml", deploy);
    write("shiplock.yml", pushed.replace("push: main", "push: develop"));
    assert.equal((await run("--check")).exit, 1);
    const told = JSON.parse((await run("--check", "--json")).stdout) as { files: { path: string; result: string }[] };
    assert.equal(told.files.find(({ path }) => path.endsWith("shiplock-deploy.yml"))?.result, "differs");
  });

  test("removes a workflow of its own that the configuration no longer means, and touches nobody else's", async (t) => {
    const { run, write, workflows } = await repository(t);
    write(".github/workflows/ci.yml", "name: CI\n");
    write(".github/workflows/shiplock-ours.yml", "name: Ours\n");
    await run();
    write("shiplock.yml", pushed.replace("\n    on: { push: main }", ""));
    const check = await run("--check");
    assert.equal(check.exit, 1);
    assert.match(check.stdout, /shiplock-deploy\.yml is left over/);
    assert.match((await run()).stdout, /removed \.github\/workflows\/shiplock-deploy\.yml/);
    const left = readdirSync(workflows);
    assert.ok(!left.includes("shiplock-deploy.yml"));
    assert.ok(left.includes("ci.yml") && left.includes("shiplock-ours.yml"));
  });

  test("replaces no file that somebody else wrote under a name of ours", async (t) => {
    const { run, write, workflows } = await repository(t);
    write(".github/workflows/shiplock-deploy.yml", "name: Mine\n");
    const { exit, stderr } = await run();
    assert.equal(exit, 2);
    assert.match(stderr, /nothing was written: shiplock-deploy\.yml was not made by Shiplock/);
    assert.deepEqual(readdirSync(workflows), ["shiplock-deploy.yml"]);
    const check = await run("--check");
    assert.equal(check.exit, 1);
    assert.match(check.stdout, /shiplock-deploy\.yml was not made by Shiplock: give it another name/);
  });

  test("says what stands in its way where the folder or a file of it is something else", async (t) => {
    const { run, write, workflows } = await repository(t);
    write(".github/workflows", "");
    const noFolder = await run();
    assert.equal(noFolder.exit, 2);
    assert.match(noFolder.stderr, /cannot be read: ENOTDIR[^]*see to it that `\.github\/workflows` is a folder/);
    rmSync(workflows);
    mkdirSync(join(workflows, "shiplock-deploy.yml"), { recursive: true });
    assert.match((await run("--check")).stderr, /shiplock-deploy\.yml: [^\n]*cannot be read: EISDIR/);
  });

  test("refuses a flag that would do nothing, and writes nothing then", async (t) => {
    const { run, root } = await repository(t);
    const cases = [
      [["--sarif", "findings.sarif"], /`shiplock workflows` does not take --sarif/],
      [["import", "--sarif", "findings.sarif"], /`shiplock workflows import` does not take --sarif/],
      [["--write"], /`shiplock workflows` does not take --write/],
      [
        ["lint", "--write"],
        /lint` does not take --write\nwhat to do: leave it out; it belongs to `shiplock workflows import`/,
      ],
      [["lint", "--check"], /`shiplock workflows lint` does not take --check/],
    ] as const;
    for (const [argv, said] of cases) {
      const { exit, stderr } = await run(...argv);
      assert.equal(exit, 2, stderr);
      assert.match(stderr, said);
    }
    assert.deepEqual(readdirSync(root).sort(), [".git", "shiplock.yml"]);
  });

  test("asks for the Action's commit where this Shiplock is no release", async (t) => {
    const { run } = await repository(t, changed());
    const { exit, stderr } = await run();
    assert.equal(exit, 2);
    assert.match(stderr, /does not know at which commit its Action is/);
    assert.match(stderr, /github: \{ action: OWNER\/REPOSITORY@<40 digits of a commit>/);
  });

  test("writes beside the repository's root for a project below it", async (t) => {
    const { root, write, workflows } = await repository(t);
    write("apps/shop/shiplock.yml", pushed);
    const said = await runMain({ argv: ["workflows", "--project", "apps/shop"], cwd: root, env: { ...process.env } });
    assert.equal(said.exit, 0, said.stderr);
    assert.match(
      readFileSync(join(workflows, "shiplock-shop-deploy.yml"), "utf8"),
      /config: apps\/shop\/shiplock\.yml/,
    );
  });
});
