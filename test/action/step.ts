import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runProgram } from "../../src/process.ts";

const limitMs = 60_000;

/** The Action's sources, or the bundle where a test says so. */
export const actionSource = join(import.meta.dirname, "../../src/action/index.ts");

export type RunningStep = {
  /** Everything it wrote so far. */
  log(): string;
  waitForLog(pattern: RegExp): Promise<void>;
  /** As GitHub's runner cancels: a signal to the process that it started. */
  signal(name: NodeJS.Signals): void;
  /** Resolves with the exit code; 128 where a signal ended it. */
  readonly ended: Promise<number>;
};

/** A step of a job, as the runner runs it: the Action's process with its inputs, its files, and its end. */
export type Step = AsyncDisposable & {
  /** The repository. */
  readonly workspace: string;
  readonly temp: string;
  commit(files: Readonly<Record<string, string>>): Promise<string>;
  start(inputs: Readonly<Record<string, string>>, env?: Readonly<Record<string, string>>): RunningStep;
  /** Runs it to its end. */
  run(
    inputs: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
  ): Promise<{ exit: number; log: string }>;
  /** The end of the step (`post`), with what it left. */
  end(
    inputs: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
  ): Promise<{ exit: number; log: string }>;
  outputs(): Record<string, string>;
  state(): Record<string, string>;
  summary(): string;
};

/**
 * @param given `action`: the file that is run, the Action's source or its bundle; `workspace`: a repository that is there already
 */
export async function createStep(given: { action?: string; workspace?: string } = {}): Promise<Step> {
  const action = given.action ?? actionSource;
  const root = mkdtempSync(join(tmpdir(), "action-step-"));
  const workspace = given.workspace ?? join(root, "workspace");
  const temp = join(root, "temp");
  for (const folder of [workspace, temp]) mkdirSync(folder, { recursive: true });
  const running: { kill(): void; ended: Promise<number> }[] = [];
  const file = (name: string): string => join(root, name);
  if (given.workspace === undefined) await git("init", "--quiet", "--initial-branch=main");

  async function git(...args: string[]): Promise<string> {
    const identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false"];
    const result = await runProgram("git", ["-C", workspace, ...identity, ...args], { timeoutMs: limitMs });
    assert.equal(result.exitCode, 0, result.stderr);
    return result.stdout.trim();
  }

  function start(inputs: Readonly<Record<string, string>>, env: Readonly<Record<string, string>> = {}): RunningStep {
    const child = spawn(process.execPath, [action], {
      cwd: workspace,
      env: {
        ...{ PATH: process.env["PATH"], HOME: root, SHIPLOCK_LEDGER: file("ledger.db"), SHIPLOCK_WHO: "ada" },
        ...{ CI: "true", GITHUB_WORKSPACE: workspace, RUNNER_TEMP: temp },
        ...{ GITHUB_OUTPUT: file("output"), GITHUB_STATE: file("state"), GITHUB_STEP_SUMMARY: file("summary") },
        ...{ GITHUB_SERVER_URL: "https://github.com", GITHUB_REPOSITORY: "acme/shop", GITHUB_RUN_ID: "7" },
        ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`INPUT_${name.toUpperCase()}`, value])),
        ...env,
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let log = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (log += chunk.toString()));
    const ended = once(child, "close").then(([code]) => (typeof code === "number" ? code : 128));
    running.push({ kill: () => child.kill("SIGKILL"), ended });
    return {
      log: () => log,
      async waitForLog(pattern) {
        const late = AbortSignal.timeout(limitMs);
        while (!pattern.test(log)) {
          if (child.exitCode !== null) assert.fail(`it ended without saying ${String(pattern)}:\n${log}`);
          await Promise.race([once(child.stdout, "data", { signal: late }), ended]);
        }
      },
      signal: (name) => child.kill(name),
      ended,
    };
  }

  async function run(
    inputs: Readonly<Record<string, string>>,
    env?: Readonly<Record<string, string>>,
  ): Promise<{ exit: number; log: string }> {
    const step = start(inputs, env);
    return { exit: await step.ended, log: step.log() };
  }

  return {
    workspace,
    temp,
    async commit(files) {
      for (const [name, text] of Object.entries(files)) writeFileSync(join(workspace, name), text);
      await git("add", "--all");
      await git("commit", "--quiet", "--allow-empty", "--message", "A commit");
      return git("rev-parse", "HEAD");
    },
    start,
    run,
    end: (inputs, env) => {
      const state = Object.entries(valuesOf(file("state"))).map(([name, value]) => [`STATE_${name}`, value]);
      return run(inputs, { ...(Object.fromEntries(state) as Record<string, string>), ...env });
    },
    outputs: () => valuesOf(file("output")),
    state: () => valuesOf(file("state")),
    summary: () => textOf(file("summary")),
    async [Symbol.asyncDispose]() {
      for (const one of running) one.kill();
      await Promise.all(running.map(({ ended }) => ended));
      rmSync(root, { recursive: true, force: true });
    },
  };
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

/** What a step wrote into one of the runner's files, as the runner reads it: the last value of a name counts. */
function valuesOf(path: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = textOf(path).split("\n");
  for (let at = 0; at < lines.length; at += 1) {
    const [, name, end] = /^([^<]+)<<(.+)$/.exec(lines[at] ?? "") ?? [];
    if (name === undefined || end === undefined) continue;
    const last = lines.indexOf(end, at + 1);
    values[name] = lines.slice(at + 1, last).join("\n");
    at = last;
  }
  return values;
}
