import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { commandGroups, commands } from "../../src/cli/commands/table.ts";
import { changed } from "../config/example.ts";
import { runMain, type Said } from "./run-main.ts";

let folder = "";
before(() => {
  folder = mkdtempSync(join(tmpdir(), "shiplock-cli-"));
});
after(() => rmSync(folder, { recursive: true, force: true }));

async function shiplock(...argv: string[]): Promise<Said> {
  return interrupted(argv, () => undefined);
}

/** Runs a command line; `meanwhile` gets hold of its signal once it has begun. */
async function interrupted(argv: readonly string[], meanwhile: (interrupt: AbortController) => void): Promise<Said> {
  const interrupt = new AbortController();
  const ended = runMain({ argv, cwd: folder, env: {}, interrupt });
  meanwhile(interrupt);
  return ended;
}

function errorOf({ stdout }: Said): Record<string, unknown> {
  return (JSON.parse(stdout) as { error: Record<string, unknown> }).error;
}

describe("a command line that is wrong", () => {
  for (const [argv, says] of [
    [["depoly", "staging"], /unknown command 'depoly' \(Did you mean deploy\?\)/],
    [["deploy"], /missing required argument 'env'/],
    [["deploy", "staging", "--forse"], /unknown option '--forse'/],
    [["deploy", "staging", "production"], /too many arguments/],
    [
      ["deploy", "staging", "--release", "4f2a9c1", "--ref", "main"],
      /'--release <id>' cannot be used with option '--ref/,
    ],
    [["status", "--json=yaml"], /Allowed choices are document, stream/],
  ] as const) {
    test(`"${argv.join(" ")}" is told like every other error, with what to do, and exit code 2`, async () => {
      const said = await shiplock(...argv);
      assert.equal(said.exit, 2);
      assert.equal(said.stdout, "");
      assert.match(said.stderr, /^error \[cli\/usage\] /);
      assert.match(said.stderr, says);
      assert.match(said.stderr, /what to do: .*--help/);
    });
  }

  test("is told to a machine as a document where --json was given", async () => {
    const said = await shiplock("deploy", "--json", "staging", "--forse");
    assert.equal(said.exit, 2);
    assert.equal(said.stderr, "");
    const { code, message, remedy } = errorOf(said);
    assert.deepEqual([code, message], ["cli/usage", "unknown option '--forse'"]);
    assert.match(String(remedy), /shiplock deploy --help/);
  });
});

test("--json alone takes nothing of what follows it", async () => {
  const { code } = errorOf(await shiplock("deploy", "--json", "staging"));
  assert.equal(code, "config/not-found");
});

test("a folder that is not there is refused, and no configuration above it is taken", async () => {
  const said = await shiplock("status", "--project", "nowhere", "--json");
  assert.equal(said.exit, 2);
  const { code, where, remedy } = errorOf(said);
  assert.deepEqual([code, where], ["cli/no-project-folder", join(folder, "nowhere")]);
  assert.match(String(remedy), /name the folder/);
});

test("the help says what the exit codes mean", async () => {
  const said = await shiplock("help");
  assert.equal(said.exit, 0);
  assert.match(said.stdout, /Exit codes:\n {2}0 .*\n {2}1 .*\n {2}2 .*\n {2}3 .*\n {2}4 .*\n {2}130, 143 /);
});

test("the help lists every command once, under what it is for", async () => {
  const { stdout } = await shiplock("--help");
  const sections = stdout.split("\n\n").map((section) => section.split("\n"));
  const listed = (heading: string): (string | undefined)[] =>
    (sections.find(([first]) => first === `${heading}:`) ?? []).slice(1).map((line) => /^ {2}(\S+)/.exec(line)?.[1]);
  for (const { heading, commands: entries } of commandGroups)
    assert.deepEqual(
      listed(heading).filter((name) => name !== undefined),
      entries.map(({ name }) => name),
      heading,
    );
  const names = commands.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
});

test("Ctrl-C says at once that what changes an environment ends in a safe state, and nothing of the kind to who only looks", async () => {
  const cut = (interrupt: AbortController) => interrupt.abort("SIGINT");
  const deploying = await interrupted(["deploy", "staging"], cut);
  assert.equal(deploying.exit, 130);
  assert.match(deploying.stderr, /ending in a safe state.*`shiplock resume` or `shiplock abort` later where/);
  const looking = await interrupted(["status"], cut);
  assert.equal(looking.exit, 130);
  assert.doesNotMatch(looking.stderr, /safe state/);
});

test("Ctrl-C in the middle of looking is an interruption, and nothing about the hosts that were not asked any more", async (t) => {
  const project = mkdtempSync(join(tmpdir(), "shiplock-looking-"));
  t.after(() => rmSync(project, { recursive: true }));
  writeFileSync(join(project, "shiplock.yml"), changed());
  const env = { ...process.env, SHIPLOCK_LEDGER: join(project, "ledger.db") };
  for (const command of ["history", "doctor"]) {
    const interrupt = new AbortController();
    interrupt.abort("SIGINT");
    const { exit, stdout, stderr } = await runMain({ argv: [command, "staging"], cwd: project, env, interrupt });
    assert.equal(exit, 130, stderr);
    assert.match(stderr, /interrupted/);
    assert.doesNotMatch(`${stdout}${stderr}`, /cannot be asked|checks failed|no deployment yet/);
  }
});
