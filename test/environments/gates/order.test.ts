import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { orderGate } from "../../../src/environments/gates/order.ts";
import type { EarlierEnvironment, GateDecision, GateFacts } from "../../../src/environments/gates/types.ts";
import type { EnvironmentState } from "../../../src/environments/record/types.ts";
import { history, live, rollBack } from "../states.ts";
import { facts, policyOf, request } from "./facts.ts";

/** When everything of `history` went live. */
const liveAt = Date.parse("2026-11-20T10:00:00Z");
const minute = 60_000;

function after(staging: EarlierEnvironment, changes: Partial<GateFacts> & { minutes?: number } = {}): GateDecision {
  const { minutes = 5, ...others } = changes;
  const policy = policyOf({ after: { staging: "10m" } });
  const now = new Date(liveAt + minutes * minute);
  return orderGate.judge(facts({ environment: "production", policy, now, earlier: { staging }, ...others }));
}

function seen(state: EnvironmentState, same: string[], ailing: string[] = []): EarlierEnvironment {
  return { state, same, ailing };
}

/** Of `state`, with the moments at which its deployments began, and their releases went live, minutes after the first. */
function timed(state: EnvironmentState, minutes: readonly number[]): EnvironmentState {
  const moment = (index: number): string => new Date(liveAt + (minutes[index] ?? 0) * minute).toISOString();
  const deployments = state.deployments.map((entry, index, all) => ({
    ...entry,
    startedAt: moment(all.length - 1 - index),
  }));
  const dated = <T extends { deployment: string; at: string }>(entry: T): T => {
    const found = deployments.find(({ deployment }) => deployment === entry.deployment);
    return { ...entry, at: found?.startedAt ?? entry.at };
  };
  return { ...state, deployments, healthy: state.healthy.map(dated), live: state.live && dated(state.live) };
}

