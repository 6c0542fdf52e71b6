import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { summaryOf } from "../../src/action/summary.ts";
import { withError, withEvent, withResult } from "../../src/action/heard.ts";
import { type Story, untold } from "../../src/action/story.ts";
import { outputsOf } from "../../src/action/outputs.ts";

const facts = {
  command: "deploy",
  environment: "staging",
  exitCode: 0,
  repository: "https://github.com/acme/shop",
  run: "https://github.com/acme/shop/actions/runs/7",
};
const commit = "4f2a9c1d".repeat(5);
const ticket = {
  deployment: "d-1",
  kind: "deploy",
  release: "4f2a9c1-8be13d",
  commit,
  ref: { kind: "branch", name: `feature/"$(id)"|<b>` },
  origin: { who: "ada", reason: "try | it" },
};
const document = {
  release: { commit, subject: "Add <script>", ref: ticket.ref.name },
  snapshot: { publicUrls: ["https://shop.example.com/?a=1&b=2"] },
};
const requested = {
  kind: "requested",
  ticket,
  document,
  from: "aaaaaaa-000000",
  environment: "staging",
  project: "shop",
};
const plan = {
  deployment: "d-1",
  kind: "deploy",
  project: "shop",
  environment: "staging",
  from: "aaaaaaa-000000",
  to: ticket.release,
  strategy: "rolling",
  hosts: ["web-1"],
  origin: ticket.origin,
};
const step = { step: "web-1/start", host: "web-1", action: "start", title: "start web" };
const at = (second: number): string => new Date(Date.UTC(2026, 10, 21, 9, 0, second)).toISOString();

function told(...events: readonly unknown[]): Story {
  return events.reduce<Story>(withEvent, untold);
}

