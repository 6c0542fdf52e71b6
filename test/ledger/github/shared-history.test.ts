import assert from "node:assert/strict";
import { describe, type TestContext, test } from "node:test";
import { type GitHubSimulator, startGitHubSimulator } from "../../../packages/github-simulator/src/index.ts";
import { systemClock, waitFor } from "../../../src/clock.ts";
import { createInstallationTokens } from "../../../src/github/app/installation-tokens.ts";
import { stateRules, transitions } from "../../../src/deploy/states.ts";
import { wayBetween } from "../../../src/ledger/deployments.ts";
import type { Ledger } from "../../../src/ledger/types.ts";
import { checkRun, COMMIT, deployment, release } from "../samples.ts";
import { openShared } from "./shared.ts";

async function github(context: TestContext): Promise<GitHubSimulator> {
  const simulator = await startGitHubSimulator({ madeUpCommits: true });
  context.after(() => simulator.close());
  return simulator;
}

/** Where each of an environment's records stands on GitHub, newest first: GitHub's state and what is said of it. */
function standing({ world }: GitHubSimulator, environment: string): string[] {
  return world.deployments
    .filter((each) => each.environment === environment)
    .toReversed()
    .map(({ statuses }) => `${statuses.at(-1)?.state ?? "nothing"}: ${statuses.at(-1)?.description ?? ""}`);
}

/** Does something on a machine of its own, whose ledger is closed afterwards. */
async function onMachine<T>(simulator: GitHubSimulator, work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const { ledger, warnings } = openShared(simulator);
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
    assert.deepEqual(warnings, []);
  }
}

async function until(reached: () => boolean): Promise<void> {
  const answer = await waitFor(systemClock, { timeoutMs: 10_000, intervalMs: 5 }, async () =>
    reached() ? true : null,
  );
  assert.ok(answer);
}

async function move(ledger: Ledger, id: string, to: string, outcome?: string): Promise<void> {
  const from = (await ledger.findDeployment(id))?.state ?? "";
  for (const next of wayBetween(from, to, Object.keys(transitions), stateRules) ?? [])
    await ledger.transition({ deployment: id, to: next, at: 2000, ...(outcome === undefined ? {} : { outcome }) });
}

async function deployed(
  simulator: GitHubSimulator,
  id: string,
  number: number,
  environment = "staging",
): Promise<void> {
  await onMachine(simulator, async (ledger) => {
    await ledger.openDeployment(deployment(id, { environment, release: `r${number}`, createdAt: number * 1000 }));
    await move(ledger, id, "succeeded", `r${number} is live`);
  });
}

