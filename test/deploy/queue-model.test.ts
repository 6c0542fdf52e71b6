import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { isTerminal } from "../../src/deploy/states.ts";
import type { Reviewers } from "../../src/config/types-gates.ts";
import type { GateDecision, Judgement } from "../../src/environments/gates/types.ts";
import {
  requestMeant,
  stillNeeded,
  withApproval,
  withCancelled,
  withRejection,
} from "../../src/environments/queue/answers.ts";
import { withExpired } from "../../src/environments/queue/changes.ts";
import { activeHold, withHold, withoutHold } from "../../src/environments/queue/holds.ts";
import type { NewTicket } from "../../src/environments/queue/types.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import { createQueueWorld, type Process, type QueueWorld, type Wish } from "../fakes/queue-world.ts";
import { randomPick } from "../fakes/random-pick.ts";
import { createStage } from "../fakes/stage.ts";

const reviewers: Reviewers = {
  people: ["grace", "linus"],
  named: ["grace", "linus"],
  count: 1,
  selfReview: false,
  validMs: 24 * 3_600_000,
};

/** What a request of the model needs before it may begin. */
type ModelWish = Wish & { needs: "nothing" | "approval" | "timer" };

const timerMs = 45_000;

/** What the gates of the model say; the same function says it to the deployer, and at the end whether that was right. */
function decide(wish: ModelWish, state: EnvironmentState, ticket: NewTicket | null, now: number): GateDecision {
  const held = activeHold(state, new Date(now));
  if (held !== null && held.by.name !== wish.who)
    return {
      gate: "hold",
      answer: "block",
      reason: `held by ${held.by.name}`,
      remedy: "wait",
      ...(wish.trigger === "automatic" ? { skips: true } : {}),
    };
  if (wish.needs === "approval" && (ticket === null || stillNeeded(ticket, reviewers, new Date(now)) > 0))
    return { gate: "reviewers", answer: "wait", reason: "grace has to approve", until: null, on: "grace" };
  const until = ticket === null ? null : new Date(Date.parse(ticket.createdAt) + timerMs);
  if (wish.needs === "timer" && (until === null || until.getTime() > now))
    return { gate: "wait", answer: "wait", reason: "its time has not come", until, on: "time" };
  return { gate: "checks", answer: "pass", reason: "passed" };
}

function judgementOf(decision: GateDecision): Judgement {
  return { at: "", decisions: [decision], answer: decision.answer, passedByEmergency: [] };
}

/** Sees every state that is written, and remembers what was wrong with it. */
function createWatch(wishes: Map<string, ModelWish>, now: () => number) {
  const wrong: string[] = [];
  const known = new Set<string>();
  const arrived = new Map<string, number>();

  function onSwap(before: EnvironmentState | null, after: EnvironmentState, by: Process): void {
    judgeSwap(before, after, by);
    for (const { deployment } of [...after.tickets, ...after.deployments]) known.add(deployment);
  }

  function judgeSwap(before: EnvironmentState | null, after: EnvironmentState, by: Process): void {
    const tickets = before?.tickets ?? [];
    for (const { deployment } of tickets)
      if (![...after.tickets, ...after.deployments].some((each) => each.deployment === deployment))
        wrong.push(`${deployment} is gone without an end`);
    for (const { deployment, approvals } of tickets) {
      const kept = after.tickets.find((each) => each.deployment === deployment)?.approvals ?? approvals;
      if (kept.length < approvals.length) wrong.push(`an approval of ${deployment} is gone`);
    }
    if (after.tickets.filter(({ trigger }) => trigger === "automatic").length > 1)
      wrong.push("two automatic requests stand in the queue");
    for (const { deployment, state, outcome } of after.deployments) {
      if (state !== "superseded") continue;
      const wish = wishes.get(deployment);
      const by = wishes.get(outcome?.replace("superseded by ", "") ?? "");
      if (wish?.trigger !== "automatic") wrong.push(`${deployment} was asked for by hand and dropped`);
      if ((by?.commit ?? 0) < (wish?.commit ?? 0)) wrong.push(`${deployment} is dropped for an older commit`);
    }
    const running = before?.operation?.deployment ?? null;
    const begins = after.operation?.deployment ?? null;
    if (begins === null || begins === running) return;
    if (running !== null) return void wrong.push(`${begins} begins while ${running} runs`);
    beginning(before, begins, by);
  }

  function beginning(before: EnvironmentState | null, begins: string, by: Process): void {
    const wish = wishes.get(begins);
    if (wish === undefined) return void wrong.push(`${begins} begins, and nobody asked for it`);
    if (before?.deployments.some(({ deployment }) => deployment === begins) === true)
      wrong.push(`${begins} begins, although it had ended`);
    if (before === null) return;
    const ticket = before.tickets.find(({ deployment }) => deployment === begins) ?? null;
    const decision = decide(wish, before, ticket, now());
    if (decision.answer !== "pass") wrong.push(`${begins} begins although ${decision.gate} says: ${decision.reason}`);
    if (ticket === null && known.has(begins)) wrong.push(`${begins} begins out of no queue`);
    const place = ticket?.number ?? arrived.get(begins) ?? 0;
    const passedOver = by.events.flatMap((event) => (event.kind === "passed-over" ? [event.ticket.deployment] : []));
    const first = before.tickets.find(
      ({ state, number, deployment }) => state === "queued" && number < place && !passedOver.includes(deployment),
    );
    if (first !== undefined) wrong.push(`${begins} begins before ${first.deployment}, which came first`);
    const newer = before.tickets.find(
      (each) =>
        wish.trigger === "automatic" &&
        each.trigger === "automatic" &&
        each.deployment !== begins &&
        (wishes.get(each.deployment)?.commit ?? 0) > wish.commit,
    );
    if (newer !== undefined) wrong.push(`${begins} begins, although ${newer.deployment} overtook it`);
  }

  return { wrong, known, arrived, onSwap };
}

