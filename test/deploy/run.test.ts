import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { type GraphNode, reversed, runGraph } from "../../src/deploy/graph.ts";
import { runPlan, type RunOptions, type StepWorker, stepsThatBegan } from "../../src/deploy/run.ts";
import type { Plan, Step, StepAction } from "../../src/deploy/types.ts";
import type { JournalEntry } from "../../src/environments/record/types.ts";
import { createMasker } from "../../src/secrets/mask.ts";

const graphArbitrary = fc
  .array(fc.record({ needs: fc.array(fc.nat(20), { maxLength: 3 }), lane: fc.option(fc.nat(3)) }), {
    minLength: 1,
    maxLength: 12,
  })
  .map((list) =>
    list.map(
      ({ needs, lane }, index): GraphNode => ({
        id: `n${index}`,
        needs: index === 0 ? [] : [...new Set(needs.map((need) => `n${need % index}`))],
        lane: lane === null ? null : `lane-${lane}`,
      }),
    ),
  );

/** Lets everything else have a few turns. */
async function aWhile(turns: number): Promise<void> {
  for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
}

describe("a graph of work", () => {
  it("runs everything once, each after what it needs, on no more lanes at once than are allowed", async () => {
    await fc.assert(
      fc.asyncProperty(
        graphArbitrary,
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat(5), { minLength: 12, maxLength: 12 }),
        async (nodes, lanes, turns) => {
          const ended = new Set<string>();
          const running = new Map<string, string | null>();
          const result = await runGraph(nodes, lanes, async (node) => {
            for (const need of node.needs) assert.ok(ended.has(need), `${node.id} before ${need}`);
            running.set(node.id, node.lane);
            const busy = new Set([...running.values()].filter((lane) => lane !== null));
            assert.ok(busy.size <= lanes);
            await aWhile(turns[nodes.indexOf(node)] ?? 0);
            running.delete(node.id);
            ended.add(node.id);
          });
          assert.deepEqual(result.done.map((node) => node.id).sort(), nodes.map((node) => node.id).sort());
          assert.deepEqual([result.failed, result.skipped], [[], []]);
        },
      ),
    );
  });

  it("starts nothing after the first failure, waits for what runs, and accounts for every node", async () => {
    await fc.assert(
      fc.asyncProperty(graphArbitrary, fc.nat(11), async (nodes, bad) => {
        const victim = nodes[bad % nodes.length]?.id;
        let failed = false;
        let open = 0;
        const result = await runGraph(nodes, 4, async (node) => {
          assert.equal(failed, false, `${node.id} began after the failure`);
          open += 1;
          await aWhile(2);
          open -= 1;
          if (node.id !== victim) return;
          failed = true;
          throw new Error("broken");
        });
        assert.equal(open, 0);
        assert.deepEqual(
          result.failed.map(({ node }) => node.id),
          [victim],
        );
        assert.equal(result.done.length + result.failed.length + result.skipped.length, nodes.length);
      }),
    );
  });

  it("turned round, it needs the other way, and turned round twice it is as it was", () => {
    fc.assert(
      fc.property(graphArbitrary, (nodes) => {
        const back = reversed(nodes);
        for (const node of nodes)
          for (const need of node.needs) assert.ok(back.find((each) => each.id === need)?.needs.includes(node.id));
        const twice = new Map(reversed(back).map((node) => [node.id, [...node.needs].sort()]));
        for (const node of nodes) assert.deepEqual(twice.get(node.id), [...node.needs].sort());
      }),
    );
  });
});

const replicas = [{ service: "web", place: "b" as const, replica: 1 }];
const actions: [string, StepAction][] = [
  ["pull", { kind: "pull", images: ["web"] }],
  ["create", { kind: "create", replicas }],
  ["start", { kind: "start", replicas }],
  ["ready", { kind: "ready", replicas }],
  ["shift", { kind: "shift", before: {}, after: { web: [{ slot: "a", replica: 1, weight: 1 }] } }],
  ["shift-2", { kind: "shift", before: {}, after: { web: [{ slot: "b", replica: 1, weight: 1 }] } }],
  ["verify", { kind: "verify", bakeMs: 0 }],
  ["commit", { kind: "commit" }],
  ["retire", { kind: "retire", keep: null }],
];

