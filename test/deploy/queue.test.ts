import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { DeploymentOutcome } from "../../src/deploy/request.ts";
import type { GateDecision } from "../../src/environments/gates/types.ts";
import { requestMeant, withApproval, withCancelled } from "../../src/environments/queue/answers.ts";
import { activeHold, withHold } from "../../src/environments/queue/holds.ts";
import type { Ticket } from "../../src/environments/queue/types.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import { ShiplockError } from "../../src/errors.ts";
import {
  createQueueWorld,
  type Process,
  type QueueWorld,
  type QueueWorldOptions,
  type Wish,
} from "../fakes/queue-world.ts";
import { randomPick } from "../fakes/random-pick.ts";
import { createStage, type Stage } from "../fakes/stage.ts";

const grace = { name: "grace", aliases: [], source: "local" as const };

/** A world in which a hold blocks everybody, and what is named by `closed` waits. */
function newWorld(options: Partial<QueueWorldOptions> = {}, stage = createStage(() => 0)) {
  const closed = new Set<string>();
  const began: string[] = [];
  const world = createQueueWorld({
    stage,
    judge: (wish, { state }) => {
      const decision = decide(wish, state, closed, stage);
      return { at: "", decisions: [decision], answer: decision.answer, passedByEmergency: [] };
    },
    onSwap: (before, after) => {
      const begins = after.operation?.deployment;
      if (begins !== undefined && before?.operation?.deployment !== begins) began.push(begins);
    },
    ...options,
  });
  return { world, stage, closed, began };
}

function decide(wish: Wish, state: EnvironmentState, closed: ReadonlySet<string>, stage: Stage): GateDecision {
  const hold = activeHold(state, new Date(stage.milliseconds()));
  if (hold !== null)
    return {
      gate: "hold",
      answer: "block",
      reason: "held by grace",
      remedy: "wait",
      ...(wish.trigger === "automatic" ? { skips: true } : {}),
    };
  if (closed.has(wish.deployment))
    return { gate: "freeze", answer: "wait", reason: "the shop is closed", until: null, on: "the morning" };
  return { gate: "checks", answer: "pass", reason: "passed" };
}

function wish(deployment: string, more: Partial<Wish> = {}): Wish {
  return { ...{ deployment, who: "ada", trigger: "manual", commit: 1, branch: "main", wait: true }, ...more };
}

/** Plays until so many milliseconds have passed. */
async function playFor({ stage }: QueueWorld, milliseconds: number): Promise<void> {
  const end = stage.milliseconds() + milliseconds;
  await stage.play(() => stage.milliseconds() >= end);
}

async function playUntil({ stage }: QueueWorld, what: () => boolean): Promise<void> {
  let left = 20_000;
  await stage.play(() => {
    left -= 1;
    return what() || left < 0;
  });
  assert.ok(what(), "it never came to that");
}

const isOver = (process: Process) => () => process.ended !== null;
const running = (world: QueueWorld) => () => (world.state()?.operation ?? null) !== null;
const queued = (world: QueueWorld, deployment: string) => () => ticketOf(world, deployment) !== undefined;

function ticketOf(world: QueueWorld, deployment: string): Ticket | undefined {
  return world.state()?.tickets.find((ticket) => ticket.deployment === deployment);
}

function entryOf(world: QueueWorld, deployment: string) {
  const entry = world.state()?.deployments.find((each) => each.deployment === deployment);
  return [entry?.state, entry?.outcome];
}

function endOf({ ended }: Process): string {
  if (ended instanceof ShiplockError) return ended.code;
  return ended === null || ended === "nothing" || ended instanceof Error ? String(ended) : ended.state;
}

function errorOf({ ended }: Process): ShiplockError | null {
  return (ended as DeploymentOutcome).error;
}

