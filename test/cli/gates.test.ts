import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { gatesOf, remembered } from "../../src/cli/ask-gates.ts";
import { withConfirmation } from "../../src/cli/confirmation.ts";
import { type CommandContext, openHistory } from "../../src/cli/context.ts";
import { lookAt, lookForCommit } from "../../src/cli/earlier-environments.ts";
import { createOutput } from "../../src/cli/output.ts";
import { rollbackRequest } from "../../src/cli/rollback-request.ts";
import type { Config } from "../../src/config/types.ts";
import { unbuilt } from "../../src/deploy/early.ts";
import type { Question } from "../../src/deploy/request.ts";
import { obstacles } from "../../src/environments/gates/judge.ts";
import type { CheckRunEntry } from "../../src/ledger/types.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import type { TargetSession } from "../../src/targets/types.ts";
import { request } from "../environments/gates/facts.ts";
import { recordOf } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import type { World } from "../fakes/world.ts";
import { configWith, type LiveEnvironment, withLiveEnvironment } from "./live-environment.ts";

const first = shop("v1", { migration: false });
const second = shop("v2", { migration: false });
const asked = { hash: second.release.commit, time: second.release.commitTime, subject: "x" };

/** The configuration of the fakes' environment, with gates. */
const configOf = (...gates: readonly string[]): Config => configWith(gates);

