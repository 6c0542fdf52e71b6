import assert from "node:assert/strict";
import { test } from "node:test";
import type { MainOptions } from "../../src/cli/main.ts";
import type { ActionWorld } from "../../src/action/engine.ts";
import { endAction } from "../../src/action/post.ts";
import { createRunnerLog } from "../../src/action/runner-log.ts";
import { readState, type StepState } from "../../src/action/state.ts";
import { endingOf } from "../../src/action/unfinished.ts";
import { systemClock } from "../../src/clock.ts";

const ours = "d-1";
const left: StepState = {
  ended: false,
  deployment: { environment: "staging", id: ours },
  ssh: { folder: "", agent: "" },
};

function status(operation: { deployment: string; committed: boolean } | null, ...tickets: string[]): unknown {
  return [{ environment: "staging", state: { operation, tickets: tickets.map((deployment) => ({ deployment })) } }];
}

test("before the commit point it goes back, after it forward, and what has not begun is called off", () => {
  assert.equal(endingOf(status({ deployment: ours, committed: false }), ours), "abort");
  assert.equal(endingOf(status({ deployment: ours, committed: true }), ours), "resume");
  assert.equal(endingOf(status(null, "d-9", ours), ours), "cancel");
});

test("what has ended, and what is another's, is left alone", () => {
  assert.equal(endingOf(status(null), ours), "nothing");
  assert.equal(endingOf(status({ deployment: "d-2", committed: false }, "d-3"), ours), "nothing");
  assert.equal(endingOf([{ state: null, error: null }], ours), "nothing");
});

test("what could not be looked at is not taken for ended", async () => {
  for (const unseen of [undefined, [], [{ state: null, error: { code: "ssh/unreachable" } }], "x"])
    assert.equal(endingOf(unseen, ours), "unseen");
  const { exit, log, asked } = await end(left, [{ environment: "staging", state: null, error: { code: "x" } }]);
  assert.equal(exit, 1);
  assert.equal(asked.length, 1);
  assert.match(log, /^::error [^\n]*whether d-1 has ended could not be seen[^\n]*shiplock status staging/m);
});

/** The end of a step, with an engine that answers `status` like this. */
async function end(
  state: StepState,
  answer: unknown,
  exits: Readonly<Record<string, number>> = {},
  asked: string[] = [],
): Promise<{ exit: number; asked: string[]; log: string; summary: string }> {
  let log = "";
  let summary = "";
  const world: ActionWorld = {
    env: { INPUT_COMMAND: "deploy", INPUT_ENVIRONMENT: "staging", INPUT_PROJECT: "web" },
    cwd: "/repo",
    log: createRunnerLog({ write: (text) => (log += text) }),
    files: { output: async () => undefined, state: () => undefined, summary: async (text) => void (summary += text) },
    signal: new AbortController().signal,
    main: async ({ argv, listener, stdout }: MainOptions) => {
      const [command = ""] = argv;
      asked.push(argv.join(" "));
      stdout.write(`says ${command}\n`);
      if (command === "status") listener?.result(answer);
      else listener?.event({ kind: "state", deployment: ours, state: "rolled-back", outcome: "it was taken back" });
      return exits[command] ?? 0;
    },
    version: "0",
    clock: systemClock,
  };
  const exit = await endAction(world, state);
  return { exit, asked, log, summary };
}

test("the end of a killed step ends its deployment by the same commands, and the run's page says so", async () => {
  const { exit, asked, log, summary } = await end(left, status({ deployment: ours, committed: false }));
  assert.equal(exit, 0);
  assert.deepEqual(asked, ["status --project=web -- staging", "abort --project=web -- staging"]);
  assert.match(log, /was killed while it was working on d-1 in staging/);
  assert.doesNotMatch(log, /says status/);
  assert.match(
    summary,
    /abort of staging: rolled-back\n\nThe step was killed while it was working on d-1 in staging\./,
  );
  const forward = await end(left, status({ deployment: ours, committed: true }));
  assert.equal(forward.asked[1], "resume --no-watch --project=web -- staging d-1");
  const queued = await end(left, status(null, ours));
  assert.equal(queued.asked[1], "cancel --project=web -- staging d-1");
});

test("a step that came to its own end leaves nothing to do, and one whose deployment cannot be ended fails", async () => {
  assert.deepEqual((await end({ ...left, ended: true }, null)).asked, []);
  assert.deepEqual((await end({ ...left, deployment: null }, null)).asked, []);
  const stuck = await end(left, status({ deployment: ours, committed: false }), { abort: 4 });
  assert.equal(stuck.exit, 1);
});

test("what cannot be taken away from the machine keeps no deployment from being ended", async () => {
  const operation = status({ deployment: ours, committed: false });
  const asked: string[] = [];
  const broken = { ...left, ssh: { folder: "\0", agent: "" } };
  await assert.rejects(end(broken, operation, {}, asked), { code: "ERR_INVALID_ARG_VALUE" });
  assert.deepEqual(asked, ["status --project=web -- staging", "abort --project=web -- staging"]);
});

test("a step knows by what it left whether it runs for the first time", () => {
  assert.equal(readState({ STATE_other: "x" }), null);
  assert.deepEqual(readState({ STATE_began: "true" }), { ...left, deployment: null });
  assert.deepEqual(
    readState({
      STATE_began: "true",
      STATE_ended: "true",
      STATE_environment: "staging",
      STATE_deployment: ours,
      "STATE_ssh-folder": "/t",
      "STATE_ssh-agent": "12",
    }),
    { ...left, ended: true, ssh: { folder: "/t", agent: "12" } },
  );
});