describe("the queue of an environment", () => {
  it("a request that nobody is ahead of never stands in it, and leaves no sign of life behind", async () => {
    const { world, began } = newWorld();
    const ada = world.deploy(wish("d-1"));
    await playUntil(world, isOver(ada));
    assert.equal(endOf(ada), "succeeded");
    assert.deepEqual(began, ["d-1"]);
    assert.equal(world.state()?.nextTicket, 1);
    assert.equal(world.store.seen.size, 0);
  });

  it("requests begin in the order in which they were made", async () => {
    const { world, began } = newWorld();
    const first = world.deploy(wish("d-1"));
    await playUntil(world, running(world));
    const others: Process[] = [];
    for (const name of ["d-2", "d-3", "d-4"]) {
      others.push(world.deploy(wish(name)));
      await playUntil(world, () => queued(world, name)() || first.ended !== null);
    }
    await playUntil(world, () => others.every(({ ended }) => ended !== null));
    assert.deepEqual(began, ["d-1", "d-2", "d-3", "d-4"]);
    assert.ok(others.every((process) => endOf(process) === "succeeded"));
    assert.equal(world.store.seen.size, 0, "a sign of life is left behind");
  });

  it("one that waits for a gate stands in nobody's way, holds no lease, and begins once the gate lets it", async () => {
    const { world, closed, began } = newWorld();
    closed.add("d-1");
    const waiting = world.deploy(wish("d-1"));
    await playUntil(world, queued(world, "d-1"));
    assert.deepEqual(ticketOf(world, "d-1")?.waiting, [{ gate: "freeze", reason: "the shop is closed", until: null }]);
    const other = world.deploy(wish("d-2"));
    await playUntil(world, isOver(other));
    closed.clear();
    await playUntil(world, isOver(waiting));
    assert.deepEqual(began, ["d-2", "d-1"]);
    assert.equal(endOf(waiting), "succeeded");
  });

  it("one whose time is over ends, with what it waited for as its reason", async () => {
    const { world, closed } = newWorld({ expiresMs: 60_000 });
    closed.add("d-1");
    const waiting = world.deploy(wish("d-1"));
    await playUntil(world, isOver(waiting));
    assert.equal(endOf(waiting), "cancelled");
    assert.equal(errorOf(waiting)?.blame, "gate");
    assert.match(String(entryOf(world, "d-1")[1]), /could not begin until .*: the shop is closed/);
    assert.deepEqual(world.state()?.tickets, []);
  });

  it("Ctrl-C while it waits ends it as cancelled, by whom", async () => {
    const { world, closed } = newWorld();
    closed.add("d-1");
    const waiting = world.deploy(wish("d-1"));
    await playUntil(world, queued(world, "d-1"));
    waiting.interrupt();
    await playUntil(world, isOver(waiting));
    assert.deepEqual(entryOf(world, "d-1"), ["cancelled", "cancelled by ada"]);
    assert.deepEqual(world.state()?.tickets, []);
    assert.deepEqual(waiting.events.at(-1), {
      ...{ kind: "state", deployment: "d-1", state: "cancelled", outcome: "cancelled by ada" },
    });
  });

  it("one that is cancelled between the last look and the lease does not begin", async () => {
    const { world, closed, began } = newWorld();
    closed.add("d-1");
    const waiting = world.deploy(wish("d-1"));
    await playUntil(world, queued(world, "d-1"));
    const cancelled = cancelling(world, "d-1");
    closed.clear();
    await playUntil(world, () => isOver(waiting)() && isOver(cancelled)());
    assert.deepEqual(began, []);
    assert.deepEqual([endOf(waiting), ...entryOf(world, "d-1")], ["cancelled", "cancelled", "cancelled by grace"]);
    assert.equal(errorOf(waiting)?.code, "request/cancelled");
  });

  it("an approval that comes while its command writes what it waits for is not lost, whoever is first", async () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const stage = createStage(randomPick(seed));
      const { world, closed } = newWorld({}, stage);
      world.slow.add("d-1");
      world.deploy(wish("d-1"));
      await playUntil(world, running(world));
      closed.add("d-2");
      world.deploy(wish("d-2"));
      await playUntil(world, queued(world, "d-2"));
      closed.clear();
      const reviewers = { people: ["grace"], named: ["grace"], count: 1, selfReview: false, validMs: 3_600_000 };
      let calls = seed % 12;
      await stage.play(() => (calls -= 1) < 0);
      const given = world.write((state) => {
        const answering = { by: grace, comment: null, now: new Date(stage.milliseconds()) };
        return withApproval(state, requestMeant(state, "d-2"), answering, reviewers);
      });
      await playUntil(world, () => given.ended !== null && ticketOf(world, "d-2")?.state === "queued");
      await playFor(world, 2_000);
      assert.equal(ticketOf(world, "d-2")?.approvals.length, 1, `seed ${seed}`);
    }
  });

  it("with --no-wait it gives up behind another, and leaves what waits for a gate to whoever takes it up", async () => {
    const { world, closed, began } = newWorld();
    closed.add("d-1");
    const waiting = world.deploy(wish("d-1", { wait: false }));
    await playUntil(world, isOver(waiting));
    assert.equal(endOf(waiting), "waiting");
    assert.equal(ticketOf(world, "d-1")?.state, "waiting");
    assert.equal(world.store.seen.size, 0, "nobody works on it, and that is to be seen");
    closed.clear();
    const ticket = ticketOf(world, "d-1");
    assert.ok(ticket);
    const taker = world.take(ticket, "grace");
    await playUntil(world, running(world));
    const third = world.deploy(wish("d-3", { wait: false }));
    await playUntil(world, () => isOver(taker)() && isOver(third)());
    assert.deepEqual([endOf(taker), endOf(third)], ["succeeded", "lease/held"]);
    assert.deepEqual(began, ["d-1"]);
  });
});