describe("a deployment on GitHub", () => {
  test("is a record of exactly its commit, that merges nothing and waits for nothing", async (t) => {
    const simulator = await github(t);
    const known = release("r1", { commit: COMMIT, payload: { images: { web: { digest: "sha256:1" } } } });
    await onMachine(simulator, async (ledger) => {
      await ledger.recordRelease(known);
      await ledger.openDeployment(deployment("d1", { kind: "promote", environment: "production", why: "it's time" }));
    });
    const sent = simulator.requests.find(({ method }) => method === "POST");
    assert.ok(sent !== undefined);
    const { payload, ...told } = sent.body as Record<string, unknown>;
    assert.deepEqual(told, {
      ...{ ref: COMMIT, task: "promote", auto_merge: false, required_contexts: [], environment: "production" },
      ...{ transient_environment: false, production_environment: true, description: "r1, promote by ada" },
    });
    assert.deepEqual(payload, {
      ...{ shiplock: 1, deployment: "d1", project: "shop", kind: "promote", release: "r1", fromRelease: null },
      ...{ who: "ada", why: "it's time", origin: "ada@laptop:~/shop", commit: COMMIT, ref: "main", createdAt: 1000 },
      images: { web: "sha256:1" },
      releaseEntry: { createdAt: 1000, payload: known.payload },
    });
  });

  test("says where the environment answers once it is live, and where the log is from the beginning", async (t) => {
    const simulator = await github(t);
    await onMachine(simulator, async (ledger) => {
      await ledger.openDeployment(deployment("d1", { state: "running" }));
    });
    await onMachine(simulator, (ledger) => move(ledger, "d1", "succeeded", "r1 is live"));
    const [began, live] = simulator.world.deployments[0]?.statuses ?? [];
    const logUrl = "https://github.com/acme/shop/actions/runs/7";
    assert.deepEqual([began?.state, began?.environmentUrl, began?.logUrl], ["in_progress", "", logUrl]);
    assert.deepEqual(
      [live?.state, live?.environmentUrl, live?.logUrl],
      ["success", "https://staging.example.com", logUrl],
    );
    assert.equal(live?.description, "succeeded: r1 is live");
  });

  test("has a status in every state, and one that ends it in every state that ends it", async (t) => {
    const simulator = await github(t);
    const shown: Record<string, string> = {};
    for (const state of Object.keys(transitions)) {
      await onMachine(simulator, async (ledger) => {
        await ledger.openDeployment(deployment(`d-${state}`, { environment: state }));
        await move(ledger, `d-${state}`, state, "because");
      });
      shown[state] = simulator.world.deployments.at(-1)?.statuses.at(-1)?.state ?? "nothing";
    }
    assert.deepEqual(shown, {
      ...{ queued: "queued", waiting: "pending", running: "in_progress", paused: "in_progress" },
      ...{ verifying: "in_progress", interrupted: "error", succeeded: "success", blocked: "error" },
      ...{ rejected: "error", cancelled: "inactive", superseded: "inactive", skipped: "inactive" },
      ...{ "rolled-back": "failure", failed: "failure" },
    });
  });

  test("is one record, whoever opens it and however often", async (t) => {
    const simulator = await github(t);
    for (let machine = 1; machine <= 3; machine += 1)
      await onMachine(simulator, async (ledger) => {
        await ledger.openDeployment(deployment("d1"));
        await ledger.openDeployment(deployment("d1"));
      });
    assert.equal(simulator.world.deployments.length, 1);
  });

  test("is one record although the answer that it was made got lost", async (t) => {
    const simulator = await github(t);
    simulator.fault({ kind: "drop", when: "after", route: "POST /repos/{owner}/{repo}/deployments" });
    await deployed(simulator, "d1", 1);
    assert.deepEqual(standing(simulator, "staging"), ["success: succeeded: r1 is live"]);
  });

  test("that has two records after all, because a lost call came through late, has one of them put aside when it is live", async (t) => {
    const simulator = await github(t);
    await onMachine(simulator, (ledger) =>
      ledger.openDeployment(deployment("d1", { state: "running" })).then(() => undefined),
    );
    const [made] = simulator.world.deployments;
    assert.ok(made !== undefined);
    simulator.world.deployments.unshift({ ...made, id: made.id - 1, statuses: [] });
    await onMachine(simulator, (ledger) => move(ledger, "d1", "succeeded", "r1 is live"));
    assert.deepEqual(standing(simulator, "staging"), [
      "success: succeeded: r1 is live",
      "inactive: succeeded: replaced by r1",
    ]);
  });

  test("is made later where GitHub could not be reached at first", async (t) => {
    const simulator = await github(t);
    simulator.fault({ kind: "drop", when: "before", route: "POST /repos/{owner}/{repo}/deployments" });
    await deployed(simulator, "d1", 1);
    assert.deepEqual(standing(simulator, "staging"), ["success: succeeded: r1 is live"]);
  });

  test("has what was said of it cut to what GitHub takes, between characters", async (t) => {
    const simulator = await github(t);
    const outcome = `it failed:\n${"𝄞".repeat(300)}`;
    await onMachine(simulator, async (ledger) => {
      await ledger.openDeployment(deployment("d1", { who: "x".repeat(300) }));
      await move(ledger, "d1", "failed", outcome);
    });
    const [only] = standing(simulator, "staging");
    assert.match(only ?? "", /^failure: failed: it failed: 𝄞+…$/u);
  });

  test("that succeeded takes the place of what was live, in production as well; what failed stays as it is", async (t) => {
    const simulator = await github(t);
    for (const environment of ["production", "staging"]) await deployed(simulator, `d1-${environment}`, 1, environment);
    await onMachine(simulator, async (ledger) => {
      await ledger.openDeployment(deployment("d2", { environment: "production", createdAt: 2000 }));
      await move(ledger, "d2", "rolled-back", "never healthy");
    });
    assert.deepEqual(standing(simulator, "production"), [
      "failure: rolled-back: never healthy",
      "success: succeeded: r1 is live",
    ]);
    await deployed(simulator, "d3", 3, "production");
    assert.deepEqual(standing(simulator, "production"), [
      "success: succeeded: r3 is live",
      "failure: rolled-back: never healthy",
      "inactive: succeeded: replaced by r3",
    ]);
    assert.deepEqual(standing(simulator, "staging"), ["success: succeeded: r1 is live"]);
  });

  test("leaves alone what others recorded for the same environment", async (t) => {
    const simulator = await github(t);
    const other = openShared(simulator, { project: "blog" });
    await other.ledger.openDeployment(deployment("d0", { project: "blog" }));
    await move(other.ledger, "d0", "succeeded", "the blog is live");
    await other.ledger.close();
    await deployed(simulator, "d1", 1);
    assert.deepEqual(standing(simulator, "staging"), [
      "success: succeeded: r1 is live",
      "success: succeeded: the blog is live",
    ]);
  });

  test("costs few calls, also on a machine that knows nothing", async (t) => {
    const simulator = await github(t);
    for (let number = 1; number <= 5; number += 1) await deployed(simulator, `d${number}`, number);
    const before = simulator.requests.length;
    await onMachine(simulator, async (ledger) => {
      assert.equal(await ledger.findDeployment("d6"), null);
      await ledger.openDeployment(deployment("d6", { createdAt: 6000 }));
      await ledger.transition({ deployment: "d6", to: "running", at: 1 });
      await until(() => simulator.world.deployments[5]?.statuses.length === 1);
      await ledger.appendLog("d6", { at: 1, source: "web", text: "hello" });
      await ledger.transition({ deployment: "d6", to: "verifying", at: 2 });
      await ledger.transition({ deployment: "d6", to: "succeeded", at: 3 });
      await ledger.unfinished("shop", "staging");
    });
    const calls = simulator.requests.slice(before).map(({ method, route }) => `${method} ${route?.split("/").at(-1)}`);
    // What there is, by itself and in its environment; the record, that it began and that it is live; what was live before, and that it is no more; and that the one before is in order.
    assert.deepEqual(calls.toSorted(), [
      ...["GET deployments", "GET deployments", "GET statuses", "GET statuses"],
      ...["POST deployments", "POST statuses", "POST statuses", "POST statuses"],
    ]);
  });
});

