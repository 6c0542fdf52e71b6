import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { fileRules, lintWorkflows, page } from "../../../src/github/lint/lint.ts";
import { sarifOf } from "../../../src/github/lint/sarif.ts";
import { rules } from "../../../src/github/lint/table.ts";

const file = ".github/workflows/a.yml";
const withStep = (step: string): string =>
  `on: pull_request\npermissions: {}\njobs:\n  a:\n    runs-on: x\n    steps:\n${step}`;
const lintOne = (step: string) => lintWorkflows({ [file]: withStep(step) });

describe("the linter of workflows", () => {
  it("every rule has an id of its own, a sentence why, a mend, and a part in the documentation", () => {
    const documentation = readFileSync(new URL(`../../../${page}`, import.meta.url), "utf8");
    const ids = [...rules, ...Object.values(fileRules)].map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length);
    for (const { id, why, mend, title } of [...rules, ...Object.values(fileRules)]) {
      assert.match(id, /^[a-z]+(?:-[a-z]+)*$/);
      assert.ok(why.endsWith(".") && !mend.endsWith(".") && !title.endsWith("."), id);
      assert.ok(documentation.includes(`\n### ${id}\n`), `${id} is explained`);
      assert.ok(documentation.includes(why), `${id} is explained in the same words`);
    }
  });

  it("a comment with a reason switches a finding off, on its line or above it", () => {
    for (const step of [
      "      - uses: a/b@v1 # shiplock-lint: ignore unpinned-action our own action",
      "      # shiplock-lint: ignore unpinned-action our own action\n      - uses: a/b@v1",
      "      # shiplock-lint: ignore unpinned-action,script-injection: our own action\n      # and more words\n      - uses: a/b@v1",
    ])
      assert.deepEqual(
        lintOne(step).map(({ rule, ignored }) => [rule, ignored]),
        [["unpinned-action", "our own action"]],
      );
  });

  it("a comment inside a script does so too", () => {
    const [finding] = lintOne(
      '      - run: |\n          # shiplock-lint: ignore script-injection the shell only prints\n          echo "${{ github.head_ref }}"',
    );
    assert.deepEqual([finding?.rule, finding?.ignored], ["script-injection", "the shell only prints"]);
  });

  it("a comment without a reason, without a rule or of an unknown rule is itself a finding, and switches nothing off", () => {
    const told = (comment: string) =>
      lintOne(`      - uses: a/b@v1 # shiplock-lint: ignore${comment}`).map(({ rule, message, ignored }) => [
        rule,
        ignored === null,
        message,
      ]);
    assert.deepEqual(
      told(" unpinned-action").map(([rule, counts]) => [rule, counts]),
      [
        ["unpinned-action", true],
        ["ignore", true],
      ],
    );
    assert.match(String(told(" unpinned-action")[1]?.[2]), /gives no reason/);
    assert.match(String(told("")[1]?.[2]), /names no rule/);
    assert.match(String(told(" unpined-action because")[1]?.[2]), /did you mean unpinned-action\?/);
  });

  it("a comment switches off the named rule on this line only", () => {
    const found = lintOne(
      "      # shiplock-lint: ignore script-injection another rule\n      - uses: a/b@v1\n      - uses: c/d@v1",
    );
    assert.deepEqual(
      found.map(({ line, ignored }) => [line, ignored]),
      [
        [8, null],
        [9, null],
      ],
    );
  });

  it("broken YAML is a finding at its place, and the other files are still looked at", () => {
    const found = lintWorkflows({ [file]: withStep("      - uses: a/b@v1"), "b.yml": "on: push\njobs:\n  a: {" });
    assert.deepEqual(
      found.map(({ file: where, line, rule }) => [where, line, rule]),
      [
        [file, 7, "unpinned-action"],
        ["b.yml", 3, "unreadable"],
      ],
    );
  });

  it("an action that is no composite has nothing to be found", () => {
    assert.deepEqual(lintWorkflows({ "action.yml": "name: x\nruns:\n  using: node24\n  main: index.js\n" }), []);
  });

  it("the same files give the same findings, in the order of places, whatever order they come in", () => {
    const sources = {
      "a.yml": withStep("      - uses: a/b@v1"),
      "b.yml": withStep('      - run: echo "${{ github.head_ref }}"'),
    };
    const reversed = Object.fromEntries(Object.entries(sources).toReversed());
    assert.deepEqual(lintWorkflows(reversed), lintWorkflows(sources));
  });

  it("never throws, and names a place in the file, whatever stands in it", () => {
    const scripts = fc.array(
      fc.constantFrom(
        ..."ssh u@h|docker compose up -d|docker pull a/b:latest|<<'E'|\nE\n|\n|;|&&|\"|'|$(|)|${{ github.head_ref }}|${{ inputs.x|sleep 5|curl http://x|gh api /deployments|--jq .[1]|if|then|fi|docker login|kubectl set image a b=c:latest|> .env|TAG=1|docker build --build-arg A".split(
          "|",
        ),
      ),
      { maxLength: 25 },
    );
    const workflows = fc.record({
      script: scripts.map((all) => all.join(" ")),
      on: fc.constantFrom("push", "workflow_run", "workflow_call", "pull_request_target"),
      id: fc.constantFrom("deploy", "rollback-production", "a"),
      group: fc.constantFrom("x", "x-${{ github.ref }}", "${{"),
    });
    fc.assert(
      fc.property(workflows, ({ script, on, id, group }) => {
        const source = JSON.stringify({
          on,
          jobs: {
            [id]: {
              environment: "production",
              concurrency: { group, "cancel-in-progress": true },
              needs: id,
              steps: [
                { run: script },
                { uses: "appleboy/ssh-action@v1", with: { script } },
                { uses: "./", env: { A: script } },
              ],
            },
          },
        });
        const lines = source.split("\n").length;
        for (const { line, column } of lintWorkflows({ [file]: source }))
          assert.ok(line >= 1 && line <= lines && column >= 1 && column <= source.length + 1);
      }),
      { numRuns: 300 },
    );
    fc.assert(fc.property(fc.string({ unit: "binary" }), (source) => (lintWorkflows({ [file]: source }), true)));
  });

  it("comes to an end with huge files, whatever they repeat", () => {
    const line = (text: string): string => `          ${text}\n`.repeat(8_000);
    for (const text of [
      "sleep 1",
      "gh run list | head -2",
      "${{ ${{",
      "ssh h <<E",
      "docker pull $A",
      "curl http://x",
      "$(",
    ]) {
      const source = `on: push\njobs:\n  deploy:\n    runs-on: self-hosted\n    steps:\n      - run: |\n          docker compose up -d\n${line(text)}`;
      const before = process.cpuUsage();
      lintWorkflows({ [file]: source });
      assert.ok(process.cpuUsage(before).user < 20_000_000, `a file of ${text} takes long`);
    }
    const jobs = Array.from(
      { length: 499 },
      (_, at) => `  j${at}: { needs: j${at + 1}, environment: production, steps: [{ run: ssh h reboot }] }\n`,
    );
    assert.ok(lintWorkflows({ [file]: `on: push\njobs:\n${jobs.join("")}` }).length >= 0);
  });
});