type Command =
  | { do: "deploy"; who: string; trigger: Wish["trigger"]; commit: number; wait: boolean; needs: ModelWish["needs"] }
  | { do: "approve" | "reject" | "cancel" | "take"; which: number }
  | { do: "hold"; who: string; forMs: number | null }
  | { do: "unhold"; who: string }
  | { do: "kill" | "interrupt"; which: number }
  | { do: "resume" }
  | { do: "pass"; milliseconds: number }
  | { do: "play"; calls: number };

const people = fc.constantFrom("ada", "bob");
const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("deploy" as const),
      who: people,
      trigger: fc.constantFrom("manual" as const, "automatic" as const),
      commit: fc.integer({ min: 1, max: 6 }),
      wait: fc.oneof({ weight: 4, arbitrary: fc.constant(true) }, { weight: 1, arbitrary: fc.constant(false) }),
      needs: fc.constantFrom("nothing" as const, "nothing" as const, "approval" as const, "timer" as const),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("approve" as const, "reject" as const, "cancel" as const, "take" as const),
      which: fc.nat(20),
    }),
  },
  fc.record({
    do: fc.constant("hold" as const),
    who: people,
    forMs: fc.option(fc.integer({ min: 1_000, max: 100_000 })),
  }),
  fc.record({ do: fc.constant("unhold" as const), who: people }),
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom("kill" as const, "interrupt" as const), which: fc.nat(20) }),
  },
  fc.record({ do: fc.constant("resume" as const) }),
  fc.record({ do: fc.constant("pass" as const), milliseconds: fc.integer({ min: 0, max: 100_000 }) }),
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant("play" as const), calls: fc.integer({ min: 1, max: 60 }) }),
  },
);

/** Lets a script play, then lets everything come to its end; says what was wrong on the way, and how often what happened. */
async function playScript(script: readonly Command[], seed: number): Promise<{ wrong: string[]; ends: string[] }> {
  const stage = createStage(randomPick(seed));
  const wishes = new Map<string, ModelWish>();
  const watch = createWatch(wishes, stage.milliseconds);
  const world = createQueueWorld({
    stage,
    onSwap: watch.onSwap,
    judge: (wish, { state, ticket }) =>
      judgementOf(decide(wishes.get(wish.deployment) as ModelWish, state, ticket, stage.milliseconds())),
  });
  for (const each of script) await act(world, wishes, watch.arrived, each);
  const settled = await settle(world);
  const { wrong } = watch;
  const last = world.state();
  if (!settled) wrong.push("it does not come to an end");
  for (const { deployment } of last?.tickets ?? []) wrong.push(`${deployment} still stands in the queue`);
  for (const deployment of watch.known) {
    const entry = last?.deployments.find((each) => each.deployment === deployment);
    if (entry === undefined || !isTerminal(entry.state) || (entry.outcome ?? "") === "")
      wrong.push(`${deployment} has no end with a reason: ${JSON.stringify(entry ?? null)}`);
  }
  return { wrong, ends: (last?.deployments ?? []).map(({ state }) => state) };
}

