import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createSample } from "./sample.ts";
import type { WorkflowRun } from "./types.ts";

const pinned = "0123456789012345678901234567890123456789";
const workflow = (text: string): Record<string, string> => ({ ".github/workflows/w.yml": text });

function only(runs: readonly WorkflowRun[]): WorkflowRun {
  const [run, ...others] = runs;
  assert.ok(run !== undefined && others.length === 0, `${runs.length} runs`);
  return run;
}

test("jobs hand outputs on, a matrix is spread, environment variables are as in GitHub's order of precedence", async () => {
  await using sample = await createSample(
    workflow(`
on: push
run-name: By \${{ github.actor }}
env: { WHERE: workflow, KEPT: workflow }
jobs:
  first:
    runs-on: ubuntu-24.04
    outputs: { made: "\${{ steps.make.outputs.made }}" }
    env: { WHERE: job }
    steps:
      - id: make
        env: { WHERE: step }
        run: |
          echo "made=$WHERE $KEPT" >> "$GITHUB_OUTPUT"
          echo "LATER=<\${{ github.event_name }}>" >> "$GITHUB_ENV"
      - run: echo "later $LATER, job $WHERE"
  second:
    needs: first
    runs-on: ubuntu-24.04
    strategy: { matrix: { n: [1, 2], include: [{ n: 2, extra: yes }] } }
    steps:
      - run: echo "got '\${{ needs.first.outputs.made }}' at \${{ matrix.n }}\${{ matrix.extra }}"
`),
  );
  const run = only(await sample.runner.trigger(await sample.pushed()));
  const { conclusion, jobs } = await run.ended;
  assert.equal(run.name, "By ada");
  assert.equal(conclusion, "success");
  assert.deepEqual(jobs.map(({ name }) => name).sort(), ["first", "second (1)", "second (2, yes)"]);
  assert.match(jobs.find(({ id }) => id === "first")?.log() ?? "", /later <push>, job job/);
  assert.match(jobs.find(({ name }) => name === "second (2, yes)")?.log() ?? "", /got 'step workflow' at 2yes/);
});

test("what follows a failure runs only where its condition says so, and a skipped job skips what needs it", async () => {
  await using sample = await createSample(
    workflow(`
on: push
jobs:
  broken:
    runs-on: ubuntu-24.04
    steps:
      - run: exit 3
      - run: echo never
      - if: failure()
        run: echo "because \${{ job.status }}"
  after: { needs: broken, runs-on: ubuntu-24.04, steps: [{ run: "true" }] }
  always:
    needs: [broken, after]
    if: always() && needs.after.result == 'skipped'
    runs-on: ubuntu-24.04
    steps: [{ run: "true" }]
  late: { needs: always, runs-on: ubuntu-24.04, steps: [{ run: "true" }] }
`),
  );
  const { conclusion, jobs } = await only(await sample.runner.trigger(await sample.pushed())).ended;
  assert.equal(conclusion, "failure");
  assert.deepEqual(
    jobs.map(({ id, result }) => `${id} ${result}`),
    ["broken failure", "always success"],
  );
  assert.deepEqual(
    jobs[0]?.steps.map(({ conclusion: each }) => each),
    ["failure", "skipped", "success"],
  );
  assert.match(jobs[0]?.log() ?? "", /because failure/);
});

test("commands in the log become annotations, masks hold in the log, and stopped commands are text", async () => {
  await using sample = await createSample(
    workflow(`
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: |
          echo "::error file=a.ts,line=3,col=7,title=Wrong::one%0Atwo"
          echo "::add-mask::hush"
          echo "say hush and $PASSWORD"
          echo "::stop-commands::end-of-it"
          echo "::error::not one"
          echo "::end-of-it::"
          echo "text ##[warning]seen anywhere"
        env: { PASSWORD: "\${{ secrets.PASSWORD }}" }
`),
    { settings: { secrets: { PASSWORD: "s3cret" } } },
  );
  const [job] = (await only(await sample.runner.trigger(await sample.pushed())).ended).jobs;
  assert.deepEqual(job?.annotations, [
    { level: "error", message: "one\ntwo", file: "a.ts", line: 3, column: 7, title: "Wrong" },
    {
      level: "warning",
      message: "seen anywhere",
      file: undefined,
      line: undefined,
      column: undefined,
      title: undefined,
    },
  ]);
  assert.match(job?.log() ?? "", /say \*\*\* and \*\*\*\n::error::not one/);
  assert.match(job?.rawLog() ?? "", /say hush and s3cret/);
});

