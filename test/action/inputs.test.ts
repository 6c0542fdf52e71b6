import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { actionCommands, argumentsOf } from "../../src/action/arguments.ts";
import { commandInputs, readInputs, runInputs, withoutInputs } from "../../src/action/inputs.ts";
import { outputsOf } from "../../src/action/outputs.ts";
import { untold } from "../../src/action/story.ts";
import type { ShiplockError } from "../../src/errors.ts";
import { parseActionOfficially } from "../github/official/action.ts";
import { runMain } from "../cli/run-main.ts";

const root = join(import.meta.dirname, "../..");

function code(expected: string, ...says: readonly RegExp[]) {
  return (error: ShiplockError): true => {
    assert.equal(error.code, expected);
    for (const one of says) assert.match(`${error.message}\n${error.remedy ?? ""}`, one);
    return true;
  };
}

test("a step's inputs become the command line that a person would type", () => {
  const asked: readonly [Record<string, string>, readonly string[]][] = [
    [{ command: "deploy", environment: "staging" }, ["deploy", "--", "staging"]],
    [
      { command: "deploy", environment: "staging", ref: "feature/x", automatic: "true", "no-wait": "false" },
      ["deploy", "--ref=feature/x", "--automatic", "--", "staging"],
    ],
    [
      { command: "promote", from: "staging", environment: "production", confirm: "production", emergency: "TRUE" },
      ["promote", "--confirm=production", "--emergency", "--", "staging", "production"],
    ],
    [{ command: "rollback", environment: "production", to: "v1" }, ["rollback", "--to=v1", "--", "production"]],
    [{ command: "check", checks: "lint\n test (DB=17) \n\n" }, ["check", "--", "lint", "test (DB=17)"]],
    [{ command: "check" }, ["check"]],
    [{ command: "build", verify: "true" }, ["build", "--verify"]],
    [
      { command: "tag", version: "v1.2.0", environment: "production", config: "a.yml", project: "web" },
      ["tag", "--env=production", "--config=a.yml", "--project=web", "--", "v1.2.0"],
    ],
    [
      { command: "approve", environment: "production", deployment: "d-1", reason: "tried it" },
      ["approve", "--comment=tried it", "--", "production", "d-1"],
    ],
    [
      { command: "hold", environment: "staging", reason: "demo", "take-over": "true" },
      ["hold", "--reason=demo", "--take-over", "--", "staging"],
    ],
  ];
  for (const [inputs, argv] of asked) assert.deepEqual(argumentsOf(inputs), argv);
});

test("nothing that came from outside becomes a flag or a command", async () => {
  const value = fc.oneof(
    fc.constantFrom("--help", "--version", "-h", "--", "--json=stream", "--emergency", "-", "--config=/etc/passwd"),
    fc.string({ minLength: 1 }).filter((text) => text.trim() !== ""),
  );
  const inputs = fc.record(
    Object.fromEntries(
      (
        [
          "environment",
          "from",
          "ref",
          "release",
          "to",
          "checks",
          "version",
          "deployment",
          "reason",
          "confirm",
          "config",
        ] as const
      ).map((name) => [name, value]),
    ),
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.constantFrom(...actionCommands), inputs, (command, given) => {
      let argv: readonly string[];
      try {
        argv = argumentsOf({ ...given, command: command.name });
      } catch (error) {
        assert.match((error as ShiplockError).code, /^action\//);
        return;
      }
      const end = argv.indexOf("--") === -1 ? argv.length : argv.indexOf("--");
      const flags = command.flags.flatMap(({ flags: text }) => /--[a-z-]+/.exec(text) ?? []);
      assert.equal(argv[0], command.name);
      for (const text of argv.slice(1, end))
        assert.ok([...flags, "--config"].includes(text.split("=")[0] ?? ""), `${text} is a flag of the command`);
    }),
  );
  for (const hostile of ["--version", "--help", "-h"]) {
    const argv = argumentsOf({ command: "deploy", environment: hostile, ref: hostile, config: "missing.yml" });
    const { exit, stdout, stderr } = await runMain({ argv, cwd: import.meta.dirname, env: {} });
    assert.equal(exit, 2);
    assert.equal(stdout, "");
    assert.match(stderr, /missing\.yml/);
  }
});

test("a step can compare the workflows with the configuration, and not write them", () => {
  assert.deepEqual(argumentsOf({ command: "workflows", check: "true" }), ["workflows", "--check"]);
  assert.throws(
    () => argumentsOf({ command: "workflows", check: "false" }),
    code("action/workflows-not-written", /would be gone with its runner/),
  );
});

test("an input that the command does not take is an error, and so is one that nobody knows", () => {
  assert.throws(
    () => argumentsOf({ command: "rollback", environment: "staging", ref: "main" }),
    code("action/input-not-taken", /`rollback` does not take the input ref/, /takes to, no-wait/),
  );
  assert.throws(
    () => argumentsOf({ command: "promote", environment: "p", from: "s", to: "v1" }),
    code("action/input-not-taken"),
  );
  assert.throws(() => readInputs({ INPUT_ENVIROMENT: "x" }), code("action/unknown-input", /did you mean environment/));
  assert.throws(() => argumentsOf({}), code("action/command-missing", /command: deploy/));
  assert.throws(() => argumentsOf({ command: "depoly" }), code("action/unknown-command", /did you mean deploy/));
  assert.throws(() => argumentsOf({ command: "secrets" }), code("action/unknown-command", /for people/));
  assert.throws(() => argumentsOf({ command: "deploy" }), code("action/input-missing", /needs the input environment/));
  assert.throws(
    () => argumentsOf({ command: "promote", environment: "production" }),
    code("action/input-missing", /needs the input from/),
  );
  assert.throws(
    () => argumentsOf({ command: "deploy", environment: "staging", automatic: "yes" }),
    code("action/not-a-switch", /automatic is "yes"/),
  );
});

test("inputs that were left empty count as left out, and what is started gets none of them", () => {
  const env = { INPUT_COMMAND: "deploy", "INPUT_SSH-KEY": " ", "INPUT_NO-WAIT": "true", PATH: "/bin" };
  assert.deepEqual(readInputs(env), { command: "deploy", "no-wait": "true" });
  assert.deepEqual(withoutInputs(env), { PATH: "/bin" });
});

test("action.yml has exactly the inputs and outputs that there are, as GitHub reads it, and docs/action.md has them all", () => {
  const text = readFileSync(join(root, "action.yml"), "utf8");
  const { inputs, outputs, main, post, postIf } = parseActionOfficially("action.yml", text);
  assert.deepEqual(inputs.map(({ name }) => name).toSorted(), [...runInputs, ...commandInputs].toSorted());
  assert.deepEqual(outputs, Object.keys(outputsOf(untold, 0, undefined)));
  assert.deepEqual([main, post, postIf], ["action/index.js", "action/index.js", "always()"]);
  const docs = readFileSync(join(root, "docs/action.md"), "utf8");
  for (const name of [...inputs.map((input) => input.name), ...outputs, ...actionCommands.map((one) => one.name)])
    assert.ok(docs.includes(`\`${name}\``), `docs/action.md does not mention ${name}`);
});