describe("findings as SARIF", () => {
  const log = JSON.parse(
    sarifOf(
      lintWorkflows({
        [file]: withStep(
          "      - uses: a/b@v1\n      - uses: a/b@v1\n      - uses: a/c@v1 # shiplock-lint: ignore unpinned-action our own",
        ),
      }),
      "1.2.3",
    ),
  );
  const [run] = log.runs;

  it("has the shape that SARIF 2.1.0 asks for", () => {
    const text = { type: "object", required: ["text"], properties: { text: { type: "string", minLength: 1 } } };
    const level = { enum: ["none", "note", "warning", "error"] };
    const rule = {
      type: "object",
      required: ["id"],
      properties: {
        id: { type: "string" },
        shortDescription: text,
        fullDescription: text,
        help: text,
        defaultConfiguration: { type: "object", properties: { level } },
      },
    };
    const region = {
      type: "object",
      required: ["startLine"],
      properties: { startLine: { type: "integer", minimum: 1 }, startColumn: { type: "integer", minimum: 1 } },
    };
    const artifact = {
      type: "object",
      required: ["uri"],
      properties: { uri: { type: "string", format: "uri-reference" } },
    };
    const place = {
      type: "object",
      required: ["artifactLocation", "region"],
      properties: { artifactLocation: artifact, region },
    };
    const suppression = {
      type: "object",
      required: ["kind"],
      properties: {
        kind: { enum: ["inSource", "external"] },
        status: { enum: ["accepted", "underReview", "rejected"] },
        justification: { type: "string" },
      },
    };
    const result = {
      type: "object",
      required: ["ruleId", "message", "locations"],
      properties: {
        ...{ ruleId: { type: "string" }, ruleIndex: { type: "integer", minimum: 0 }, level, message: text },
        locations: {
          type: "array",
          items: { type: "object", required: ["physicalLocation"], properties: { physicalLocation: place } },
        },
        partialFingerprints: { type: "object", additionalProperties: { type: "string" } },
        suppressions: { type: "array", items: suppression },
      },
    };
    const driver = {
      type: "object",
      required: ["name"],
      properties: { name: { type: "string" }, rules: { type: "array", uniqueItems: true, items: rule } },
    };
    const one = {
      type: "object",
      required: ["tool", "results"],
      properties: {
        tool: { type: "object", required: ["driver"], properties: { driver } },
        columnKind: { enum: ["utf16CodeUnits", "unicodeCodePoints"] },
        results: { type: "array", items: result },
      },
    };
    const ajv = new Ajv2020({
      strict: true,
      formats: { "uri-reference": (uri: string) => URL.canParse(uri, "file:///") && !uri.startsWith("/") },
    });
    const valid = ajv.validate(
      {
        type: "object",
        required: ["version", "runs"],
        properties: { version: { const: "2.1.0" }, $schema: { type: "string" }, runs: { type: "array", items: one } },
      },
      log,
    );
    assert.ok(valid, ajv.errorsText());
  });

  it("every finding names its rule, level, file, line and column, and has a fingerprint of its own", () => {
    assert.equal(log.version, "2.1.0");
    assert.equal(run.tool.driver.version, "1.2.3");
    for (const result of run.results) {
      assert.equal(run.tool.driver.rules[result.ruleIndex].id, result.ruleId);
      assert.equal(result.level, "warning");
      assert.ok(result.message.text.includes("What to do: "));
    }
    const places = run.results.map(
      (result: { locations: { physicalLocation: object }[] }) => result.locations[0]?.physicalLocation,
    );
    assert.deepEqual(places[0], { artifactLocation: { uri: file }, region: { startLine: 7, startColumn: 15 } });
    const prints = run.results.map((result: { partialFingerprints: object }) =>
      JSON.stringify(result.partialFingerprints),
    );
    assert.equal(new Set(prints).size, 3);
  });

  it("what a comment switches off is there as suppressed, with its reason", () => {
    assert.deepEqual(run.results[2].suppressions, [{ kind: "inSource", status: "accepted", justification: "our own" }]);
    assert.equal(run.results[0].suppressions, undefined);
  });

  it("every rule has a level and its help, and those about security a number that code scanning sorts by", () => {
    assert.equal(run.tool.driver.rules.length, rules.length + Object.keys(fileRules).length);
    for (const rule of run.tool.driver.rules) {
      assert.ok(["error", "warning"].includes(rule.defaultConfiguration.level));
      assert.ok(rule.help.text.length > 0 && rule.shortDescription.text.length > 0);
    }
  });
});