describe("what GitHub shows to whoever may read the repository", () => {
  test("holds no value of a secret, whoever wrote one into a reason, a commit's message or a report", async (t) => {
    const simulator = await github(t);
    const secret = "hunter2-and-more";
    const { ledger, warnings } = openShared(simulator, { secret });
    await ledger.recordRelease(release("r1", { commit: COMMIT, payload: { subject: `use ${secret}`, images: {} } }));
    await ledger.openDeployment(deployment("d1", { why: `because of ${secret}`, ref: `try-${secret}` }));
    await move(ledger, "d1", "failed", `the answer was ${secret}`);
    const run = checkRun("c1");
    const jobs = run.jobs.map((job) => ({ ...job, reason: `said ${secret}`, summary: { tests: [secret] } }));
    await ledger.recordCheckRun({ ...run, jobs });
    await ledger.close();
    assert.deepEqual(warnings, []);
    const sent = JSON.stringify(simulator.requests.map(({ body }) => body ?? null));
    assert.match(sent, /because of \*\*\*/);
    assert.ok(!sent.includes(secret));
  });
});

describe("another machine", () => {
  test("knows a deployment with its state, its release and how it ended", async (t) => {
    const simulator = await github(t);
    const known = release("r1abcdef", { commit: COMMIT });
    await onMachine(simulator, async (ledger) => {
      await ledger.recordRelease(known);
      await ledger.openDeployment(deployment("d1", { release: "r1abcdef", fromRelease: "r0", why: "it's time" }));
      await move(ledger, "d1", "rolled-back", "never healthy");
    });
    await onMachine(simulator, async (ledger) => {
      const found = await ledger.findDeployment("d1");
      assert.deepEqual(
        { ...found, startedAt: null, endedAt: null },
        {
          ...deployment("d1", { release: "r1abcdef", fromRelease: "r0", why: "it's time", state: "rolled-back" }),
          ...{ startedAt: null, endedAt: null, outcome: "never healthy" },
        },
      );
      assert.ok(found?.startedAt !== null && found?.endedAt !== null);
      assert.deepEqual(await ledger.findRelease("shop", "r1ab"), known);
      assert.deepEqual(await ledger.releasesByCommit("shop", COMMIT.slice(0, 8)), [known]);
      assert.deepEqual(await ledger.recentReleases("shop", 5), [known]);
    });
  });

  test("has the history of all of them, a page at a time, and the newest of an environment", async (t) => {
    const simulator = await github(t);
    for (let number = 1; number <= 7; number += 1)
      await deployed(simulator, `d${number}`, number, number % 3 === 0 ? "production" : "staging");
    await onMachine(simulator, async (ledger) => {
      const ids = async (before?: string, environment?: string) =>
        (
          await ledger.history({
            ...{ project: "shop", limit: 3 },
            ...(before === undefined ? {} : { before }),
            ...(environment === undefined ? {} : { environment }),
          })
        ).map(({ id, state }) => `${id} ${state}`);
      assert.deepEqual(await ids(), ["d7 succeeded", "d6 succeeded", "d5 succeeded"]);
      assert.deepEqual(await ids("d5"), ["d4 succeeded", "d3 succeeded", "d2 succeeded"]);
      assert.deepEqual(await ids("d2"), ["d1 succeeded"]);
      assert.deepEqual(await ids(undefined, "production"), ["d6 succeeded", "d3 succeeded"]);
      assert.equal((await ledger.latest("shop", "production"))?.id, "d6");
    });
  });

  test("ends a deployment that the first one left in its middle, in the same record", async (t) => {
    const simulator = await github(t);
    await onMachine(simulator, async (ledger) => {
      await ledger.openDeployment(deployment("d1"));
      await move(ledger, "d1", "running");
    });
    await onMachine(simulator, async (ledger) => {
      const open = await ledger.unfinished("shop", "staging");
      assert.deepEqual(
        open.map(({ id, state }) => `${id} ${state}`),
        ["d1 running"],
      );
      await move(ledger, "d1", "interrupted", "its runner is gone");
    });
    assert.deepEqual(standing(simulator, "staging"), ["error: interrupted: its runner is gone"]);
    await onMachine(simulator, (ledger) => move(ledger, "d1", "succeeded", "r1 is live"));
    assert.deepEqual(standing(simulator, "staging"), ["success: succeeded: r1 is live"]);
  });

  test("knows by its own ledger what it did itself, and by GitHub that somebody else has ended it", async (t) => {
    const simulator = await github(t);
    const first = openShared(simulator);
    await first.ledger.openDeployment(deployment("d1", { state: "running" }));
    await first.ledger.appendLog("d1", { at: 1, source: "web", text: "kept here" });
    await until(() => simulator.world.deployments[0]?.statuses.length === 1);
    const second = openShared(simulator);
    await second.ledger.openDeployment(deployment("d1", { state: "running" }));
    await second.ledger.transition({ deployment: "d1", to: "rolled-back", at: 5, outcome: "aborted" });
    await second.ledger.close();
    const [entry] = await first.ledger.history({ project: "shop", environment: "staging", limit: 5 });
    assert.equal(entry?.state, "rolled-back");
    assert.equal(entry?.outcome, "aborted");
    assert.equal((await first.ledger.readLog("d1")[Symbol.asyncIterator]().next()).value?.text, "kept here");
    await first.ledger.close();
    assert.equal(simulator.world.deployments.length, 1);
  });

  test("believes no record of an app that was installed for something else", async (t) => {
    const simulator = await github(t);
    const planted = {
      ...{ shiplock: 1, deployment: "d1", project: "shop", kind: "deploy", release: "r-evil", fromRelease: null },
      ...{ who: "ada", why: null, origin: "", commit: COMMIT, ref: null, createdAt: 1, images: {} },
      releaseEntry: { createdAt: 1, payload: { images: {} } },
    };
    await deployed(simulator, "d0", 1);
    const [made] = simulator.world.deployments;
    assert.ok(made !== undefined);
    const creator = { id: 99, login: "previews[bot]", type: "Bot" } as const;
    simulator.world.deployments.push({ ...made, id: made.id + 1000, payload: planted, creator, statuses: [] });
    await onMachine(simulator, async (ledger) => {
      assert.equal(await ledger.findRelease("shop", "r-evil"), null);
      assert.equal(await ledger.findDeployment("d1"), null);
      assert.equal((await ledger.findDeployment("d0"))?.state, "succeeded");
    });
  });
});

