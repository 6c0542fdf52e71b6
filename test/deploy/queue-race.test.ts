import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GateDecision } from "../../src/environments/gates/types.ts";
import { activeHold, withHold, withoutHold } from "../../src/environments/queue/holds.ts";
import type { Trigger } from "../../src/environments/queue/types.ts";
import type { EnvironmentState } from "../../src/environments/record/types.ts";
import { createFakeFiles, makeFolders } from "../../src/hosts/fake-files.ts";
import type { HostFiles } from "../../src/hosts/types.ts";
import { folderRecord } from "../../src/targets/folder-record.ts";
import { type Call, createQueueWorld, type Wish } from "../fakes/queue-world.ts";
import { randomPick } from "../fakes/random-pick.ts";
import { createStage } from "../fakes/stage.ts";

const folder = "/home/deploy/.shiplock/environments/shop-staging";

/** What keeps an automatic deployment away: somebody's hold, or somebody's branch. By hand everything may come that its holder wants. */
function against(wish: Pick<Wish, "trigger" | "who">, state: EnvironmentState, now: Date): GateDecision | null {
  const hold = activeHold(state, now);
  if (hold !== null && hold.by.name !== wish.who)
    return { gate: "hold", answer: "block", reason: `held by ${hold.by.name}`, remedy: "wait", skips: true };
  const occupied = state.live?.asked?.ref?.name ?? "main";
  if (wish.trigger === "automatic" && occupied !== "main")
    return { gate: "guard", answer: "block", reason: `held by ${occupied}`, remedy: "wait", skips: true };
  return null;
}

/** Files whose every call waits for its turn. The revisions of the record that were written are told as they come. */
function stagedFiles(files: HostFiles, call: Call, wrote: (path: string, text: string) => void): HostFiles {
  const staged = Object.entries(files).map(([name, method]) => {
    const act = method as (...args: unknown[]) => unknown;
    return [
      name,
      (...args: unknown[]) =>
        call(async () => {
          const answer = await act(...args);
          if (name === "createExclusive" && answer === true) wrote(String(args[0]), String(args[1]));
          return answer;
        }),
    ] as const;
  });
  return Object.fromEntries(staged) as unknown as HostFiles;
}

/** Twenty commands at once: main by itself, a feature branch by hand, and holds in between. Says what each beginning began from. */
async function race(seed: number) {
  const pick = randomPick(seed);
  const stage = createStage(pick);
  const now = (): Date => new Date(stage.milliseconds());
  const disk = makeFolders(new Map(), "/home/deploy");
  const files = createFakeFiles({
    ...{ host: "one", home: "/home/deploy", root: "/home/deploy/.shiplock", uid: 1, gid: 1, disk },
    now: stage.milliseconds,
  });
  const revisions = new Map<number, EnvironmentState>();
  const wishes = new Map<string, Wish>();
  const world = createQueueWorld({
    stage,
    judge: (wish, { state }) => {
      const decision = against(wish, state, now()) ?? { gate: "checks", answer: "pass", reason: "passed" };
      return { at: "", decisions: [decision], answer: decision.answer, passedByEmergency: [] };
    },
    recordOf: (call) =>
      folderRecord(
        stagedFiles(files, call, (path, text) => {
          if (!path.includes("/record/")) return;
          const { revision, state } = JSON.parse(text) as { revision: number; state: EnvironmentState };
          assert.ok(!revisions.has(revision), "two writers of one revision");
          revisions.set(revision, state);
        }),
        folder,
      ),
  });
  for (let index = 1; index <= 20; index += 1) {
    const grace = { name: "grace", aliases: [], source: "local" as const };
    // Some come while others are at it.
    let calls = pick(25);
    await stage.play(() => (calls -= 1) < 0);
    const kind = pick(8);
    if (kind === 0) world.write((state) => withHold(state, { by: grace, until: null, reason: "demo" }, false, now()));
    else if (kind <= 2) world.write((state) => withoutHold(state, grace, false, now()));
    else {
      const trigger: Trigger = kind === 3 ? "manual" : "automatic";
      const wish: Wish = {
        ...{ deployment: `d-${index}`, trigger, commit: index, wait: true },
        ...(trigger === "manual" ? { who: "ada", branch: "feature" } : { who: "ci", branch: "main" }),
      };
      wishes.set(wish.deployment, wish);
      world.deploy(wish);
    }
  }
  let left = 50_000;
  await stage.play(() => (left -= 1) < 0 || world.processes.every(({ ended }) => ended !== null));
  assert.ok(left > 0, "it does not come to an end");
  return { revisions: [...revisions].toSorted(([a], [b]) => a - b).map(([, state]) => state), wishes, now };
}

describe("twenty who want something of one environment at the same moment", () => {
  it("no deployment begins from a state in which a hold or somebody's branch is against it, however their calls are shuffled", async () => {
    const ends = new Map<string, number>();
    for (let seed = 1; seed <= 25; seed += 1) {
      const { revisions, wishes, now } = await race(seed);
      for (const [index, state] of revisions.entries()) {
        const before = revisions[index - 1];
        const begins = state.operation?.deployment;
        if (begins === undefined || before?.operation?.deployment === begins) continue;
        assert.equal(before?.operation ?? null, null, `seed ${seed}: ${begins} begins while another runs`);
        const wish = wishes.get(begins);
        assert.ok(wish);
        const decision = before === undefined ? null : against(wish, before, now());
        assert.equal(decision, null, `seed ${seed}: ${begins} (${wish.trigger}) begins although ${decision?.reason}`);
      }
      const last = revisions.at(-1);
      for (const { state } of last?.deployments ?? []) ends.set(state, (ends.get(state) ?? 0) + 1);
      assert.deepEqual(last?.tickets, []);
      const known = new Set(last?.deployments.map(({ deployment }) => deployment));
      for (const deployment of wishes.keys()) assert.ok(known.has(deployment), `seed ${seed}: ${deployment} is lost`);
    }
    for (const end of ["succeeded", "skipped", "superseded"])
      assert.ok((ends.get(end) ?? 0) > 5, `ended as ${end}: ${ends.get(end) ?? 0}`);
  });
});