function planOf(): Plan {
  const steps = actions.map(
    ([name, action], index): Step => ({
      id: `one/${name}`,
      host: "one",
      action,
      title: name,
      needs: index === 0 ? [] : [`one/${actions[index - 1]?.[0]}`],
    }),
  );
  return {
    ...{
      version: 1,
      deployment: "d",
      kind: "deploy",
      project: "p",
      environment: "e",
      from: "r-1",
      to: "r-2",
      place: "b",
      fromPlace: "a",
    },
    ...{
      warm: false,
      strategy: "rolling",
      homeHost: "one",
      hosts: ["one"],
      steps,
      createdAt: "",
      notes: [],
      skipped: [],
    },
    origin: { who: "", from: "", command: "", reason: null },
  };
}

/** A worker that writes down what it is asked; every failure is by the step's name. */
function rehearsal(options: { fails?: string; undoFails?: string; onPerform?: (name: string) => void } = {}) {
  const did: string[] = [];
  const journal: JournalEntry[] = [];
  const name = (step: Step): string => step.id.replace("one/", "");
  const worker: StepWorker = {
    perform: async (step) => {
      assert.ok(
        ["ready", "verify"].includes(step.action.kind) ||
          journal.some((entry) => entry.step === step.id && entry.event === "began"),
        `${step.id} is in the journal before its effect`,
      );
      did.push(name(step));
      options.onPerform?.(name(step));
      if (options.fails === name(step)) throw new Error(`${name(step)} broke`);
      return { acted: true, summary: "done" };
    },
    undo: async (step) => {
      assert.ok(
        journal.some((entry) => entry.step === step.id && entry.event === "undoing"),
        `undoing ${step.id} is in the journal before its effect`,
      );
      did.push(`undo ${name(step)}`);
      if (options.undoFails === name(step)) throw new Error("cannot");
      return { acted: true, summary: "undone" };
    },
  };
  const run: RunOptions = {
    ...{
      plan: planOf(),
      worker,
      fence: 1,
      parallel: 1,
      signal: new AbortController().signal,
      lost: new AbortController().signal,
    },
    append: async (entries) => void journal.push(...entries),
    now: () => new Date(0),
    mask: createMasker([]),
    onEvent: () => undefined,
  };
  return { did, journal, run };
}