describe("the order of environments", () => {
  it("lets a release through that runs healthily where it has to run before", () => {
    const decision = after(seen(history("1", "2"), ["r-2"]), { minutes: 10 });
    assert.equal(decision.answer, "pass");
    assert.equal(decision.reason, "runs in staging since 2026-11-20 10:00 UTC");
  });

  it("waits until it has been healthy there for as long as is asked", () => {
    const decision = after(seen(history("2"), ["r-2"]), { minutes: 9.99 });
    assert.equal(decision.answer, "wait");
    assert.equal(decision.answer === "wait" && decision.until?.toISOString(), "2026-11-20T10:10:00.000Z");
    assert.match(decision.reason, /has to run in staging until 2026-11-20 10:10 UTC/);
  });

  it("stops what has not run there, and says what does and how to get it there", () => {
    const decision = after(seen(history("1"), []));
    assert.equal(decision.answer, "block");
    assert.equal(decision.reason, "it has not run in staging; r-1 is live there");
    assert.match(decision.answer === "block" ? decision.remedy : "", /shiplock deploy staging --ref main/);
    assert.match(
      after({ state: null, same: [], ailing: [] }).reason,
      /it has not run in staging; nothing is live there/,
    );
  });

  it("stops what ails there now, also after its time", () => {
    const decision = after(seen(history("2"), ["r-2"], ["host-1: web is unhealthy"]), { minutes: 60 });
    assert.equal(decision.answer, "block");
    assert.match(decision.reason, /r-2 is not healthy in staging: host-1: web is unhealthy/);
  });

  it("stops what staging has gone back from", () => {
    const decision = after(seen(rollBack(history("1", "2")), ["r-2"]), { minutes: 60 });
    assert.equal(decision.answer, "block");
    assert.match(decision.reason, /staging has gone back from r-2/);
  });

  it("lets through what was healthy there for long enough before another came", () => {
    const moved = (minutes: number) => seen(timed(history("1", "2", "3"), [0, 1, minutes]), ["r-2"]);
    assert.equal(after(moved(11), { minutes: 60 }).answer, "pass");
    const short = after(moved(10.9), { minutes: 60 });
    assert.equal(short.answer, "block");
    assert.match(
      short.reason,
      /^it ran in staging from 2026-11-20 10:01 UTC to 2026-11-20 10:10:54 UTC only; r-3 is live there$/,
    );
  });

  it("counts no time of which nobody remembers how long it was", () => {
    const forgotten = { ...timed(history("1", "2", "3"), [0, 1, 59]), deployments: [] };
    assert.equal(after(seen(forgotten, ["r-2"]), { minutes: 60 }).answer, "block");
  });

  it("does not ask how long where no time is asked for", () => {
    const policy = policyOf({ after: ["staging"] });
    assert.equal(after(seen(timed(history("1", "2", "3"), [0, 1, 1]), ["r-2"]), { policy }).answer, "pass");
    assert.equal(after(seen(history("2"), ["r-2"]), { policy, minutes: 0 }).answer, "pass");
  });

  it("stops while staging cannot be seen, but sends nobody away who waits for their time there", () => {
    const unreachable = { unreachable: "no answer within 10 s" };
    assert.equal(after(unreachable).answer, "block");
    assert.equal(orderGate.judge(facts({ policy: policyOf({ after: ["qa"] }) })).answer, "block");
    const waiting = request({ waiting: [{ gate: "order", reason: "", until: null }] });
    assert.equal(after(unreachable, { request: waiting }).answer, "wait");
  });

  it("asks all of several environments, and says all that is missing", () => {
    const policy = policyOf({ after: { qa: "1m", staging: "10m" } });
    const both = (qa: EarlierEnvironment) =>
      orderGate.judge(
        facts({
          policy,
          now: new Date(liveAt + 5 * minute),
          earlier: { qa, staging: seen(history("2"), ["r-2"]) },
        }),
      );
    assert.match(both(seen(history("1"), [])).reason, /not run in qa; r-1 is live there$/);
    const waiting = both(seen(history("2"), ["r-2"]));
    assert.equal(waiting.answer === "wait" && waiting.until?.toISOString(), "2026-11-20T10:10:00.000Z");
  });

  it("a release that passes goes on passing while it stays live and well, and its wait ends when it was told", () => {
    const times = fc.record({
      healthy: fc.integer({ min: 0, max: 100_000_000 }),
      at: fc.integer({ min: 0, max: 200_000_000 }),
    });
    fc.assert(
      fc.property(times, ({ healthy, at }) => {
        const policy = { ...policyOf(), after: [{ environment: "staging", healthyMs: healthy }] };
        const ask = (now: number) => after(seen(history("2"), ["r-2"]), { policy, now: new Date(now) });
        const decision = ask(liveAt + at);
        assert.equal(decision.answer, at >= healthy ? "pass" : "wait");
        if (decision.answer !== "wait" || decision.until === null) return;
        assert.equal(ask(decision.until.getTime()).answer, "pass");
        assert.equal(ask(decision.until.getTime() - 1).reason, decision.reason);
      }),
    );
  });

  it("nothing passes that was not live there, whatever else happened", () => {
    const steps = fc.array(fc.constantFrom("1", "2", "3", "back"), { minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 100 }), (all, minutes) => {
        const began = history("0", "0a");
        const state = all.reduce(
          (known, step) => (step === "back" ? (hasWayBack(known) ? rollBack(known) : known) : live(known, step)),
          began,
        );
        const was = state.healthy.some(({ release }) => release === "r-2");
        const gone = state.withdrawn.some(({ release }) => release === "r-2");
        const { answer } = after(seen(state, was ? ["r-2"] : []), { minutes });
        if (!was || gone) assert.equal(answer, "block");
        if (state.live?.release === "r-2") assert.equal(answer, minutes >= 10 ? "pass" : "wait");
      }),
    );
  });
});

function hasWayBack({ live: now, healthy, withdrawn }: EnvironmentState): boolean {
  return healthy.some(
    ({ release }) => release !== now?.release && !withdrawn.some((entry) => entry.release === release),
  );
}