describe("gates on the facts of an environment", () => {
  let fleet: SocketFleet;
  let folder: string;
  let said: readonly string[];
  let askEarly: LiveEnvironment["early"];
  let context: CommandContext;
  let world: World;

  before(async () => {
    fleet = await openSocketFleet();
    folder = await mkdtemp(join(tmpdir(), "shiplock-gates-"));
  });
  after(async () => {
    await fleet.close();
    await rm(folder, { recursive: true });
  });

  /** Works with a session on an environment in which the first release is live, of the branch `feature/x` and by hand. */
  async function withLive<T>(work: (session: TargetSession) => Promise<T>): Promise<T> {
    return withLiveEnvironment({ fleet, folder }, [first, second], async (live) => {
      ({ said, context, world, early: askEarly } = live);
      return work(live.session);
    });
  }

  const early = (config: Config, flags: Record<string, boolean>, ref = "main") =>
    askEarly(config, flags, { ...asked, ref, refKind: "branch" });

  it("what comes by itself is skipped before anything is built, is no failure, and is kept by environment and machine", async () => {
    await withLive(async () => {
      const config = configOf("on: { push: main }", "guard: true");
      assert.equal(await early(config, { automatic: true }), 0);
      const told = JSON.parse(said.join("")) as { state: string; outcome: string; deployment: string };
      assert.equal(told.state, "skipped");
      assert.match(told.outcome, /^held by feature\/x, ada, since /);
      const [entry] = (await recordOf(world))?.state.deployments ?? [];
      assert.deepEqual([entry?.deployment, entry?.state, entry?.release], [told.deployment, "skipped", unbuilt]);
      const ledger = await openHistory(context);
      const kept = await ledger.findDeployment(told.deployment);
      const answers = await ledger.gateAnswers(told.deployment).finally(() => ledger.close());
      assert.deepEqual([kept?.state, kept?.outcome], ["skipped", told.outcome]);
      assert.equal(answers.find(({ gate }) => gate === "guard")?.answer, "block");
    });
  });

  it("what a gate blocks by hand ends with 3 before anything is built, and with all that would unblock it", async () => {
    await withLive(async () => {
      const config = configOf("branches: main", "confirm: true");
      assert.equal(await early(config, {}, "feature/y"), 3);
      const { error } = JSON.parse(said.join("")) as { error: { code: string; remedy: string; details: string[] } };
      assert.equal(error.code, "gate/branches");
      assert.match(error.details.join(), /confirm: .*add --confirm production/);
      assert.equal((await recordOf(world))?.state.live?.release, "r-v1");
    });
  });

  it("what no gate blocks leaves no trace before it is built", async () => {
    await withLive(async () => {
      const before = await recordOf(world);
      assert.equal(await early(configOf("on: { push: main }", "guard: true"), {}), -1);
      assert.deepEqual(await recordOf(world), before);
      assert.deepEqual(said, []);
    });
  });

  it("while a request waits for an hour, other hosts are connected to ever less often; before it acts, always", async () => {
    await withLive(async (session) => {
      const state = (await recordOf(world))?.state;
      assert.ok(state !== undefined);
      const question: Question = { moment: "request", state, document: second, previous: first, ticket: request() };
      let now = 0;
      const looks: number[] = [];
      const ask = remembered(async () => looks.push(now), {}, { elapsed: () => now });
      for (; now < 3_600_000; now += 2_000) await ask(question);
      assert.ok(looks.filter((at) => at < 60_000).length >= 10, "at first it is looked every few seconds");
      assert.ok(looks.length < 150, `${looks.length} connections in an hour`);
      assert.ok(looks.every((at, index) => at - (looks[index - 1] ?? 0) <= 62_000));
      const before = looks.length;
      await ask({ ...question, moment: "acting" });
      await ask({ ...question, moment: "acting" });
      assert.equal(looks.length, before + 2);
      assert.equal(session.skipped.length, 0);
    });
  });

  it("a rollback that had to wait goes back from what its asker saw, or from nothing; by a name it goes there whatever is live", async () => {
    await withLive(async (session) => {
      const config = configOf();
      const environment = config.environments["production"];
      const before = (await recordOf(world))?.state;
      assert.ok(environment !== undefined && before?.live !== undefined && before.live !== null);
      const { live } = before;
      const seen = { ...before, live: { ...live, release: "r-bad", deployment: "d-bad" } };
      const since = { ...seen, live: { ...seen.live, release: "r-new", deployment: "d-new" } };
      const asking = (to: string | null) => rollbackRequest(context, config, environment, session, {}, to);
      const request = await asking(null);
      assert.equal((await request.choose(seen, null)).document.release.id, "r-v1");
      assert.equal((await request.choose(seen, null)).document.release.id, "r-v1");
      await assert.rejects(request.choose(since, null), { code: "rollback/moved-on", blame: "gate" });
      const named = await asking("r-v1");
      await named.choose(seen, null);
      assert.equal((await named.choose(since, null)).document.release.id, "r-v1");
    });
  });

  it("a release that an emergency brought past its checks is asked for them by whoever deploys it again as none", async () => {
    await withLive(async (session) => {
      const config = configOf();
      const production = config.environments["production"];
      const state = (await recordOf(world))?.state;
      assert.ok(production !== undefined && state !== undefined);
      const emergencies = { passes: ["checks" as const], reviewWithinMs: 1_000 };
      const environment = { ...production, gates: { ...production.gates, emergency: emergencies } };
      const checks = { definitions: "sha256:checks", passed: [], missing: ["test"], at: "2026-11-20T08:00:00Z" };
      const document: ReleaseDocument = { ...second, release: { ...second.release, checks } };
      const actor = { name: "ada", aliases: [], source: "local" as const };
      const ask = gatesOf(context, { config, environment, session, kind: "deploy", actor, given: [] });
      const { options } = request();
      const judged = (emergency: string | null) =>
        ask({
          ...{ moment: "acting", state, document, previous: first },
          ticket: request({ commit: document.release.commit, options: { ...options, emergency } }),
        });
      const [obstacle] = obstacles(await judged(null));
      assert.deepEqual([obstacle?.gate, obstacle?.answer], ["checks", "block"]);
      const passed = (await judged("the shop is down")).passedByEmergency;
      assert.deepEqual(
        passed.map(({ gate }) => gate),
        ["checks"],
      );
    });
  });

  it("a check that turned red after the release was made stops it at the moment of acting, for good", async () => {
    await withLive(async (session) => {
      const config = configOf();
      const environment = config.environments["production"];
      assert.ok(environment !== undefined);
      const checks = { definitions: "sha256:checks", passed: ["test"], at: "2026-11-20T08:00:00Z" };
      const document: ReleaseDocument = { ...second, release: { ...second.release, checks } };
      const given = [{ at: 0, gate: "checks", answer: "pass" as const, reason: "test passed", payload: null }];
      const ask = gatesOf(context, {
        config,
        environment,
        session,
        kind: "deploy",
        actor: { name: "ada", aliases: [], source: "local" },
        given,
      });
      const state = (await recordOf(world))?.state;
      assert.ok(state !== undefined);
      const question = (moment: Question["moment"]): Question => ({
        ...{ moment, state, document, previous: first },
        ticket: request({ commit: document.release.commit, release: document.release.id }),
      });
      assert.deepEqual(obstacles(await ask(question("request"))), []);
      assert.deepEqual(obstacles(await ask(question("acting"))), []);

      const ledger = await openHistory(context);
      await ledger.recordCheckRun(redRun(document.release.commit)).finally(() => ledger.close());
      for (const moment of ["acting", "request"] as const) {
        const against = obstacles(await ask(question(moment)));
        assert.deepEqual(
          against.map(({ gate, answer }) => [gate, answer]),
          [["checks", "block"]],
        );
        assert.match(against[0]?.reason ?? "", /test failed/);
      }
    });
  });

  it("another environment says what runs there, whether it is the same, and what ails", async () => {
    await withLive(async (session) => {
      assert.deepEqual((await seen(session, first)).same, ["r-v1"]);
      assert.deepEqual((await seen(session, second)).same, []);
      assert.deepEqual((await seen(session, first)).ailing, []);
      for (const { release } of [first, second]) {
        const found = await lookForCommit(session, release.commit);
        assert.deepEqual("same" in found ? found.same : null, release === first.release ? ["r-v1"] : []);
      }
      const container = world.containers("one").find(({ name }) => /-web-/.test(name));
      assert.ok(container !== undefined);
      world.fake.machine("one").engine.containers.delete(container.id);
      assert.match((await seen(session, first)).ailing.join(), /^one: /);
      // What ails there is no word about a release that is not there.
      assert.deepEqual((await seen(session, second)).ailing, []);
    });
  });
});

