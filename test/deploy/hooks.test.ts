import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import type { Hooks } from "../../src/deploy/hooks/types.ts";
import type { HookRunner } from "../../src/deploy/hooks/worker.ts";
import type { DeploymentEvent, HookSetup } from "../../src/deploy/request.ts";
import { ShiplockError } from "../../src/errors.ts";
import { allAtOnce, type Deployer, secretValue, startDeployer } from "../fakes/deployer.ts";
import {
  type FakeHooks,
  fakeHooks,
  type HookBehaviour,
  hookOf,
  noHooks,
  oneEverywhere,
  setupOf,
} from "../fakes/hooks.ts";
import { recordOf } from "../fakes/look.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { restore, type World, type WorldSnapshot } from "../fakes/world.ts";
import { assertBack, assertForward, firstLive, type Variant } from "./cuts.ts";

const variant: Variant = {
  strategy: allAtOnce,
  history: [shop("v1")],
  after: shop("v2"),
  atLeast: { web: 2, api: 1 },
};

let fleet: SocketFleet;
let live: WorldSnapshot;
before(async () => {
  fleet = await openSocketFleet();
  live = await firstLive(fleet, variant);
});
after(() => fleet.close());

/** A world in which the first version is live, and how the hooks of whoever works on it behave, by name. */
function scene(behaviours: Readonly<Record<string, HookBehaviour>> = {}): { world: World; runner: FakeHooks } {
  return {
    world: restore(fleet, [...variant.history, variant.after], live),
    runner: fakeHooks(({ name }) => behaviours[name]),
  };
}

async function work<T>(world: World, hooks: HookSetup, act: (deployer: Deployer) => Promise<T>): Promise<T> {
  const deployer = await startDeployer(world, { hooks });
  try {
    return await act(deployer);
  } finally {
    await deployer.close();
  }
}

const namesOf = (runner: FakeHooks): string[] => runner.calls.map(({ hook }) => hook.name);
const deployed = (deployer: Deployer) => deployer.deploy(variant.after);

/** What a person reads of the steps: `done …`, `noted …` where the deployment goes on all the same, `failed …`, and lines. */
function told(events: readonly DeploymentEvent[]): string[] {
  return events.flatMap((event) => {
    if (event.kind !== "step" || event.event.step.action.kind !== "hook") return [];
    const { kind, step, text, evidence } = event.event;
    if (kind === "step-log") return [`${step.id}: ${text}`];
    if (kind === "step-done")
      return [`${evidence?.failed === true ? "noted" : "done"} ${step.id}: ${evidence?.summary}`];
    return kind === "step-failed" ? [`failed ${step.id}: ${text}`] : [];
  });
}

