import { createHmac, timingSafeEqual } from "node:crypto";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { dirname, resolve } from "node:path";
import { type GitHubSimulator, startGitHubSimulator } from "../../../packages/github-simulator/src/index.ts";
import type { JsonObject } from "../../../src/json.ts";
import { runProgram } from "../../../src/process.ts";
import type { GitHubEvent } from "../runner/events.ts";
import type { TokenPermissions } from "../runner/permissions.ts";
import { createRunner, type Runner } from "../runner/runner.ts";
import type { Settings, WorkflowRun } from "../runner/types.ts";
import { until } from "../../lab/process.ts";
import { eventOf } from "../runner/webhook-events.ts";
import { actionPin, type Files } from "./files.ts";

/** A repository on GitHub with its workflows, as a team uses it. */
export type World = AsyncDisposable & {
  readonly github: GitHubSimulator;
  readonly runner: Runner;
  /** The run of a workflow (`pull-request`, `deploy`, …) that came after so many others, once every webhook has been heard. */
  run(workflow: string, before: number): Promise<WorkflowRun>;
  /** How many runs of a workflow there were so far. */
  count(workflow: string): number;
  /** Somebody presses "Run workflow". */
  dispatch(workflow: string, inputs: JsonObject, who: string, branch?: string): Promise<WorkflowRun>;
  /** The time of a schedule has come. */
  tick(cron: string): Promise<WorkflowRun[]>;
  /** When every webhook was delivered and every run has ended, what follows from them included. */
  settled(): Promise<void>;
  git(...args: string[]): Promise<string>;
};

export type WorldOptions = {
  /** First commit of `main`. */
  readonly files: Files;
  readonly settings?: Settings;
  readonly environments?: Readonly<Record<string, Settings>>;
  /** Environment of the machines that jobs run on, beside `PATH`. */
  readonly machine?: Readonly<Record<string, string>>;
  readonly limitMs?: number;
  /** Folder of the action that workflows use; this repository, with the bundled file that is checked in, unless told. */
  readonly action?: string;
};

/** For a test to let a run into a protected environment. */
const longestApprovalMs = 60_000;
const secret = "between GitHub and its runners";
const root = resolve(import.meta.dirname, "../../..");
const path = `${dirname(process.execPath)}:/usr/local/bin:/usr/bin:/bin`;