async function act(
  world: QueueWorld,
  wishes: Map<string, ModelWish>,
  arrived: Map<string, number>,
  command: Command,
): Promise<void> {
  const { stage } = world;
  const now = (): Date => new Date(stage.milliseconds());
  const grace = { by: { name: "grace", aliases: [], source: "local" as const }, comment: "no" };
  switch (command.do) {
    case "deploy": {
      if (wishes.size >= 12) return;
      const wish: ModelWish = { ...command, deployment: `d-${wishes.size + 1}`, branch: "main" };
      wishes.set(wish.deployment, wish);
      arrived.set(wish.deployment, world.state()?.nextTicket ?? 1);
      world.deploy(wish);
      return;
    }
    case "approve":
    case "reject":
    case "cancel": {
      const ticket = chosen(world.state()?.tickets ?? [], command.which);
      if (ticket === undefined) return;
      world.write((known) => {
        const state = withExpired(known, now());
        const meant = requestMeant(state, ticket.deployment);
        if (command.do === "approve") return withApproval(state, meant, { ...grace, now: now() }, reviewers);
        const end = command.do === "reject" ? withRejection : withCancelled;
        return end(state, meant, { ...grace, now: now() }, reviewers);
      });
      return;
    }
    case "take": {
      const ticket = chosen(world.state()?.tickets ?? [], command.which);
      if (ticket !== undefined) world.take(ticket, "grace");
      return;
    }
    case "hold": {
      const by = { name: command.who, aliases: [], source: "local" as const };
      const until = command.forMs === null ? null : new Date(stage.milliseconds() + command.forMs).toISOString();
      world.write((state) => withHold(state, { by, until, reason: "a demo" }, false, now()));
      return;
    }
    case "unhold":
      world.write((state) => withoutHold(state, { name: command.who, aliases: [], source: "local" }, false, now()));
      return;
    case "kill":
    case "interrupt": {
      const process = chosen(
        world.processes.filter(({ ended, dead }) => ended === null && !dead),
        command.which,
      );
      process?.[command.do]();
      return;
    }
    case "resume":
      world.resume("grace");
      return;
    case "pass":
      stage.pass(command.milliseconds);
      return;
    case "play": {
      let left = command.calls;
      await stage.play(() => {
        left -= 1;
        return left < 0;
      });
    }
  }
}

/** Lifts holds, ends what was never ended, approves what waits and takes up what nobody works on, until nothing is left. */
async function settle(world: QueueWorld): Promise<boolean> {
  const alive = (): Process[] => world.processes.filter(({ ended, dead }) => ended === null && !dead);
  for (let round = 0; round < 60; round += 1) {
    let calls = 400;
    await world.stage.play(() => {
      calls -= 1;
      return calls < 0 || alive().length === 0;
    });
    const state = world.state();
    const left = state === null ? [] : state.tickets;
    if (alive().length === 0 && left.length === 0 && (state?.operation ?? null) === null) return true;
    if ((state?.hold ?? null) !== null) world.write((known) => ({ ...known, hold: null }));
    if ((state?.operation ?? null) !== null && alive().length === 0) {
      world.resume("grace");
      continue;
    }
    const now = new Date(world.stage.milliseconds());
    const grace = { by: { name: "grace", aliases: [], source: "local" as const }, comment: null, now };
    for (const ticket of left)
      if (stillNeeded(ticket, reviewers, now) > 0)
        world.write((known) => {
          const meant = known.tickets.find(({ deployment }) => deployment === ticket.deployment);
          return meant === undefined || stillNeeded(meant, reviewers, now) === 0
            ? null
            : withApproval(known, meant, grace, reviewers);
        });
    const [first] = left;
    if (alive().length === 0 && first !== undefined) world.take(first, "grace");
    if (alive().length > 0 && round > 5) world.stage.pass(timerMs);
  }
  return false;
}

function chosen<T>(list: readonly T[], which: number): T | undefined {
  return list[which % Math.max(1, list.length)];
}

describe("the queue of an environment, whatever happens", () => {
  it("has one change at a time, loses none, begins none without its gates and in no other order, and ends every request with a reason", async () => {
    const seen = new Map<string, number>();
    await fc.assert(
      fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40 }), fc.integer(), async (script, seed) => {
        const { wrong, ends } = await playScript(script, seed);
        for (const end of ends) seen.set(end, (seen.get(end) ?? 0) + 1);
        assert.deepEqual(wrong, []);
      }),
      { numRuns: Number(process.env["SHIPLOCK_QUEUE_RUNS"] ?? 150) },
    );
    for (const end of ["succeeded", "superseded", "skipped", "blocked", "rejected", "cancelled"])
      assert.ok((seen.get(end) ?? 0) > 0, `no request ended as ${end}: ${JSON.stringify([...seen])}`);
  });
});