describe("a command that is killed while its request stands in the queue", () => {
  /** One deployment in flight, one request behind it whose command is killed, and the first one's end. */
  async function withOrphan(more: Partial<Wish> = {}) {
    const made = newWorld();
    const { world } = made;
    const first = world.deploy(wish("d-1"));
    await playUntil(world, running(world));
    const killed = world.deploy(wish("d-2", { who: "bob", ...more }));
    await playUntil(world, queued(world, "d-2"));
    killed.kill();
    await playUntil(world, isOver(first));
    return made;
  }

  it("the next deployment carries its request out first, and says so", async () => {
    const { world, began } = await withOrphan();
    const next = world.deploy(wish("d-3"));
    await playUntil(world, isOver(next));
    assert.deepEqual(began, ["d-1", "d-2", "d-3"]);
    assert.equal(endOf(next), "succeeded");
    assert.ok(next.events.some((event) => event.kind === "taken-up" && event.ticket.deployment === "d-2"));
    assert.equal(entryOf(world, "d-2")[0], "succeeded");
    const unwatched = next.events.filter((event) => event.kind === "unwatched");
    assert.deepEqual(
      unwatched.map(({ deployment, next: another }) => [deployment, another]),
      [["d-2", "d-3"]],
      "what follows at once is said instead of a watch",
    );
    assert.equal(world.state()?.deployments.find(({ deployment }) => deployment === "d-2")?.origin.who, "bob");
  });

  it("of two that see it one carries it out, once, and both get their own turn", async () => {
    const { world, began } = await withOrphan();
    world.stage.pass(70_000);
    const takers = [world.deploy(wish("d-3")), world.deploy(wish("d-4"))];
    await playUntil(world, () => takers.every(({ ended }) => ended !== null));
    assert.deepEqual(began.slice(0, 2), ["d-1", "d-2"]);
    assert.deepEqual(began.slice(2).toSorted(), ["d-3", "d-4"]);
    assert.deepEqual(takers.map(endOf), ["succeeded", "succeeded"]);
  });

  it("one that cannot carry it out says why, passes it over, and leaves it to others", async () => {
    const { world, began } = await withOrphan();
    world.unable.add("d-2");
    const next = world.deploy(wish("d-3"));
    await playUntil(world, isOver(next));
    const passed = next.events.find((event) => event.kind === "passed-over");
    assert.match(passed?.kind === "passed-over" ? passed.reason : "", /d-2 cannot be carried out here/);
    assert.deepEqual(began, ["d-1", "d-3"]);
    assert.equal(ticketOf(world, "d-2")?.state, "queued");
    world.unable.clear();
    await playUntil(world, isOver(world.deploy(wish("d-4"))));
    assert.deepEqual(began, ["d-1", "d-3", "d-2", "d-4"]);
  });

  it("where its hook wants it to be gone back from, nothing is deployed over it: a rollback of that would lead to it", async () => {
    const { world, began } = await withOrphan({ regretted: true });
    world.stage.pass(70_000);
    const next = world.deploy(wish("d-3"));
    await playUntil(world, isOver(next));
    assert.deepEqual(began, ["d-1", "d-2"]);
    assert.equal(endOf(next), "request/go-back-first");
    assert.match(String(next.ended), /d-2, .* made r-\S+ live, .* gone back from: the hook "e2e"/);
    assert.deepEqual([entryOf(world, "d-3")[0], entryOf(world, "d-2")[0]], ["cancelled", "succeeded"]);
    await playUntil(world, isOver(world.deploy(wish("d-4"))));
    assert.deepEqual(began, ["d-1", "d-2", "d-4"]);
  });

  it("a rollback does not make it live first, only to leave it again: it goes back at once", async () => {
    const { world, began } = await withOrphan();
    world.stage.pass(70_000);
    const back = world.deploy(wish("d-3", { kind: "rollback" }));
    await playUntil(world, isOver(back));
    assert.deepEqual(began, ["d-1", "d-3"]);
    assert.equal(endOf(back), "succeeded");
    assert.equal(ticketOf(world, "d-2")?.state, "queued");
    const passed = back.events.find((event) => event.kind === "passed-over");
    assert.match(passed?.kind === "passed-over" ? passed.reason : "", /a rollback carries out nobody's request/);
  });

  it("one that has not its secrets leaves it as it was, in the queue", async () => {
    const { world, began } = await withOrphan();
    world.poor.add("d-2");
    const next = world.deploy(wish("d-3"));
    await playUntil(world, isOver(next));
    const passed = next.events.find((event) => event.kind === "passed-over");
    assert.match(passed?.kind === "passed-over" ? passed.reason : "", /the secrets of d-2 are not here/);
    assert.deepEqual(began, ["d-1", "d-3"]);
    assert.equal(ticketOf(world, "d-2")?.state, "queued");
  });

  it("whoever carries it out is seen to work on it, and so is the request that waits meanwhile", async () => {
    const { world, closed, began } = await withOrphan();
    world.slow.add("d-2");
    world.stage.pass(70_000);
    const first = world.deploy(wish("d-3"));
    await playUntil(world, running(world));
    const second = world.deploy(wish("d-4"));
    await playFor(world, 200_000);
    assert.equal(
      second.events.some((event) => event.kind === "taken-up"),
      false,
    );
    world.slow.clear();
    closed.clear();
    await playUntil(world, () => isOver(first)() && isOver(second)());
    assert.deepEqual(began, ["d-1", "d-2", "d-3", "d-4"]);
  });

  it("a command that was only frozen finds its request carried out by another, and does it no second time", async () => {
    const { world, began } = newWorld();
    const first = world.deploy(wish("d-1"));
    await playUntil(world, running(world));
    const frozen = world.deploy(wish("d-2", { who: "bob" }));
    await playUntil(world, queued(world, "d-2"));
    await playUntil(world, isOver(first));
    world.store.seen.clear();
    const taker = world.deploy(wish("d-3"));
    await playUntil(world, () => isOver(taker)() && isOver(frozen)());
    assert.equal(began.filter((deployment) => deployment === "d-2").length, 1);
    assert.ok(["succeeded", "running"].includes(endOf(frozen)), endOf(frozen));
  });
});

describe("automatic deployments", () => {
  it("of two merges while one is deployed the first ends as superseded, without a failure; what was asked for by hand stays", async () => {
    const { world, began } = newWorld();
    const inFlight = world.deploy(wish("d-1", { trigger: "automatic" }));
    await playUntil(world, running(world));
    const byHand = world.deploy(wish("d-2", { commit: 1 }));
    await playUntil(world, queued(world, "d-2"));
    const older = world.deploy(wish("d-3", { trigger: "automatic", commit: 2 }));
    await playUntil(world, queued(world, "d-3"));
    const newer = world.deploy(wish("d-4", { trigger: "automatic", commit: 3 }));
    await playUntil(world, () => [inFlight, byHand, older, newer].every(({ ended }) => ended !== null));
    assert.deepEqual(began, ["d-1", "d-2", "d-4"]);
    assert.deepEqual([endOf(older), errorOf(older)], ["superseded", null]);
    assert.deepEqual(entryOf(world, "d-3"), ["superseded", "superseded by d-4"]);
  });

  it("one of an older commit that comes late is itself superseded, also where nothing would keep it waiting", async () => {
    const { world, closed, began } = newWorld();
    closed.add("d-1");
    world.deploy(wish("d-1", { trigger: "automatic", commit: 5 }));
    await playUntil(world, queued(world, "d-1"));
    const late = world.deploy(wish("d-2", { trigger: "automatic", commit: 4 }));
    await playUntil(world, isOver(late));
    assert.deepEqual([endOf(late), ...entryOf(world, "d-2")], ["superseded", "superseded", "superseded by d-1"]);
    assert.deepEqual(began, []);
  });

  it("a machine whose clock is behind does not supersede what it builds upon: where git knows the order, it counts", async () => {
    const { world, closed, began } = newWorld();
    closed.add("d-1");
    const overtaken = world.deploy(wish("d-1", { trigger: "automatic", commit: 5 }));
    await playUntil(world, queued(world, "d-1"));
    const child = world.deploy(wish("d-2", { trigger: "automatic", commit: 4, follows: [5] }));
    await playUntil(world, () => isOver(child)() && isOver(overtaken)());
    assert.deepEqual([endOf(child), endOf(overtaken)], ["succeeded", "superseded"]);
    assert.deepEqual(began, ["d-2"]);
  });

  it("one that waits when somebody holds the environment ends as skipped", async () => {
    const { world, closed } = newWorld();
    closed.add("d-1");
    const waiting = world.deploy(wish("d-1", { trigger: "automatic" }));
    await playUntil(world, queued(world, "d-1"));
    world.write((state) =>
      withHold(state, { by: grace, until: null, reason: "demo" }, false, new Date(world.stage.milliseconds())),
    );
    await playUntil(world, isOver(waiting));
    assert.deepEqual([endOf(waiting), errorOf(waiting)], ["skipped", null]);
    assert.deepEqual(entryOf(world, "d-1"), ["skipped", "held by grace"]);
  });
});

function cancelling(world: QueueWorld, deployment: string): Process {
  return world.write((state) => {
    const ticket = state.tickets.find((each) => each.deployment === deployment);
    return ticket === undefined
      ? null
      : withCancelled(state, ticket, { by: grace, comment: null, now: new Date(world.stage.milliseconds()) });
  });
}
