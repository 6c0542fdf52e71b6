import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { canHold, inWorkflowRun } from "../../../src/github/read/conditions.ts";
import { contextsIn, expressionsIn, flowsOf } from "../../../src/github/read/expressions.ts";
import { readFile } from "../../../src/github/read/file.ts";
import { commandsOf } from "../../../src/github/read/scripts.ts";
import type { Text, Workflow } from "../../../src/github/read/types.ts";

function read(source: string): Workflow {
  const { content, problems } = readFile("w.yml", source);
  assert.deepEqual(problems, []);
  assert.ok(content?.kind === "workflow");
  return content;
}

function firstRun(source: string): Text {
  const run = read(source).jobs[0]?.steps[0]?.run;
  assert.ok(run !== null && run !== undefined);
  return run;
}

/** The text of a file from a place on. */
function textAt(source: string, { line, column }: { line: number; column: number }): string {
  return (source.split("\n")[line - 1] ?? "").slice(column - 1);
}

const oneJob = (steps: string): string => `on: push\njobs:\n  a:\n    runs-on: x\n    steps:\n${steps}`;

describe("reading workflows", () => {
  it("takes every spelling of what starts one, `on` in quotes and as YAML 1.1 has it too", () => {
    const events = (on: string) => read(`${on}\njobs: {}`).triggers.map(({ event }) => event);
    assert.deepEqual(events("on: push"), ["push"]);
    assert.deepEqual(events("on: [push, pull_request]"), ["push", "pull_request"]);
    assert.deepEqual(events("'on':\n  push:\n  schedule: [{ cron: '* * * * *' }]"), ["push", "schedule"]);
    assert.deepEqual(events("%YAML 1.1\n---\non:\n  release:"), ["release"]);
  });

  it("follows anchors, aliases and merge keys", () => {
    const workflow = read(
      "on: push\nx: &env { A: 1 }\njobs:\n  one: &job\n    runs-on: x\n    env: *env\n    steps: [{ run: true }]\n  two: *job\n  three: { <<: *job, name: Third }",
    );
    assert.deepEqual(
      workflow.jobs.map(({ id, name, env, steps }) => [id, name?.value ?? null, env[0]?.key, steps.length]),
      [
        ["one", null, "A", 1],
        ["two", null, "A", 1],
        ["three", "Third", "A", 1],
      ],
    );
  });

  it("a place inside a script is the place in the file: in blocks, folded and quoted texts", () => {
    for (const steps of [
      "      - run: |\n          first\n            deeper\n          here it is\n",
      "      - run: |-\n\n          first\n\n          here it is\n",
      "      - run: >\n          first\n          second\n          here it is\n",
      "      - run: first; here it is\n",
      "      - run: 'it''s first; here it is'\n",
      '      - run: "a \\"quote\\",\\t\\n\\u0041 here it is"\n',
      '      - run: "first \\\n          second,\n          here it is"\n',
    ]) {
      const source = oneJob(steps);
      const run = firstRun(source);
      const place = run.placeAt(run.value.indexOf("here it is"));
      assert.match(textAt(source, place), /^here it is/, steps);
    }
  });

  it("what ssh hands on is a script on the host, with places in the file", () => {
    const source = oneJob(
      `      - run: |\n          set -e\n          ssh -p 22 u@h <<'END'\n            cd /srv\n            sudo bash -c "echo a; docker compose up -d"\n          END\n          ssh u@h -o X=y "one && two"\n          ssh u@h 'bash -eu -s' <<< 'three'\n`,
    );
    const step = read(source).jobs[0]?.steps[0];
    assert.ok(step !== undefined);
    const ran = commandsOf(step, null).map(({ program, script, place }) => [
      program.name,
      script.where,
      script.stops,
      textAt(source, place).split(/[ ;"']/)[0],
    ]);
    assert.deepEqual(ran, [
      ["set", "runner", true, "set"],
      ["ssh", "runner", true, "ssh"],
      ["cd", "host", false, "cd"],
      ["bash", "host", false, "sudo"],
      ["echo", "host", false, "echo"],
      ["docker", "host", false, "docker"],
      ["ssh", "runner", true, "ssh"],
      ["one", "host", false, "one"],
      ["two", "host", false, "two"],
      ["ssh", "runner", true, "ssh"],
      ["three", "host", true, "three"],
    ]);
  });

  it("a script of another language is not read as a shell's", () => {
    const step = read(oneJob("      - shell: python\n        run: import os\n")).jobs[0]?.steps[0];
    assert.ok(step !== undefined);
    assert.deepEqual(commandsOf(step, null), []);
    assert.equal(commandsOf({ ...step, shell: null }, "bash").length, 1);
  });

  it("what cannot be read is told with its place", () => {
    const problem = (source: string) => {
      const [first] = readFile("w.yml", source).problems;
      return `${first?.place.line}:${first?.place.column} ${first?.sentence}`;
    };
    assert.match(problem("on: push\njobs:\n  a: [\n"), /^4:1 this is not YAML: /);
    assert.match(problem("on: push\njobs:\n  a: {}\n  a: {}"), /^4:3 this is not YAML: /);
    assert.equal(problem("- a list"), "1:1 this is no workflow: a mapping with `on` and `jobs` is expected");
    assert.equal(problem("on: push"), "1:1 this is no workflow: it has no `jobs`");
    assert.equal(problem("on: push\njobs: [a]"), "2:1 `jobs` has to be a mapping of jobs by their ids");
    assert.match(problem("[".repeat(100)), /too many brackets/);
    assert.match(problem(`on: push # ${"x".repeat(1_000_000)}`), /more than 512000/);
    const bomb = Array.from(
      { length: 12 },
      (_, at) =>
        `a${at}: &a${at} [${
          at === 0
            ? "x"
            : Array(9)
                .fill(`*a${at - 1}`)
                .join(", ")
        }]`,
    );
    assert.match(problem(`${bomb.join("\n")}\njobs: {}`), /too large|read/);
  });

  it("never throws, whatever the text", () => {
    const pieces = fc.constantFrom(
      ...[
        "on: ",
        "jobs:",
        "\n",
        "  ",
        "    ",
        "- ",
        "run: |",
        "steps:",
        "&a ",
        "*a",
        "<<: ",
        "{",
        "}",
        "[",
        "]",
        "? ",
        ": ",
        '"',
        "'",
        "%YAML 1.1\n---\n",
        "\t",
        "!!binary ",
        "uses: x",
        "concurrency: ",
        "${{ ",
        " }}",
        "with:",
        "environment: ",
      ],
    );
    const texts = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.array(pieces, { maxLength: 40 }).map((all) => all.join("")),
    );
    fc.assert(
      fc.property(texts, (source) => {
        const { content, problems } = readFile("w.yml", source);
        for (const { place } of problems) assert.ok(place.line >= 1 && place.column >= 1);
        return content === null || problems.length === 0;
      }),
      { numRuns: 200 },
    );
  });
});

describe("reading expressions", () => {
  it("finds them in a text, also with braces in quotes, and leaves one alone that never ends", () => {
    assert.deepEqual(
      expressionsIn("a ${{ x }} b ${{ format('}}') }} ${{ never").map(({ body }) => body),
      ["x", "format('}}')"],
    );
  });

  it("says whose text comes out, and not whose text is only looked at", () => {
    const cases: readonly (readonly [string, readonly string[] | null])[] = [
      ["github.head_ref", ["github.head_ref"]],
      ["github['head_ref']", ["github.head_ref"]],
      ["github.event.commits.*.message", ["github.event.commits.*.message"]],
      ["github.event.commits[0].message", ["github.event.commits.*.message"]],
      ["a || b", ["a", "b"]],
      ["a && b", ["b"]],
      ["a == 'x' && 'y' || c", ["c"]],
      ["!a", []],
      ["contains(a, 'x')", []],
      ["toJSON(a.b)", ["a.b"]],
      ["format('{0} it''s {1}', a, b)", ["a", "b"]],
      ["fromJSON(a).b", ["a"]],
      ["(a || 'x')", ["a"]],
      ["true", []],
      ["-1.5e3", []],
      ["a b", null],
      ["(a", null],
      ["a.", null],
      ["'open", null],
      ["", null],
    ];
    for (const [body, flows] of cases) assert.deepEqual(flowsOf(body), flows, body);
    assert.deepEqual(contextsIn("github.ref == 'a.b' && inputs['name'] || success()"), ["github.ref", "inputs.name"]);
  });

  it("knows when a condition certainly does not hold in a run of workflow_run", () => {
    const holds = (condition: string): boolean => canHold(condition, inWorkflowRun);
    for (const condition of [
      "github.event_name == 'push'",
      "${{ github.event_name == 'push' && (github.ref == 'a' || github.ref == 'b') }}",
      "github.event_name != 'workflow_run'",
      "always() && github['event_name'] == 'release'",
      "!(github.event_name == 'workflow_run')",
      "github.event.schedule == '0 3 * * *' || inputs.environment",
      "false",
    ])
      assert.equal(holds(condition), false, condition);
    for (const condition of [
      "",
      "github.event_name == 'push' || github.ref == 'refs/heads/main'",
      "github.event_name == 'Workflow_Run' && success()",
      "contains(fromJSON('[\"push\"]'), github.event_name)",
      "!contains(github.event_name, 'x')",
      "github.event.workflow_run.conclusion == 'success'",
      "this is no expression",
      "github.event_name == 'push' &&",
      "(".repeat(100_000),
    ])
      assert.equal(holds(condition), true, condition.slice(0, 80));
  });

  it("never throws, however deep", () => {
    fc.assert(
      fc.property(
        fc.string(),
        (body) => (flowsOf(body), contextsIn(body), expressionsIn(body), canHold(body, inWorkflowRun), true),
      ),
    );
    assert.equal(flowsOf("(".repeat(100_000)), null);
    assert.equal(flowsOf("!".repeat(100_000)), null);
  });
});
