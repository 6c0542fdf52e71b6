import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type GitHubSimulator, startGitHubSimulator } from "../../packages/github-simulator/src/index.ts";
import { gatesOf, remembered, whatWasTold } from "../../src/cli/ask-gates.ts";
import { requestFor } from "../../src/cli/request-for.ts";
import type { Config } from "../../src/config/types.ts";
import { earlyTicket } from "../../src/deploy/early.ts";
import type { Question } from "../../src/deploy/request.ts";
import { makeChecklist } from "../../src/environments/checklist.ts";
import { obstacles } from "../../src/environments/gates/judge.ts";
import { flawOf } from "../../src/environments/gates/reviewers.ts";
import type { CodeFacts, Judgement } from "../../src/environments/gates/types.ts";
import type { Commit } from "../../src/release/source.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { approval, noon, request, stateWith } from "../environments/gates/facts.ts";
import { recordOf } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { configWith, type LiveEnvironment, withLiveEnvironment } from "./live-environment.ts";

const live = shop("v1", { migration: false });
const next = shop("v2", { migration: false });

describe("gates on what GitHub knows", () => {
  let fleet: SocketFleet;
  let folder: string;
  let github: GitHubSimulator;

  before(async () => {
    fleet = await openSocketFleet();
    folder = await mkdtemp(join(tmpdir(), "shiplock-github-gates-"));
    github = await startGitHubSimulator();
    await github.push("main", { message: "First" });
    for (const login of ["ada", "grace"]) github.person(login);
  });
  after(async () => {
    await fleet.close();
    await rm(folder, { recursive: true });
    await github.close();
  });

  function withLive<T>(token: string, work: (live: LiveEnvironment) => Promise<T>): Promise<T> {
    const env = { GITHUB_TOKEN: token, ...(token === "" ? {} : { GITHUB_REPOSITORY: "acme/shop" }) };
    return withLiveEnvironment({ fleet, folder, env }, [live, next], work);
  }

  function configOf(...gates: readonly string[]): Config {
    return configWith(gates, `github: { repository: acme/shop, api: "${github.api}" }\n`);
  }

  function commitOf(hash: string): Commit {
    return { hash, time: "2026-11-20T10:00:00Z", subject: "x", ref: "main", refKind: "branch" };
  }

  /** Asks all gates about a release of a commit, as a request that waits or acts does. */
  async function asking({ session, context, world }: LiveEnvironment, config: Config, commit: string) {
    const environment = config.environments["production"];
    const state = (await recordOf(world))?.state;
    assert.ok(environment !== undefined && state !== undefined);
    const actor = { name: "ada", aliases: [], source: "local" } as const;
    const ask = gatesOf(context, { config, environment, session, kind: "deploy", actor, given: [] });
    const document: ReleaseDocument = { ...next, release: { ...next.release, commit } };
    return {
      document,
      state,
      ask: (moment: Question["moment"], more: Parameters<typeof request>[0] = {}): Promise<Judgement> =>
        ask({ moment, state, document, previous: live, ticket: request({ commit, ...more }) }),
    };
  }

  function wordsOf(judgement: Judgement): string[] {
    return obstacles(judgement).map(({ gate, reason }) => `${gate}: ${reason}`);
  }

  it("a status that is required and missing ends the command with 3 before anything is built, and says what would let it through", async () => {
    const commit = await github.push("main", { message: "Unchecked" });
    await withLive(github.token(), async ({ early, said }) => {
      const config = configOf("statuses: [test, lint]");
      await github.reportCheckRun(commit, { name: "lint", conclusion: "success" });
      assert.equal(await early(config, {}, commitOf(commit)), 3);
      const { error } = JSON.parse(said.join("")) as { error: { code: string; message: string; remedy: string } };
      assert.equal(error.code, "gate/statuses");
      assert.match(error.message, /test is missing$/);
      assert.match(error.remedy, /push the commit/);
      await github.reportStatus(commit, { context: "test", state: "success" });
      assert.equal(await early(config, {}, commitOf(commit)), -1);
    });
  });

  it("a status that turned red while a request waited stops it when it is about to act", async () => {
    const commit = await github.push("main", { message: "Turns red" });
    await github.reportStatus(commit, { context: "test", state: "success" });
    await withLive(github.token(), async (environment) => {
      const { ask, document, state } = await asking(environment, configOf("statuses: test"), commit);
      const passed = await ask("request");
      assert.deepEqual(wordsOf(passed), []);
      const rows = makeChecklist({
        ...{ kind: "deploy", judgement: passed, document, previous: null, state, seen: null },
        ...{ migratedBefore: null, wayBackLacks: [], shortages: [] },
      });
      assert.match(rows.find(({ item }) => item === "checks")?.text ?? "", /^test succeeded for commit/);
      await github.reportStatus(commit, { context: "test", state: "failure" });
      assert.deepEqual(wordsOf(await ask("request")), [], "it is not asked again every moment");
      assert.match(wordsOf(await ask("acting")).join(), /^statuses: .*test is failed$/);
    });
  });

  it("a GitHub that does not answer sends nobody away who waits: what it said last stands until then", async () => {
    const state = stateWith({});
    const question: Question = { moment: "request", state, document: next, previous: null, ticket: request() };
    const passed = [{ name: "test", state: "success" as const, url: null }];
    const nothing: CodeFacts = { statuses: null, workflows: null, origins: null };
    const answers: CodeFacts[] = [
      { ...nothing, statuses: passed },
      { ...nothing, statuses: { unreachable: "no answer" }, origins: { unreachable: "no answer" } },
    ];
    const every = { first: 0, later: 0 };
    const ask = remembered(async () => answers.shift() ?? nothing, { every, keep: whatWasTold });
    await ask(question);
    assert.deepEqual(await ask(question), { ...nothing, statuses: passed, origins: { unreachable: "no answer" } });
  });

  it("a GitHub that does not answer lets nobody begin", async () => {
    const commit = await github.push("main", { message: "Waits" });
    await github.reportStatus(commit, { context: "test", state: "success" });
    await withLive(github.token(), async (environment) => {
      const { ask } = await asking(environment, configOf("statuses: test"), commit);
      assert.deepEqual(wordsOf(await ask("request")), []);
      github.fault({ route: "GET /repos/{owner}/{repo}/commits/{ref}/status", kind: "status", status: 401 });
      assert.match(wordsOf(await ask("acting")).join(), /^statuses: the statuses of commit \w+ are unknown: GitHub/);
    });
  });

  it("without a token nothing passes that GitHub has to be asked about, and what to set is said", async () => {
    await withLive("", async ({ early, said }) => {
      assert.equal(await early(configOf("statuses: test"), {}, commitOf("a".repeat(40))), 3);
      assert.match(said.join(""), /there is no token for acme\/shop: GITHUB_TOKEN has no value here/);
    });
  });

  it("where no gate depends on it GitHub is not asked, and neither for a rollback", async () => {
    const before = github.requests.length;
    await withLive(github.token(), async (environment) => {
      assert.equal(await environment.early(configOf("branches: main"), {}, commitOf("a".repeat(40))), -1);
      const config = configOf("statuses: test", "reviewed: true");
      const production = config.environments["production"];
      const state = (await recordOf(environment.world))?.state;
      assert.ok(production !== undefined && state !== undefined);
      const { session, context } = environment;
      const actor = { name: "ada", aliases: [], source: "local" } as const;
      const ask = gatesOf(context, { config, environment: production, session, kind: "rollback", actor, given: [] });
      const judged = await ask({ moment: "acting", state, document: next, previous: live, ticket: request() });
      assert.deepEqual(wordsOf(judged), []);
    });
    assert.equal(github.requests.length, before);
  });

  it("a commit that nobody has reviewed is not built; the merge of an approved pull request is", async () => {
    const pushed = await github.push("main", { message: "Past everybody" });
    const head = await github.push("basket", { message: "Add a basket", files: { "basket.txt": "1" }, by: "ada" });
    const { number } = await github.openPullRequest({ head: "basket", by: "ada" });
    await github.review(number, { by: "grace", state: "APPROVED" });
    const made = await github.merge(number, { by: "ada", method: "squash" });
    await withLive(github.token(), async ({ early, said }) => {
      const config = configOf("reviewed: true");
      assert.equal(await early(config, {}, commitOf(pushed)), 3);
      assert.match(said.join(""), /came through no merged pull request/);
      assert.equal(await early(config, {}, commitOf(made)), -1);
      assert.equal(await early(config, {}, commitOf(head)), -1);
    });
  });

  it("what comes by itself when the team's own workflow has passed is skipped until then, whoever started it", async () => {
    const commit = await github.push("main", { message: "Is being tested" });
    const run = await github.startRun({ workflow: "CI", ref: commit });
    await withLive(github.token(), async ({ early, said }) => {
      const config = configOf("on: { push: main, checks: CI }");
      assert.equal(await early(config, { automatic: true }, commitOf(commit)), 0);
      assert.match(said.join(""), /once CI passed for commit \w+: CI is pending/);
      await github.endRun(run.id, "success");
      assert.equal(await early(config, { automatic: true }, commitOf(commit)), -1);
      assert.equal(await early(config, {}, commitOf("a".repeat(40))), -1, "by hand nobody asks for it");
    });
  });

  it("who starts a workflow's run once more asks for it, and so did who had it going first: neither reviews it", async () => {
    const env = { GITHUB_ACTIONS: "true", GITHUB_TRIGGERING_ACTOR: "grace", GITHUB_ACTOR: "linus" };
    await withLiveEnvironment({ fleet, folder, env }, [live, next], async ({ session, context }) => {
      const config = configOf("reviewers: [grace, linus, ada]");
      const environment = config.environments["production"];
      assert.ok(environment !== undefined);
      const asked = await requestFor(context, config, environment, session, "deploy", {});
      const ticket = earlyTicket(asked, commitOf("a".repeat(40)), new Date());
      assert.deepEqual(
        ticket.requesters.map(({ name, source }) => [name, source]),
        [
          ["grace", "github"],
          ["linus", "github"],
        ],
      );
      const reviewers = environment.gates.reviewers;
      assert.ok(reviewers !== undefined);
      const flaws = ["grace", "linus", "ada"].map((name) =>
        flawOf(approval({ name, aliases: [], source: "github" }, { subject: ticket.subject }), reviewers, ticket, noon),
      );
      assert.deepEqual(
        flaws.map((flaw) => flaw === null),
        [false, false, true],
      );
    });
  });
});