test("a token may do what the job says, and nothing of a fork's pull request can write or know a secret", async () => {
  await using sample = await createSample(
    workflow(`
on: [push, pull_request]
permissions: {}
jobs:
  none: { runs-on: ubuntu-24.04, steps: [{ run: "true" }] }
  some:
    runs-on: ubuntu-24.04
    permissions: { contents: read, deployments: write }
    steps:
      - run: echo "the secret is '$SECRET'"
        env: { SECRET: "\${{ secrets.SECRET }}" }
`),
    { settings: { secrets: { SECRET: "s3cret" } } },
  );
  await only(await sample.runner.trigger(await sample.pushed())).ended;
  assert.deepEqual(sample.granted, [{}, { contents: "read", deployments: "write" }]);
  const pull = {
    action: "opened",
    repository: { full_name: "acme/shop" },
    pull_request: { base: { ref: "main" }, head: { ref: "x", repo: { full_name: "eve/shop" } } },
  };
  const fork = await sample.pushed({ name: "pull_request", ref: "refs/pull/1/merge", payload: pull });
  const { jobs } = await only(await sample.runner.trigger(fork)).ended;
  assert.deepEqual(sample.granted.slice(2), [{}, { contents: "read", deployments: "read" }]);
  assert.match(jobs.find(({ id }) => id === "some")?.rawLog() ?? "", /the secret is ''/);
});

test("a group lets one run after the other: with the queue max all of them, else the newest that waits", async () => {
  for (const [queue, results] of [
    ["max", ["success", "success", "success"]],
    ["single", ["success", "cancelled", "success"]],
  ] as const) {
    await using sample = await createSample({});
    // Three pushes; the first is held until all three were made.
    const go = join(sample.folder, ".git", "go");
    await sample.commit(workflow(waitsFor(go, queue)));
    const event = await sample.pushed();
    const runs = [];
    for (let n = 0; n < 3; n += 1) runs.push(only(await sample.runner.trigger(event)));
    await runs[0]?.logged("a", /began/);
    assert.equal(runs[1]?.jobs.length, 0);
    writeFileSync(go, "");
    const ends = await Promise.all(runs.map((run) => run.ended));
    assert.deepEqual(
      ends.map(({ conclusion }) => conclusion),
      results,
    );
  }
});

function waitsFor(file: string, queue: string): string {
  return `
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    concurrency: { group: one, queue: ${queue} }
    steps: [{ run: 'echo began; while [ ! -e ${file} ]; do sleep 0.02; done' }]
`;
}

test("a newer run of a group that cancels interrupts what runs, and steps for every case still run", async () => {
  await using sample = await createSample(
    workflow(`
on: push
concurrency: { group: pull, cancel-in-progress: true }
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - run: |
          trap 'echo interrupted; exit 130' INT
          echo began
          if [ "$GITHUB_RUN_NUMBER" = 1 ]; then while :; do sleep 0.05; done; fi
      - if: always()
        run: echo "ends as \${{ job.status }}"
      - run: echo never
`),
  );
  const event = await sample.pushed();
  const first = only(await sample.runner.trigger(event));
  await first.logged("a", /began/);
  const second = only(await sample.runner.trigger(event));
  const [one, other] = await Promise.all([first.ended, second.ended]);
  assert.deepEqual([one.conclusion, other.conclusion], ["cancelled", "success"]);
  assert.match(one.jobs[0]?.log() ?? "", /interrupted\n(?:.*\n)*ends as cancelled$/);
});