describe("hooks of a deployment", () => {
  it("run at their points, in order, and one for a failure does not run when there was none", async () => {
    const { world, runner } = scene();
    const seen: string[] = [];
    const watching: HookRunner = {
      run: async (call, run) => {
        const state = (await recordOf(world))?.state;
        const answers = world.street.visit("one", "shop.example.com", "/").status;
        seen.push(
          `${call.hook.name}: ${state?.live?.release} live, ${state?.operation === null ? "closed" : "open"}, ${answers}`,
        );
        return runner.run(call, run);
      },
    };
    const outcome = await work(world, setupOf(watching, oneEverywhere), deployed);
    assert.equal(outcome.state, "succeeded", String(outcome.error?.stack));
    assert.equal(outcome.wantsRollback, undefined);
    assert.deepEqual(seen, [
      "before: r-v1 live, open, 200",
      "beforeTraffic: r-v1 live, open, 200",
      "afterTraffic: r-v1 live, open, 200",
      "after: r-v2 live, open, 200",
    ]);
    await assertForward(world, variant, "with hooks");
  });

  it("are told what the deployment is, and each gets the secrets that it names and no others", async () => {
    const { world, runner } = scene();
    const hooks: Partial<Hooks> = {
      before: [hookOf("one", { secrets: ["TOKEN_A"], environment: { COLOUR: "green" } }), hookOf("two")],
      after: [hookOf("last", { onFailure: "continue" })],
    };
    const outcome = await work(world, setupOf(runner, hooks, { TOKEN_A: "a-value", TOKEN_B: "b-value" }), deployed);
    assert.equal(outcome.state, "succeeded");
    const [one, two, last] = runner.calls.map(({ variables }) => variables);
    assert.deepEqual(one, {
      COLOUR: "green",
      TOKEN_A: "a-value",
      SHIPLOCK_PROJECT: "shop",
      SHIPLOCK_ENVIRONMENT: "production",
      SHIPLOCK_DEPLOYMENT: "d-2",
      SHIPLOCK_KIND: "deploy",
      SHIPLOCK_RELEASE: "r-v2",
      SHIPLOCK_PREVIOUS_RELEASE: "r-v1",
      SHIPLOCK_COMMIT: variant.after.release.commit,
      SHIPLOCK_REF: "main",
      SHIPLOCK_WHO: "ada",
      SHIPLOCK_REASON: "",
      SHIPLOCK_POINT: "before",
      SHIPLOCK_HOSTS: "one two",
      SHIPLOCK_URL: "",
      SHIPLOCK_STATE: "running",
      SHIPLOCK_OUTCOME: "",
    });
    assert.deepEqual([two?.["TOKEN_A"], two?.["COLOUR"], two?.["SHIPLOCK_STATE"]], [undefined, undefined, "running"]);
    assert.deepEqual([last?.["SHIPLOCK_STATE"], last?.["SHIPLOCK_OUTCOME"]], ["succeeded", "r-v2 is live"]);
  });

  it("write into the log of their step, without the values of secrets", async () => {
    const { world, runner } = scene({ one: { lines: [`the key is ${secretValue}`] } });
    const lines = await work(world, setupOf(runner, { before: [hookOf("one")] }), async (deployer) => {
      await deployer.deploy(variant.after);
      return told(deployer.events);
    });
    assert.match(lines.join("\n"), /hook-before-1: the key is (?!.*s3cret)/);
    assert.ok(lines.includes("done environment/hook-before-1: passed"), lines.join("\n"));
  });

  it("whose secrets are missing stop the deployment before anything is touched", async () => {
    const { world, runner } = scene();
    const hooks = { before: [hookOf("one", { secrets: ["A"] })], afterFailure: [hookOf("late", { secrets: ["B"] })] };
    await assert.rejects(work(world, setupOf(runner, hooks), deployed), {
      code: "secrets/missing",
      message: /missing: A, B/,
    });
    assert.deepEqual(namesOf(runner), []);
  });

  for (const point of ["before", "beforeTraffic", "afterTraffic"] as const) {
    it(`that fail ${point} with stop take everything back, and the hooks for a failure run with its outcome`, async () => {
      const { world, runner } = scene({ [point]: { lines: ["no good"], end: 7 } });
      const outcome = await work(world, setupOf(runner, oneEverywhere), deployed);
      assert.equal(outcome.state, "rolled-back");
      assert.equal(outcome.error?.code, "hook/failed");
      assert.equal(outcome.error?.message, `the hook "${point}" (${point}) failed: exit code 7`);
      assert.deepEqual(outcome.error?.details, ["no good"]);
      assert.equal(namesOf(runner).at(-1), "afterFailure");
      const variables = runner.calls.at(-1)?.variables;
      assert.equal(variables?.["SHIPLOCK_STATE"], "rolled-back");
      assert.match(variables?.["SHIPLOCK_OUTCOME"] ?? "", /exit code 7; everything is as it was: r-v1 serves/);
      await assertBack(world, variant, point, "rolled-back");
    });
  }

  it("that fail with continue are noted, whatever it was, and the deployment goes on", async () => {
    const { world, runner } = scene({
      before: { end: 1 },
      beforeTraffic: { end: "hangs" },
      afterTraffic: { end: "missing" },
    });
    const going = (name: string) => [hookOf(name, { onFailure: "continue", timeoutMs: 20 })];
    const hooks = {
      before: going("before"),
      beforeTraffic: going("beforeTraffic"),
      afterTraffic: going("afterTraffic"),
    };
    const lines = await work(world, setupOf(runner, hooks), async (deployer) => {
      assert.equal((await deployer.deploy(variant.after)).state, "succeeded");
      return told(deployer.events);
    });
    assert.deepEqual(lines, [
      'noted environment/hook-before-1: the hook "before" (before) failed: exit code 1; the deployment goes on',
      'noted environment/hook-beforeTraffic-1: the hook "beforeTraffic" (beforeTraffic) did not end within 0.02 s and was stopped; the deployment goes on',
      'noted environment/hook-afterTraffic-1: the hook "afterTraffic" (afterTraffic): the program is not installed here; the deployment goes on',
    ]);
  });

  it("that are stopped by Ctrl-C stop the deployment, also with continue", async () => {
    const { world, runner } = scene({ one: { lines: ["begun"], end: "hangs" } });
    const stop = new AbortController();
    const interrupting: HookRunner = {
      run: (call, run) => runner.run(call, { ...run, log: () => stop.abort("SIGINT") }),
    };
    const hooks = setupOf(interrupting, { beforeTraffic: [hookOf("one", { onFailure: "continue" })] });
    const outcome = await work(world, hooks, (deployer) => deployer.deploy(variant.after, { signal: stop.signal }));
    assert.equal(outcome.state, "rolled-back");
    await assertBack(world, variant, "interrupted", "rolled-back");
  });

  it("after success that fail with rollback let the deployment end, and say that another has to follow", async () => {
    const { world, runner } = scene({ after: { end: 1 } });
    const hooks = setupOf(runner, { after: [hookOf("after", { onFailure: "rollback" })] });
    const outcome = await work(world, hooks, deployed);
    assert.equal(outcome.state, "succeeded");
    assert.match(outcome.wantsRollback ?? "", /the hook "after" \(after\) failed: exit code 1; a rollback is wanted/);
    await assertForward(world, variant, "wants a rollback");
  });

  it("of a rollback never begin another one", async () => {
    const { world, runner } = scene({ after: { end: 1 } });
    const quiet = fakeHooks();
    await work(world, setupOf(quiet, {}), deployed);
    const hooks = setupOf(runner, { after: [hookOf("after", { onFailure: "rollback" })] });
    const outcome = await work(world, hooks, (deployer) => deployer.rollback(null, { deployment: "d-3" }));
    assert.deepEqual([outcome.state, outcome.release, outcome.wantsRollback], ["succeeded", "r-v1", undefined]);
    assert.equal(runner.calls[0]?.variables["SHIPLOCK_KIND"], "rollback");
  });

  it("for a failure write no secret into their log either, be it one of their own or broken over lines", async () => {
    const { world, runner } = scene({ before: { end: 1 }, late: { lines: ["own: late-s3cret", "s3cret-", "value"] } });
    const setup = setupOf(runner, { before: [hookOf("before")], afterFailure: [hookOf("late", { secrets: ["A"] })] });
    const hooks = { ...setup, secrets: async () => ({ A: "late-s3cret" }) };
    const lines = await work(world, hooks, async (deployer) => {
      await deployer.deploy(variant.after);
      return told(deployer.events);
    });
    const of = (line: string): boolean => line.startsWith("environment/hook-afterFailure-1: ");
    assert.deepEqual(
      lines.filter(of).map((line) => line.replace(/.*?: /, "")),
      ["own: ***", "***", "***"],
    );
  });

  it("for a failure that fail themselves are told and change nothing", async () => {
    const { world, runner } = scene({ before: { end: 1 }, first: { end: 9 }, second: { lines: ["told"] } });
    const afterFailure = [hookOf("first"), hookOf("second")];
    const lines = await work(world, setupOf(runner, { before: [hookOf("before")], afterFailure }), async (deployer) => {
      const outcome = await deployer.deploy(variant.after);
      assert.match(outcome.outcome, /the hook "before" \(before\) failed/);
      return told(deployer.events);
    });
    assert.deepEqual(lines.slice(-3), [
      'failed environment/hook-afterFailure-1: the hook "first" (afterFailure) failed: exit code 9',
      "environment/hook-afterFailure-2: told",
      "done environment/hook-afterFailure-2: passed",
    ]);
  });
});

