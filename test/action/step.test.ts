import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createStep, type Step } from "./step.ts";

/** A configuration with these checks, each a line. */
function config(...checks: readonly string[]): Record<string, string> {
  const lines = [
    "project: shop",
    "registry: { address: registry.invalid/shop }",
    "images: { web: { context: . } }",
    "services: { web: { image: web, port: 3000, health: /health } }",
    "environments: { staging: { target: { compose: { hosts: [nowhere.invalid] } } } }",
    "checks:",
    ...checks.map((line) => `  ${line}`),
  ];
  return { "shiplock.yml": `${lines.join("\n")}\n` };
}

/** What the runner would take for a command of a workflow. */
function commandsIn(log: string): string[] {
  return log.split(/[\r\n]/).filter((line) => /^\s*::/.test(line) || line.includes("##["));
}

async function committed(...checks: readonly string[]): Promise<Step> {
  const step = await createStep();
  await step.commit(config(...checks));
  return step;
}

describe("a step of a job", { concurrency: true }, () => {
  test("a configuration that is wrong fails the step at file and line", async () => {
    await using step = await createStep();
    await step.commit({
      ...config("lint: { run: 'true', process: true }"),
      "shiplock.yml": "project: shop\nbogus: 1\n",
    });
    const { exit, log } = await step.run({ command: "check" });
    assert.equal(exit, 1);
    assert.match(log, /^::error title=[^,]*config\/invalid,file=shiplock\.yml,line=2,col=1::bogus: unknown key/m);
    assert.equal(step.outputs()["result"], "refused");
    assert.equal(step.outputs()["exit-code"], "2");
    assert.match(step.summary(), /^### ❌ check: refused\n[\s\S]*bogus/);
  });

  test("a secret that nobody has set on GitHub hides none that is elsewhere", async () => {
    await using step = await createStep();
    const text = config(`lint: { run: 'test "$LICENCE" = from-the-file', process: true, secrets: [LICENCE] }`);
    await step.commit({
      "shiplock.yml": `${text["shiplock.yml"] ?? ""}secrets: { providers: [env, { dotenv: ops.env }] }\n`,
      "ops.env": "LICENCE=from-the-file\n",
    });
    const { exit, log } = await step.run({ command: "check", checks: "lint" }, { LICENCE: "" });
    assert.equal(exit, 0, log);
  });

  test("what a check prints is no command of the workflow, and its failure is told as data", async () => {
    const hostile = `printf '::error::mine\\n  ::add-mask::the\\nx ##[error]mine\\n::stop-commands::x\\n'; env; exit 3`;
    await using step = await committed(`lint: { run: ${JSON.stringify(hostile)}, process: true }`);
    const { exit, log } = await step.run({ command: "check", checks: "lint", token: "token-of-the-job" });
    assert.equal(exit, 1);
    assert.deepEqual(commandsIn(log), [
      "::add-mask::token-of-the-job",
      "::group::Checks",
      "::endgroup::",
      "::error title=check lint failed::it ended with exit code 3",
    ]);
    assert.match(log, /lint .*::error::mine/);
    assert.doesNotMatch(log.replace("::add-mask::token-of-the-job", ""), /INPUT_|token-of-the-job/);
    const { result, document } = step.outputs();
    assert.equal(result, "failed");
    assert.equal((JSON.parse(document ?? "") as { checks: unknown[] }).checks.length, 1);
    assert.match(step.summary(), /\| lint \| ❌ failed \|/);
  });

  test("a secret is masked for the runner, line by line, before anything that could hold it is said", async () => {
    const checks = "lint: { run: 'echo \"$DEPLOY_KEY\"', process: true, secrets: [DEPLOY_KEY] }";
    await using step = await committed(checks);
    const { exit, log } = await step.run({ command: "check" }, { DEPLOY_KEY: "first-line-of-it\nsecond-line-of-it" });
    assert.equal(exit, 0, log);
    const [before = "", after = ""] = log.split("::group::Checks");
    assert.match(before, /^::add-mask::first-line-of-it\n::add-mask::second-line-of-it$/m);
    assert.doesNotMatch(after, /line-of-it/);
    assert.equal(step.outputs()["result"], "passed");
  });

  test("a run that is cancelled ends in order: the first signal ends the work, the second one changes nothing", async () => {
    await using step = await committed("wait: { run: 'echo begun; sleep 600', process: true }");
    const running = step.start({ command: "check" });
    await running.waitForLog(/begun/);
    running.signal("SIGINT");
    // Of two signals that come at once, either may be the first.
    await running.waitForLog(/cancelled: ending in a safe state/);
    running.signal("SIGTERM");
    running.signal("SIGTERM");
    assert.equal(await running.ended, 1);
    assert.match(running.log(), /cancelled: ending in a safe state/);
    assert.equal(step.outputs()["result"], "interrupted");
    assert.equal(step.outputs()["exit-code"], "130");
    assert.equal(step.state()["ended"], "true");
    assert.deepEqual(await step.end({ command: "check" }), { exit: 0, log: "" });
  });
});