describe("a run of checks on GitHub", () => {
  test("is a check run for each job, which a person can read and another machine put together again", async (t) => {
    const simulator = await github(t);
    const run = checkRun("c1");
    await onMachine(simulator, (ledger) => ledger.recordCheckRun(run));
    const runs = [...simulator.world.checkRuns];
    assert.deepEqual(
      runs.map(({ name, conclusion, sha, title }) => `${name}: ${conclusion} on ${sha.slice(0, 6)}, ${title}`),
      [
        "shiplock / test (DB=17): failure on c0ffee, failed in 1.2 s",
        "shiplock / lint: success on c0ffee, passed before, and nothing it reads has changed",
      ],
    );
    await onMachine(simulator, async (ledger) => {
      assert.deepEqual(await ledger.checkRuns("shop", COMMIT), [run]);
      assert.deepEqual(await ledger.checkRuns("shop", "f".repeat(40)), []);
    });
  });

  test("of several jobs on several runners is known to the one that deploys", async (t) => {
    const simulator = await github(t);
    const jobs = checkRun("c1").jobs;
    for (const [index, job] of jobs.entries())
      await onMachine(simulator, (ledger) =>
        ledger.recordCheckRun(checkRun(`c${index}`, { endedAt: index, jobs: [job] })),
      );
    await onMachine(simulator, async (ledger) => {
      const found = await ledger.checkRuns("shop", COMMIT);
      assert.deepEqual(
        found.map(({ id, jobs: [job] }) => `${id} ${job?.job} ${job?.result}`),
        ["c1 lint passed", "c0 test (DB=17) failed"],
      );
    });
  });

  test("that reached GitHub only in part is not known to others, nor one of a working tree or of anybody else", async (t) => {
    const simulator = await github(t);
    const failing = openShared(simulator);
    simulator.fault({ kind: "status", status: 422, route: "POST /repos/{owner}/{repo}/check-runs", after: 1 });
    await failing.ledger.recordCheckRun(checkRun("c1"));
    await failing.ledger.close();
    assert.equal(failing.warnings.length, 1);
    await onMachine(simulator, (ledger) => ledger.recordCheckRun(checkRun("c2", { source: "tree" })));
    for (const text of ["```json\n{}\n```", "```json", '```json\n{"shiplock":1}\n```', "hello"])
      await simulator.reportCheckRun(COMMIT, {
        ...{ name: "shiplock / lint", conclusion: "success" },
        output: { title: "lint", summary: "", text },
      });
    await onMachine(simulator, async (ledger) => assert.deepEqual(await ledger.checkRuns("shop", COMMIT), []));
  });

  test("whose report is too long for GitHub goes without it", async (t) => {
    const simulator = await github(t);
    const [job] = checkRun("c1").jobs;
    assert.ok(job !== undefined);
    const long = checkRun("c1", { jobs: [{ ...job, summary: { text: "`x".repeat(40_000) } }] });
    await onMachine(simulator, (ledger) => ledger.recordCheckRun(long));
    await onMachine(simulator, async (ledger) => {
      assert.deepEqual(await ledger.checkRuns("shop", COMMIT), [checkRun("c1", { jobs: [{ ...job, summary: null }] })]);
    });
  });

  test("that an app of the team's own has written is told to be believed by nobody", async (t) => {
    const simulator = await github(t);
    const app = simulator.installApp({ permissions: { checks: "write", deployments: "write", contents: "read" } });
    const { api, repository } = simulator;
    const tokens = createInstallationTokens({
      ...{ app: String(app.id), key: app.privateKey, api, clock: systemClock, random: Math.random },
      hide: () => undefined,
    });
    const permissions = { checks: "write", deployments: "write" } as const;
    const token = await tokens.token(repository, permissions, { signal: new AbortController().signal });
    for (const write of [
      (ledger: Ledger) => ledger.recordCheckRun(checkRun("c1")),
      (ledger: Ledger) => ledger.openDeployment(deployment("d1")),
    ]) {
      const { ledger, warnings } = openShared(simulator, { token });
      await write(ledger);
      await ledger.close();
      assert.match(warnings.join("\n"), /^the token is one of an app, [^\n]*take the token of the workflow's run/);
    }
    await onMachine(simulator, async (ledger) => assert.deepEqual(await ledger.checkRuns("shop", COMMIT), []));
  });

  test("with hostile words in it shows them as words", async (t) => {
    const simulator = await github(t);
    const [job] = checkRun("c1").jobs;
    assert.ok(job !== undefined);
    const reason = "<img src=x> [a](http://evil) `rm` ```json @ada";
    const hostile = checkRun("c1", { who: "```\n<b>", jobs: [{ ...job, reason }] });
    await onMachine(simulator, (ledger) => ledger.recordCheckRun(hostile));
    const { summary = "", text = "" } = simulator.world.checkRuns[0] ?? {};
    assert.doesNotMatch(summary ?? "", /<img|\]\(|@ada/);
    assert.equal((text ?? "").split("```").length, 3);
    await onMachine(simulator, async (ledger) => assert.deepEqual(await ledger.checkRuns("shop", COMMIT), [hostile]));
  });
});

describe("GitHub that is ill", () => {
  test("is no error for who writes history, and told once", async (t) => {
    const simulator = await github(t);
    simulator.fault({ kind: "status", status: 503, times: 1000 });
    const { ledger, warnings } = openShared(simulator, { impatience: 100 });
    await ledger.openDeployment(deployment("d1"));
    await move(ledger, "d1", "succeeded", "r1 is live");
    await ledger.recordCheckRun(checkRun("c1"));
    assert.equal((await ledger.history({ project: "shop", limit: 5 }))[0]?.state, "succeeded");
    assert.equal((await ledger.checkRuns("shop", COMMIT)).length, 1);
    await ledger.close();
    assert.equal(warnings.length, 1);
    assert.match(warnings[0] ?? "", /GitHub answered 503/);
  });

  test("is told in the end what it could not be told in the middle", async (t) => {
    const simulator = await github(t);
    await deployed(simulator, "d1", 1);
    simulator.fault({
      kind: "status",
      status: 502,
      route: "POST /repos/{owner}/{repo}/deployments/{deployment_id}/statuses",
    });
    await deployed(simulator, "d2", 2);
    assert.deepEqual(standing(simulator, "staging"), [
      "success: succeeded: r2 is live",
      "inactive: succeeded: replaced by r2",
    ]);
  });

  test("that does not answer is waited for a bounded time, with the question and at the end", async (t) => {
    const simulator = await github(t);
    simulator.fault({ kind: "delay", milliseconds: 60_000, times: 1000 });
    const { ledger, warnings } = openShared(simulator, { impatience: 100 });
    await ledger.openDeployment(deployment("d1"));
    const began = performance.now();
    assert.equal((await ledger.history({ project: "shop", limit: 5 })).length, 1);
    await ledger.close();
    assert.ok(performance.now() - began < 2000);
    assert.match(warnings.join("\n"), /^no answer within 12 s$/);
  });

  test("is waited for once by all parts of a command, and asked again later", async (t) => {
    const simulator = await github(t);
    simulator.fault({ kind: "delay", milliseconds: 60_000, times: 1000 });
    const silence = { until: 0 };
    const first = openShared(simulator, { impatience: 100, silence });
    await first.ledger.checkRuns("shop", COMMIT);
    await first.ledger.close();
    assert.equal(first.warnings.length, 1);
    const asked = simulator.requests.length;
    const second = openShared(simulator, { impatience: 100, silence });
    await second.ledger.checkRuns("shop", COMMIT);
    await second.ledger.recentReleases("shop", 5);
    assert.equal(simulator.requests.length, asked);
    silence.until = 0;
    await second.ledger.checkRuns("shop", COMMIT);
    assert.equal(simulator.requests.length, asked + 1);
    await second.ledger.close();
  });

  test("that gives the token too little says which call it refused, and keeps nothing from being recorded here", async (t) => {
    const simulator = await github(t);
    const token = simulator.token({ contents: "read", deployments: "read", checks: "read" });
    const { ledger, warnings } = openShared(simulator, { token });
    await ledger.recordCheckRun(checkRun("c1"));
    await ledger.openDeployment(deployment("d1"));
    await ledger.close();
    assert.equal(warnings.length, 1);
    assert.match(
      warnings[0] ?? "",
      /403 .*check-runs\): Resource not accessible.*give the job `deployments: write` and `checks: write`/,
    );
  });

  test("that does not have the commit says so; the deployment is recorded here", async (t) => {
    const simulator = await startGitHubSimulator();
    t.after(() => simulator.close());
    const { ledger, warnings } = openShared(simulator);
    await ledger.openDeployment(deployment("d1"));
    await ledger.close();
    assert.match(warnings.join("\n"), /422 .*No ref found/);
  });
});