test("the summary says what was deployed where, by whom, why it may, and what came of it", () => {
  const decisions = [
    { gate: "checks", answer: "pass", reason: "passed" },
    { gate: "hold", answer: "pass", reason: "nobody holds it" },
  ];
  const story = told(
    { kind: "other", of: "somebody" },
    requested,
    { kind: "judged", deployment: "d-1", moment: "request", judgement: { decisions, passedByEmergency: [] } },
    { kind: "planned", purpose: "run", plan, document },
    { ...step, kind: "step-began", at: at(0) },
    { ...step, kind: "step-done", at: at(2), evidence: { acted: true, summary: "started 2" } },
    { kind: "state", deployment: "d-1", state: "succeeded", outcome: "4f2a9c1-8be13d is live" },
  );
  const text = summaryOf(story, facts);
  assert.match(text, /^### ✅ deploy to staging: succeeded\n/);
  for (const part of [
    "<code>4f2a9c1-8be13d</code> after <code>aaaaaaa-000000</code>",
    `<a href="https://github.com/acme/shop/commit/${commit}">4f2a9c1</a>`,
    "| Asked for by | ada: try &#124; it |",
    "| Where | web-1 &#40;rolling&#41; |",
    '<a href="https://shop.example.com/?a=1&amp;b=2">',
    '<a href="https://github.com/acme/shop/deployments/staging">history</a>',
    '<a href="https://github.com/acme/shop/actions/runs/7">this run</a>',
    "<summary>Gates&#58; all 2 pass</summary>",
    "<summary>Steps&#58; 1 in 2.0 s</summary>",
    "| web-1 | start web | ✓ started 2 | 2.0 s |",
  ])
    assert.ok(text.includes(part), `${part} in\n${text}`);
});

test("names of branches, subjects and reasons are text in it, whatever they hold", () => {
  const hostile = fc
    .array(
      fc.constantFrom(
        "|",
        "<script>",
        "`",
        "](http://x)",
        "**",
        "\n### ",
        "@team",
        "#1",
        "https://evil",
        "www.evil.com",
        "&lt;",
        "\\",
        "a b",
        "~~",
        "\u202e",
        "_",
      ),
    )
    .map((parts) => parts.join(""));
  fc.assert(
    fc.property(hostile, (text) => {
      const said = { ...ticket, ref: { kind: "branch", name: text }, origin: { who: text, reason: text } };
      const about = { release: { ...document.release, subject: text, ref: text }, snapshot: { publicUrls: [text] } };
      const story = withError(told({ ...requested, ticket: said, document: about }), {
        code: "x/y",
        blame: "failed",
        message: text,
        remedy: text,
        where: text,
        details: [text],
      });
      const written = summaryOf(story, facts);
      const ours = written.replaceAll(/<\/?(?:code|pre|b|details|summary)>|<a href="https:\/\/[^"]*">|<\/a>/g, "");
      assert.doesNotMatch(ours, /[<>`@\\[\]~\u202e]|&lt;|https:|www\.evil/);
      for (const line of written.split("\n").filter((one) => one.startsWith("|")))
        assert.equal(line.split("|").length, 4, line);
      assert.equal(written.split("\n").filter((one) => one.startsWith("#")).length, 1);
    }),
  );
});

test("of a failure it says what happened and what to do, before everything else", () => {
  const failed = told(
    requested,
    { kind: "planned", purpose: "run", plan, document },
    { ...step, kind: "step-began", at: at(0) },
    { ...step, kind: "step-failed", at: at(3), text: "it did not become healthy" },
    { kind: "state", deployment: "d-1", state: "rolled-back", outcome: "aaaaaaa-000000 serves" },
  );
  const error = {
    code: "deploy/unhealthy",
    blame: "failed",
    message: "web is not healthy",
    remedy: "look at `shiplock logs staging web`",
  } as const;
  const text = summaryOf(withError(failed, { ...error, where: "web-1", details: ["line one", "line two"] }), {
    ...facts,
    exitCode: 1,
  });
  assert.match(text, /^### ↩️ deploy to staging: rolled-back\n/);
  assert.match(text, /\*\*What happened:\*\* <code>web-1<\/code>: web is not healthy/);
  assert.match(text, /<pre>line one&#10;line two<\/pre>/);
  assert.match(text, /\*\*What to do:\*\* look at &#96;shiplock logs staging web&#96;/);
  assert.ok(text.indexOf("What to do") < text.indexOf("| Release"));
  assert.match(text, /✗ it did not become healthy/);
});

test("what takes up an earlier deployment knows its commit from the plan, and tells only what was taken back", () => {
  const { release, snapshot } = document;
  const undone = { ...step, step: "web-1/create", title: "create web" };
  const story = told(
    { kind: "planned", purpose: "abort", plan, release, publicUrls: snapshot.publicUrls },
    { ...undone, kind: "undo-began", at: at(0) },
    { ...undone, kind: "undo-done", at: at(1), evidence: { acted: true, summary: "removed 2 containers" } },
    { ...step, kind: "undo-began", at: at(1) },
    { ...step, kind: "undo-done", at: at(2), evidence: { acted: false, summary: "nothing was there" } },
  );
  assert.equal(outputsOf(story, 0, undefined).commit, commit);
  const text = summaryOf(story, { ...facts, command: "abort" });
  assert.match(text, /Steps&#58; 1 in/);
  assert.match(text, /\| create web \| ↶ taken back: removed 2 containers \| {2}\|/);
});

test("a gate that blocks is told in the open, and so is what an emergency passed", () => {
  const decisions = [{ gate: "hold", answer: "block", reason: "ada holds it", remedy: "ask" }];
  const judged = (judgement: unknown): string =>
    summaryOf(told(requested, { kind: "judged", deployment: "d-1", moment: "request", judgement }), {
      ...facts,
      exitCode: 3,
    });
  assert.match(judged({ decisions, passedByEmergency: [] }), /\n\| hold \| ⛔ blocks \| ada holds it \|/);
  assert.match(judged({ decisions: [], passedByEmergency: decisions }), /\| hold \| 🚨 passed as an emergency \|/);
});

test("checks are a table: result, tests, coverage, time and why", () => {
  const ended = {
    kind: "check-ended",
    at: at(1),
    job: "test (DB=17)",
    check: "test",
    outcome: "failed",
    required: true,
    durationMs: 61_500,
    reasons: ["2 of 9 tests failed"],
    reports: {
      tests: { tests: 9, failed: 2, skipped: 0, durationMs: 1, failures: [] },
      coverage: { percent: 81.26, leastCovered: [] },
      warnings: null,
    },
    artifacts: null,
  };
  const story = withResult(told(ended), { run: "r", commit, result: "failed", checks: [] });
  const text = summaryOf(story, { ...facts, command: "check", environment: undefined, exitCode: 1 });
  assert.match(text, /^### ❌ check: failed\n/);
  assert.match(text, /\| test &#40;DB=17&#41; \| ❌ failed \| 7 of 9 \| 81.3 % \| 1 min 2 s \| 2 of 9 tests failed \|/);
});

test("a release that went live and was taken back again is no success, and the run is still about what was asked for", () => {
  const back = { ...plan, deployment: "d-2", kind: "rollback", from: ticket.release, to: "aaaaaaa-000000" };
  const story = told(
    requested,
    { kind: "planned", purpose: "run", plan },
    { ...step, kind: "step-began", at: at(0) },
    { ...step, kind: "step-done", at: at(1), evidence: { acted: true, summary: "started" } },
    { kind: "state", deployment: "d-1", state: "succeeded", outcome: "it is live" },
    { kind: "planned", purpose: "run", plan: back },
    { ...step, kind: "step-began", at: at(9) },
    { ...step, kind: "step-done", at: at(10), evidence: { acted: true, summary: "started again" } },
    { kind: "state", deployment: "d-2", state: "succeeded", outcome: "aaaaaaa-000000 is live" },
  );
  const first = { deployment: "d-1", state: "succeeded", release: ticket.release, outcome: "it is live" };
  const rollback = { deployment: "d-2", state: "succeeded", release: "aaaaaaa-000000" };
  const watch = { how: "bad", said: "web answered 500" };
  const taken = withResult(story, { ...first, watch, wentBackFor: "web answered 500", rollback });
  assert.equal(outputsOf(taken, 1, undefined).result, "rolled-back");
  assert.equal(outputsOf(taken, 1, undefined).deployment, "d-1");
  const text = summaryOf(taken, { ...facts, exitCode: 1 });
  assert.match(text, /^### ↩️ deploy to staging: rolled-back\n\nweb answered 500; aaaaaaa-000000 serves again\n/);
  assert.match(text, /✓ started \|[\s\S]*✓ started again \|/);
  const stuck = withResult(story, { ...first, wentBackFor: "x", rollback: { ...rollback, state: "failed" } });
  assert.equal(outputsOf(stuck, 4, undefined).result, "failed");
  const left = withResult(told(requested), { ...first, watch });
  assert.equal(outputsOf(left, 4, undefined).result, "needs-a-person");
  assert.equal(left.outcome, "web answered 500");
});

test("outputs say what the run was about, and are empty where it was about nothing", () => {
  const story = withResult(told(requested, { kind: "state", deployment: "d-1", state: "skipped", outcome: "held" }), {
    deployment: "d-1",
    state: "skipped",
  });
  assert.deepEqual(outputsOf(story, 0, "staging"), {
    result: "skipped",
    "exit-code": "0",
    environment: "staging",
    release: "4f2a9c1-8be13d",
    deployment: "d-1",
    commit,
    url: "https://shop.example.com/?a=1&b=2",
    document: '{"deployment":"d-1","state":"skipped"}',
  });
  const other = withResult(story, { release: { id: "x" }, environment: "production" });
  assert.equal(outputsOf(other, 0, undefined).environment, "production");
  assert.equal(outputsOf(other, 0, undefined).release, "4f2a9c1-8be13d");
  const nothing = outputsOf(untold, 3, undefined);
  assert.equal(nothing.result, "blocked");
  assert.equal(nothing.document, "");
  assert.equal(nothing.environment, "");
});