test("an action of the repository gets its inputs and tokens, and its post step runs after a kill, with the state", async () => {
  await using sample = await createSample({
    ...workflow(`
on: push
jobs:
  a:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@${pinned}
        with: { persist-credentials: false }
      - id: own
        uses: ./action
        with: { what: "it's \${{ github.ref_name }}" }
  lost:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@${pinned}
      - uses: ./action
`),
    "action/action.yml": `
name: Sample
description: For a test
inputs:
  what: { description: What, default: nothing }
  token: { description: Token, default: "\${{ github.token }}" }
outputs: { said: { description: What was said } }
runs: { using: node24, main: index.js, post: index.js }
`,
    "action/index.js": `
const { appendFileSync } = require("node:fs");
if (process.env.STATE_began) { console.log("post of", process.env.STATE_began, process.env.INPUT_WHAT); process.exit(0); }
appendFileSync(process.env.GITHUB_STATE, "began=main\\n");
appendFileSync(process.env.GITHUB_OUTPUT, "said=" + process.env.INPUT_WHAT + "\\n");
appendFileSync(process.env.GITHUB_STEP_SUMMARY, "# done\\n");
require("node:child_process").spawn("sleep", ["300"], { detached: true, stdio: "ignore" }).unref();
console.log("began with", process.env.INPUT_WHAT, process.env.INPUT_TOKEN.slice(0, 5));
setInterval(() => undefined, 1000);
`,
  });
  const run = only(await sample.runner.trigger(await sample.pushed()));
  const [killed, lost] = await Promise.all([run.logged("a", /began with/), run.logged("lost", /began with/)]);
  process.kill(killed.process() ?? 0, "SIGKILL");
  lost.lose();
  const { conclusion } = await run.ended;
  assert.equal(conclusion, "failure");
  // The runner masks the token, but not its first letters.
  assert.match(killed.log(), /began with it's main token\npost of main it's main$/);
  assert.equal(killed.steps.find(({ id }) => id === "own")?.outputs["said"], "it's main");
  assert.match(killed.summary(), /# done/);
  assert.deepEqual(killed.leftRunning, ["sleep 300"]);
  assert.doesNotMatch(lost.log(), /post of/);
  assert.equal(lost.result, "failure");
});

test("artifacts and caches go from job to job and run to run, and a checkout without credentials cannot fetch", async () => {
  await using sample = await createSample(
    workflow(`
on: push
jobs:
  make:
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/cache@${pinned}
        id: cache
        with: { key: "k-\${{ github.sha }}", restore-keys: k-, path: kept }
      - run: mkdir -p kept out/.hidden; echo "kept '$(cat kept/*)' hit '\${{ steps.cache.outputs.cache-hit }}'"; echo $GITHUB_RUN_NUMBER > kept/n; echo hi > out/a; echo no > out/.hidden/b
      - uses: actions/upload-artifact@${pinned}
        with: { name: result, path: out, if-no-files-found: error }
  take:
    needs: make
    runs-on: ubuntu-24.04
    steps:
      - uses: actions/checkout@${pinned}
        with: { persist-credentials: false, fetch-depth: 0 }
      - uses: actions/download-artifact@${pinned}
        with: { name: result, path: in }
      - run: ls -AR in; git branch --show-current; git fetch
`),
  );
  const first = await only(await sample.runner.trigger(await sample.pushed())).ended;
  assert.match(first.jobs[0]?.log() ?? "", /kept '' hit ''/);
  const log = first.jobs[1]?.log() ?? "";
  assert.match(log, /in:\na\nmain\n/);
  assert.match(log, /unable to access|could not read|not resolve/i);
  assert.equal(first.conclusion, "failure");
  await sample.commit({ more: "" });
  const second = await only(await sample.runner.trigger(await sample.pushed())).ended;
  assert.match(second.jobs[0]?.log() ?? "", /kept '1' hit 'false'/);
});

test("the end of a run starts the workflows that wait for it, with the commit it ran for; a run again has the same commit", async () => {
  await using sample = await createSample({
    ".github/workflows/ci.yml": `
name: CI
on: { push: { branches: [main, 'release/**'] } }
jobs: { a: { runs-on: ubuntu-24.04, steps: [{ run: "true" }] } }
`,
    ".github/workflows/after.yml": `
on: { workflow_run: { workflows: [CI], types: [completed], branches: [main] } }
jobs:
  a:
    if: github.event.workflow_run.conclusion == 'success'
    runs-on: ubuntu-24.04
    steps: [{ run: 'echo "for \${{ github.event.workflow_run.head_sha }} by $GITHUB_TRIGGERING_ACTOR, \${{ github.run_attempt }}"' }]
`,
  });
  const event = await sample.pushed();
  const run = only(await sample.runner.trigger(event));
  await sample.commit({ newer: "" });
  await sample.runner.idle();
  assert.equal(sample.runner.runs.length, 2);
  assert.match(sample.runner.runs[1]?.jobs[0]?.log() ?? "", new RegExp(`for ${event.sha} by ada, 1`));

  const again = await sample.runner.again(run, "grace");
  await sample.runner.idle();
  assert.deepEqual([again.id, again.attempt, again.event.sha], [run.id, 2, event.sha]);
  assert.equal(sample.runner.runs.length, 4);
});

test("an environment gives its secrets to its jobs alone, and a job waits until somebody approved", async () => {
  const asked: string[] = [];
  let approve: (answer: boolean) => void = () => undefined;
  await using sample = await createSample(
    workflow(`
on: push
jobs:
  inside:
    environment: { name: production, deployment: false }
    runs-on: ubuntu-24.04
    steps: [{ run: 'echo "key \${{ secrets.KEY }}." | wc -c; echo "at \${{ vars.PLACE }}"' }]
  outside:
    runs-on: ubuntu-24.04
    steps: [{ run: 'echo "key [\${{ secrets.KEY }}]"' }]
`),
    {
      environments: { production: { secrets: { KEY: "12345" }, variables: { PLACE: "home" } } },
      approved: async (environment) => {
        asked.push(environment);
        return await new Promise((resolve) => void (approve = resolve));
      },
    },
  );
  const run = only(await sample.runner.trigger(await sample.pushed()));
  await run.logged("outside", /key \[\]/);
  assert.deepEqual(asked, ["production"]);
  assert.equal(run.jobs.length, 1);
  approve(true);
  await run.ended;
  assert.match(run.jobs[1]?.log() ?? "", /11\nat home/);
});

test("what the runner cannot carry out fails the test instead of being passed over", async () => {
  for (const [job, says] of [
    [`{ runs-on: x, steps: [{ uses: other/action@${pinned} }] }`, /does not know the action other\/action/],
    ["{ runs-on: x, steps: [{ uses: actions/checkout@v4 }] }", /not pinned/],
    [
      `{ runs-on: x, permissions: {contents: read}, steps: [{ uses: actions/checkout@${pinned}, with: { lfs: true } }] }`,
      /does not know lfs/,
    ],
    ["{ runs-on: x, container: node, steps: [{ run: 'true' }] }", /does not know container/],
    ["{ runs-on: x, environment: production, steps: [{ run: 'true' }] }", /deployment of its own/],
    ["{ runs-on: x, needs: nobody, steps: [{ run: 'true' }] }", /GitHub's parser/],
    ["{ runs-on: x, steps: [{ run: 'echo ::set-output name=a::b' }] }", /printed what the runner/],
  ] as const) {
    await using sample = await createSample(workflow(`on: push\njobs:\n  a: ${job}\n`));
    await assert.rejects(async () => {
      await sample.runner.trigger(await sample.pushed());
      await sample.runner.idle();
    }, says);
  }
});

test("nothing of a job stays on the machine", async () => {
  await using sample = await createSample(
    workflow("on: push\njobs: { a: { runs-on: x, steps: [{ run: 'pwd; echo $HOME' }] } }\n"),
  );
  const [job] = (await only(await sample.runner.trigger(await sample.pushed())).ended).jobs;
  const folders = job?.log().split("\n") ?? [];
  assert.equal(folders.length, 2);
  assert.deepEqual(folders.map(existsSync), [false, false]);
});