describe("running a plan", () => {
  it("every step is in the journal before its effect, and its end before the next one's", async () => {
    const { journal, run } = rehearsal();
    assert.deepEqual(await runPlan(run), { kind: "completed" });
    const events = journal.map((entry) => `${entry.event} ${entry.step}`);
    for (const [index, [name]] of actions.entries()) {
      const done = events.indexOf(`done one/${name}`);
      const next = actions[index + 1]?.[0];
      assert.ok(done > events.indexOf(`began one/${name}`));
      if (next !== undefined) assert.ok(done < events.indexOf(`began one/${next}`), name);
    }
  });

  it("what began is undone in the reverse order when a step before the commit point fails, observing steps aside", async () => {
    const { did, run } = rehearsal({ fails: "verify" });
    const result = await runPlan(run);
    assert.equal(result.kind, "undone");
    assert.deepEqual(did.slice(-5), ["undo shift-2", "undo shift", "undo start", "undo create", "undo pull"]);
  });

  it("a commit that failed may have happened, so nothing is undone on a guess", async () => {
    const { did, run } = rehearsal({ fails: "commit" });
    assert.deepEqual(
      { ...(await runPlan(run)), cause: null },
      { kind: "stuck", cause: null, undo: [], committed: false },
    );
    assert.ok(!did.some((name) => name.startsWith("undo")));
  });

  it("after the commit point nothing is undone any more, neither in the same run nor in a resumed one", async () => {
    const same = rehearsal({ fails: "retire" });
    assert.equal((await runPlan(same.run)).kind, "stuck");
    const resumed = rehearsal({ fails: "ready" });
    const result = await runPlan({ ...resumed.run, committed: true });
    assert.ok(result.kind === "stuck" && result.committed);
    for (const { did } of [same, resumed]) assert.ok(!did.some((name) => name.startsWith("undo")));
  });

  it("a failure while undoing is told with its step, and what can still be undone is left to abort", async () => {
    const { run } = rehearsal({ fails: "verify", undoFails: "start" });
    const result = await runPlan(run);
    assert.ok(result.kind === "stuck");
    assert.ok(result.undo.some(({ step, error }) => step.id === "one/start" && /cannot/.test(String(error))));
  });

  it("what breaks after the commit point is what is told, also when the time was up or somebody interrupted", async () => {
    const late = new AbortController();
    const { run } = rehearsal({
      fails: "retire",
      onPerform: (name) => void (name === "retire" && late.abort("SIGINT")),
    });
    const result = await runPlan({ ...run, signal: late.signal });
    assert.ok(result.kind === "stuck" && result.cause !== "interrupted");
    assert.match(String(result.cause.error), /retire broke/);
  });

  it("steps of one host that do not need each other run beside each other, also where one host is worked on at once", async () => {
    const { run } = rehearsal();
    const files: Step = {
      id: "one/ship-files",
      host: "one",
      action: { kind: "ship-files" },
      title: "files",
      needs: [],
    };
    const pulled = Promise.withResolvers<void>();
    const worker: StepWorker = {
      ...run.worker,
      perform: async (step) => {
        if (step === files) await pulled.promise;
        if (step.action.kind === "pull") pulled.resolve();
        return { acted: true, summary: "done" };
      },
    };
    const plan = { ...run.plan, steps: [files, ...run.plan.steps] };
    assert.equal((await runPlan({ ...run, plan, worker })).kind, "completed");
  });

  it("when the right to act is lost nothing more is attempted, not even going back", async () => {
    const lost = new AbortController();
    const { did, run } = rehearsal({ onPerform: (name) => void (name === "start" && lost.abort("gone")) });
    assert.equal((await runPlan({ ...run, lost: lost.signal })).kind, "lost");
    assert.deepEqual(did, ["pull", "create", "start"]);
  });

  it("traffic that had moved on is not moved back to an earlier assignment by a resume", async () => {
    const { did, run } = rehearsal();
    await runPlan({ ...run, begun: new Set(["one/shift", "one/shift-2"]) });
    assert.ok(!did.includes("shift") && did.includes("shift-2"));
  });

  it("interrupted before the commit point it goes back, after it the rest is finished", async () => {
    for (const [moment, kind] of [
      ["start", "undone"],
      ["retire", "completed"],
    ] as const) {
      const interrupted = new AbortController();
      const { run } = rehearsal({ onPerform: (name) => void (name === moment && interrupted.abort("SIGINT")) });
      assert.equal((await runPlan({ ...run, signal: interrupted.signal })).kind, kind);
    }
  });
});

describe("what a journal says", () => {
  it("a step counts as begun until its undoing was written down, whatever else is said of it", () => {
    const events = fc.constantFrom<JournalEntry["event"]>("began", "done", "failed", "undoing", "undone");
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom("a", "b"), events)), (list) => {
        const began = stepsThatBegan(list.map(([step, event]) => ({ step, event, at: "", fence: 1 })));
        for (const step of ["a", "b"]) {
          const last = list.findLast(([name]) => name === step);
          assert.equal(began.has(step), last !== undefined && last[1] !== "undone");
        }
      }),
    );
  });
});