async function seen(session: TargetSession, { release }: ReleaseDocument) {
  const found = await lookAt(session, release);
  assert.ok(!("unreachable" in found));
  return found;
}

function redRun(commit: string): CheckRunEntry {
  return {
    ...{ id: "run-1", project: "shop", commit, source: "commit", definitions: "sha256:checks" },
    ...{ who: "ada", origin: "laptop", startedAt: 1, endedAt: 2, result: "failed" },
    jobs: [
      {
        ...{ job: "test", check: "test", result: "failed", cached: false, required: true },
        ...{ durationMs: 1, reason: null, summary: null },
      },
    ],
  };
}

describe("the typed confirmation in a terminal", () => {
  const silent = { write: () => true };
  const output = createOutput({ json: true, stdout: silent, stderr: silent, environment: {} });
  const signal = new AbortController().signal;
  const context: CommandContext = { options: {}, cwd: "/", env: {}, output, signal, commandLine: "" };
  const [protectedOne, open] = [configOf("confirm: true"), configOf()].map((each) => each.environments["production"]);
  assert.ok(protectedOne !== undefined && open !== undefined);

  /** What would be typed; counts how often it was asked for. */
  function typing(text: string) {
    const asked: string[] = [];
    const ask = () => ({
      text: async (question: string) => {
        asked.push(question);
        return text;
      },
      yes: async () => false,
      close: () => void asked.push("closed"),
    });
    return { asked, ask };
  }

  it("is asked for once where the environment wants it, and goes on as if it had been a flag", async () => {
    const { asked, ask } = typing("production");
    assert.deepEqual(await withConfirmation(context, protectedOne, { ref: "main" }, ask), {
      ref: "main",
      confirm: "production",
    });
    assert.deepEqual(asked, ["type production to confirm that it shall be changed", "closed"]);
  });

  it("is not asked for where nobody wants it, where it was said, where nobody asked for the deployment, and outside of a terminal", async () => {
    const { asked, ask } = typing("production");
    await withConfirmation(context, open, {}, ask);
    await withConfirmation(context, protectedOne, { confirm: "prod" }, ask);
    await withConfirmation(context, protectedOne, { automatic: true }, ask);
    assert.deepEqual(await withConfirmation(context, protectedOne, {}), {});
    assert.deepEqual(asked, []);
  });
});
