import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { systemClock } from "../../src/clock.ts";
import { processHooks } from "../../src/deploy/hooks/process-runner.ts";
import type { HookCommand } from "../../src/deploy/hooks/types.ts";
import type { HookRunner } from "../../src/deploy/hooks/worker.ts";
import type { ProcessEnd } from "../../src/marked-process.ts";
import { type HookBehaviour, fakeHooks, hookOf } from "../fakes/hooks.ts";

type Ran = { end: ProcessEnd; lines: string[] };

async function runHook(
  runner: HookRunner,
  run: HookCommand,
  more: { timeoutMs?: number; variables?: Record<string, string>; signal?: AbortSignal; onLine?: () => void } = {},
): Promise<Ran> {
  const lines: string[] = [];
  const { timeoutMs = 20_000, variables = {}, signal = new AbortController().signal } = more;
  const call = { hook: hookOf("one", { run, timeoutMs }), point: "before", variables } as const;
  const log = (line: string): void => {
    lines.push(line);
    more.onLine?.();
  };
  return { end: await runner.run(call, { signal, log }), lines };
}

/** What holds of every runner: of processes, and of the one without that other tests use. */
function contract(name: string, make: (behaviour: HookBehaviour) => { runner: HookRunner; run: HookCommand }): void {
  describe(`${name}, as every runner of hooks,`, () => {
    it("tells lines in their order, and the exit code", async () => {
      const { runner, run } = make({ lines: ["one", "two"], end: 3 });
      const done = await runHook(runner, run);
      assert.deepEqual(done, { end: { kind: "ended", exitCode: 3, because: null }, lines: ["one", "two"] });
    });

    it("stops a hook whose time is over", async () => {
      const { runner, run } = make({ lines: ["begun"], end: "hangs" });
      const done = await runHook(runner, run, { timeoutMs: 500 });
      assert.deepEqual(done, { end: { kind: "timed-out" }, lines: ["begun"] });
    });

    it("says that it was interrupted, before and while it runs", async () => {
      const { runner, run } = make({ lines: ["begun"], end: "hangs" });
      await assert.rejects(runHook(runner, run, { signal: AbortSignal.abort() }), { code: "hook/interrupted" });
      const stop = new AbortController();
      const running = runHook(runner, run, { signal: stop.signal, onLine: () => stop.abort() });
      await assert.rejects(running, { code: "hook/interrupted" });
    });

    it("says that there is no such program", async () => {
      const { runner, run } = make({ end: "missing" });
      await assert.rejects(runHook(runner, run), { code: "hook/not-started", blame: "usage" });
    });
  });
}

contract("the runner without processes", (behaviour) => ({
  runner: fakeHooks(() => behaviour),
  run: { kind: "arguments", arguments: ["one"] },
}));

contract("the runner of processes", ({ lines = [], end = 0 }) => ({
  runner: processHooks({ folder: tmpdir(), machine: process.env, clock: systemClock }),
  run:
    end === "missing"
      ? { kind: "arguments", arguments: ["shiplock-test-no-such-program"] }
      : {
          kind: "shell",
          line: [...lines.map((line) => `echo ${line}`), end === "hangs" ? "sleep 300" : `exit ${end}`].join("\n"),
        },
}));

describe("a hook as a process", () => {
  it("has its own variables, a few of the machine's, and nothing else that could be a secret", async () => {
    const machine = { PATH: process.env["PATH"], HOME: "/home/ada", LANG: "C", AWS_SECRET_ACCESS_KEY: "s3cret" };
    const runner = processHooks({ folder: tmpdir(), machine, clock: systemClock });
    const { lines } = await runHook(
      runner,
      { kind: "arguments", arguments: ["env"] },
      { variables: { SHIPLOCK_POINT: "before" } },
    );
    const names = lines.map((line) => line.split("=")[0] ?? "");
    assert.deepEqual(new Set(names), new Set(["HOME", "LANG", "PATH", "SHIPLOCK_HOOK", "SHIPLOCK_POINT"]));
  });

  it("runs in the folder of the configuration, and no shell takes a list of arguments apart", async (t) => {
    const folder = scratch(t);
    const runner = processHooks({ folder, machine: process.env, clock: systemClock });
    assert.deepEqual((await runHook(runner, { kind: "arguments", arguments: ["pwd"] })).lines, [folder]);
    const text = "$(id); `id` > x && $HOME";
    const { lines } = await runHook(runner, { kind: "arguments", arguments: ["echo", text] });
    assert.deepEqual(lines, [text]);
  });

  it("as a line of the user's is stopped by its first failure", async () => {
    const runner = processHooks({ folder: tmpdir(), machine: process.env, clock: systemClock });
    const { end, lines } = await runHook(runner, { kind: "shell", line: "echo one\nfalse\necho two" });
    assert.deepEqual([end, lines], [{ kind: "ended", exitCode: 1, because: null }, ["one"]]);
  });

  it("is asked to end before it is killed when its time is over", async () => {
    const runner = processHooks({ folder: tmpdir(), machine: process.env, clock: systemClock });
    const line = "trap 'echo tidied up; exit 0' TERM; echo begun; while :; do sleep 0.05; done";
    const { end, lines } = await runHook(runner, { kind: "shell", line }, { timeoutMs: 300 });
    assert.deepEqual([end, lines[0], lines.at(-1)], [{ kind: "timed-out" }, "begun", "tidied up"]);
  });

  it("leaves no process behind: not when it ends, and not when it is stopped and will not hear of it", {
    skip: process.platform !== "linux",
  }, async () => {
    const runner = processHooks({ folder: tmpdir(), machine: process.env, clock: systemClock, graceMs: 200 });
    const strays = "setsid sleep 300 & echo child $!; (trap '' TERM; sleep 300) & echo child $!;";
    const ended = await runHook(runner, { kind: "shell", line: strays });
    assert.equal(ended.end.kind, "ended");
    const stopped = await runHook(
      runner,
      { kind: "shell", line: `trap '' TERM; ${strays} sleep 300` },
      { timeoutMs: 300 },
    );
    assert.equal(stopped.end.kind, "timed-out");
    const children = [...ended.lines, ...stopped.lines].map((line) => Number(/child (\d+)/.exec(line)?.[1]));
    assert.equal(children.length, 4);
    for (const child of children) assert.equal(alive(child), false, `process ${child} is left`);
  });

  it("is shown without colours", async () => {
    const runner = processHooks({ folder: tmpdir(), machine: process.env, clock: systemClock });
    const { lines } = await runHook(runner, { kind: "arguments", arguments: ["printf", "\\033[31mred\\033[0m\\n"] });
    assert.deepEqual(lines, ["red"]);
  });
});

function alive(pid: number): boolean {
  try {
    // A process that ended and waits to be buried still has its number.
    return !readFileSync(`/proc/${pid}/stat`, "utf8").includes(") Z ");
  } catch {
    return false;
  }
}

function scratch(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "shiplock-hooks-")));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