describe("a deployment whose machine dies", () => {
  /** The machine dies while this hook runs, or when it has ended and the next thing is written. */
  async function dieAt(world: World, name: string, moment: "while" | "behind"): Promise<FakeHooks> {
    const runner = fakeHooks();
    const deployer = await startDeployer(world, {
      hooks: setupOf(
        {
          run: async (call, run) => {
            const end = await runner.run(call, run);
            if (call.hook.name === name && moment === "while") deployer.cut();
            return end;
          },
        },
        { ...oneEverywhere, after: [hookOf("after", { onFailure: "rollback" })] },
      ),
    });
    if (moment === "behind") {
      world.onCall = (call) => {
        if (namesOf(runner).includes(name) && call.phase === "after" && call.name === "files.append") deployer.cut();
      };
    }
    await deployer.deploy(variant.after).then(
      ({ state }) => assert.equal(state, "interrupted"),
      (error: unknown) => assert.ok(error instanceof ShiplockError),
    );
    world.onCall = undefined;
    return runner;
  }

  it("while a hook runs: resumed elsewhere it runs that hook again, says why, and none of those before", async () => {
    const { world, runner } = scene();
    assert.deepEqual(namesOf(await dieAt(world, "beforeTraffic", "while")), ["before", "beforeTraffic"]);
    const lines = await work(world, setupOf(runner, noHooks), async (deployer) => {
      assert.equal((await deployer.resume())?.state, "succeeded");
      return told(deployer.events);
    });
    assert.deepEqual(namesOf(runner), ["beforeTraffic", "afterTraffic", "after"]);
    assert.ok(lines.includes("done environment/hook-before-1: was run before: passed"), lines.join("\n"));
    assert.ok(
      lines.includes(
        "environment/hook-beforeTraffic-1: this hook was begun before and its end is not known: it runs again",
      ),
      lines.join("\n"),
    );
    await assertForward(world, variant, "resumed");
  });

  it("behind a hook whose end is written: resumed elsewhere it does not run that hook again", async () => {
    const { world, runner } = scene();
    assert.deepEqual(namesOf(await dieAt(world, "before", "behind")), ["before"]);
    await work(world, setupOf(runner, noHooks), async (deployer) =>
      assert.equal((await deployer.resume())?.state, "succeeded"),
    );
    assert.deepEqual(namesOf(runner), ["beforeTraffic", "afterTraffic", "after"]);
  });

  it("and that is aborted elsewhere runs the hooks for a failure alone", async () => {
    const { world, runner } = scene();
    await dieAt(world, "beforeTraffic", "while");
    await work(world, setupOf(runner, noHooks), async (deployer) =>
      assert.equal((await deployer.abort())?.state, "rolled-back"),
    );
    assert.deepEqual(namesOf(runner), ["afterFailure"]);
    await assertBack(world, variant, "aborted", "rolled-back");
  });
});