/** Starts GitHub, with ada, grace and linus as people who may write, and `files` as the first commit, which no workflow has heard of. */
export async function createWorld(options: WorldOptions): Promise<World> {
  const github = await startGitHubSimulator();
  for (const login of ["ada", "grace", "linus"]) github.person(login);
  github.person("eve", "none");
  await github.push("main", { files: options.files, by: "ada", message: "Begin" });

  const git = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await runProgram("git", ["--git-dir", github.git, ...args], {
      env: { PATH: path, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: "/dev/null" },
      timeoutMs: 30_000,
    });
    if (exitCode === 0) return stdout.trim();
    throw new Error(`git ${args.join(" ")}: ${stderr}`);
  };
  const commitOf = async (ref: string): Promise<string | null> =>
    await git("rev-parse", "--verify", "--quiet", `${ref}^{commit}`).catch(() => null);

  const runner = createRunner({
    repository: { ...github.repository, folder: github.git, defaultBranch: "main" },
    api: github.api,
    token: (permissions) => github.token(ofSimulator(permissions)),
    action: { uses: actionPin.uses, folder: options.action ?? root },
    machine: { PATH: path, LANG: "C.UTF-8", ...options.machine },
    approved: async (environment, { id }, signal) => {
      const reviewers = github.world.environments.get(environment)?.protection.reviewers ?? [];
      if (reviewers.length === 0) return true;
      const answer = (): string | undefined =>
        github.world.runs
          .find((run) => run.id === id)
          ?.approvals.find(({ environments }) => environments.includes(environment))?.state;
      await until(() => signal.aborted || answer() !== undefined, { timeoutMs: longestApprovalMs, everyMs: 20 });
      return answer() === "approved";
    },
    observe: {
      began: async ({ id, attempt, event, workflow, name: title, triggeringActor: by }) => {
        const { name, file } = workflow;
        const about = { id, workflow: name, path: file, event: event.name, ref: event.sha, title, by };
        if (attempt === 1) await github.startRun(about);
      },
      ended: async ({ id }, conclusion) => await github.endRun(id, conclusion),
    },
    settings: options.settings ?? {},
    environments: options.environments ?? {},
    limitMs: options.limitMs ?? 120_000,
  });
  // One after the other, so that runs begin in the order in which things happened.
  let handled: Promise<void> = Promise.resolve();
  let failure: Error | null = null;

  async function hear(name: string, payload: JsonObject): Promise<void> {
    try {
      const event = await eventOf(name, payload, { resolve: commitOf, defaultBranch: "main" });
      if (event !== null) await runner.trigger(event);
    } catch (error) {
      failure ??= error instanceof Error ? error : new Error(String(error));
    }
  }

  const receiver = await listenForWebhooks((name, payload) => {
    // What runs begin themselves starts no other run, and ends of runs the runner tells itself.
    if (name === "workflow_run" || actorOf(payload).endsWith("[bot]")) return;
    handled = handled.then(() => hear(name, payload));
  });
  github.hook({ url: receiver.url, secret, events: ["push", "pull_request", "release"] });
  await github.delivered();

  const fileOf = (workflow: string): string => `.github/workflows/shiplock-${workflow}.yml`;
  const runsOf = (workflow: string): WorkflowRun[] =>
    runner.runs.filter((run) => run.workflow.file === fileOf(workflow));

  async function byHand(event: Omit<GitHubEvent, "sha">): Promise<WorkflowRun[]> {
    const sha = await commitOf(event.ref);
    if (sha === null) throw new Error(`there is no ${event.ref}`);
    const { owner, name } = github.repository;
    const repository = { full_name: `${owner}/${name}`, name, owner: { login: owner }, default_branch: "main" };
    const payload = { ...event.payload, repository, sender: { login: event.actor } };
    return await runner.trigger({ ...event, sha, payload });
  }

  async function settled(): Promise<void> {
    await github.delivered();
    await handled;
    await runner.idle();
    if (failure !== null) throw failure;
  }

  return {
    github,
    runner,
    git,
    settled,
    count: (workflow) => runsOf(workflow).length,
    run: async (workflow, before) => {
      await github.delivered();
      await handled;
      if (failure !== null) throw failure;
      const found = runsOf(workflow).at(before);
      if (found === undefined) throw new Error(`nothing started ${workflow}`);
      return found;
    },
    dispatch: async (workflow, inputs, who, branch = "main") => {
      const ref = `refs/heads/${branch}`;
      const payload = { inputs, ref, workflow: fileOf(workflow) };
      const [run] = await byHand({ name: "workflow_dispatch", ref, actor: who, payload });
      if (run === undefined) throw new Error(`${fileOf(workflow)} cannot be started by hand`);
      return run;
    },
    tick: async (cron) =>
      await byHand({ name: "schedule", ref: "refs/heads/main", actor: "ada", payload: { schedule: cron } }),
    [Symbol.asyncDispose]: async () => {
      await runner[Symbol.asyncDispose]();
      await receiver.close();
      await github.close();
    },
  };
}

/** GitHub's API calls scopes otherwise than its workflows do, and some of them are not the API's. */
function ofSimulator(permissions: TokenPermissions): TokenPermissions {
  const elsewhere = ["id-token", "packages"];
  return Object.fromEntries(
    Object.entries({ metadata: "read" as const, ...permissions })
      .filter(([scope]) => !elsewhere.includes(scope))
      .map(([scope, right]) => [scope.replaceAll("-", "_"), right]),
  );
}

function actorOf(payload: JsonObject): string {
  const sender = payload["sender"] as JsonObject | undefined;
  return String(sender?.["login"] ?? "");
}

/** Takes webhooks whose signature is right; each is answered at once, as GitHub wants it. */
async function listenForWebhooks(
  hear: (name: string, payload: JsonObject) => void,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server: Server = createServer((request, response) => {
    void bodyOf(request).then((body) => {
      const known = createHmac("sha256", secret).update(body).digest();
      const said = Buffer.from(String(request.headers["x-hub-signature-256"] ?? "").replace("sha256=", ""), "hex");
      const right = said.length === known.length && timingSafeEqual(said, known);
      if (right) hear(String(request.headers["x-github-event"]), JSON.parse(body.toString("utf8")) as JsonObject);
      response.writeHead(right ? 202 : 401).end();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    close: async () => {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
