import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type GitHubSimulator, startGitHubSimulator } from "../../packages/github-simulator/src/index.ts";
import { type CommandContext, openHistory } from "../../src/cli/context.ts";
import { createGitHubMemory } from "../../src/cli/github-memory.ts";
import { createOutput } from "../../src/cli/output.ts";
import { recordHistory } from "../../src/cli/record-history.ts";
import { carryOut } from "../../src/cli/run-deployment.ts";
import { systemClock, waitFor } from "../../src/clock.ts";
import { abortDeployment, resumeDeployment, runDeployment } from "../../src/deploy/deployment.ts";
import type { DeploymentOutcome, DeploymentPorts, DeploymentRequest } from "../../src/deploy/request.ts";
import { ShiplockError } from "../../src/errors.ts";
import { secretValue, startDeployer } from "../fakes/deployer.ts";
import { shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, type World } from "../fakes/world.ts";

const [v1, v2] = [shop("v1", { migration: false }), shop("v2", { migration: false })];
const nobody = { event: () => undefined, reviews: async () => undefined };
const written = [
  "project: shop",
  "registry: { address: registry.test/shop }",
  "images: { web: { context: . }, api: { context: . }, worker: { context: . } }",
  "services: { web: { image: web, port: 3000, health: /health } }",
  "environments:",
  "  production: { url: https://shop.example.com, target: { compose: { hosts: [nowhere.invalid] } } }",
];

/** A runner of GitHub's: nothing of an earlier one is on it. */
type Runner = { context: CommandContext; said: () => string };

describe("history in a run of a GitHub workflow", () => {
  let fleet: SocketFleet;
  let github: GitHubSimulator;
  let folder: string;
  let runners = 0;
  before(async () => {
    fleet = await openSocketFleet();
    folder = await mkdtemp(join(tmpdir(), "shiplock-runners-"));
    await writeFile(join(folder, "shiplock.yml"), written.join("\n"));
  });
  after(async () => {
    await fleet.close();
    await rm(folder, { recursive: true });
  });

  function runner(more: Record<string, string> = {}, signal = new AbortController().signal): Runner {
    runners += 1;
    let text = "";
    const stream = { write: (line: string) => void (text += line) };
    const output = createOutput({ json: true, stdout: { write: () => true }, stderr: stream, environment: {} });
    const env = {
      ...{ SHIPLOCK_LEDGER: join(folder, `ledger-${runners}.db`), GITHUB_ACTIONS: "true", GITHUB_RUN_ID: "7" },
      ...{ GITHUB_REPOSITORY: "acme/shop", GITHUB_API_URL: github.api, GITHUB_SERVER_URL: "https://github.com" },
      ...{ GITHUB_TOKEN: github.token({ deployments: "write", checks: "write", contents: "read" }), ...more },
    };
    const given = { options: {}, cwd: folder, env, output, signal, commandLine: "shiplock deploy production" };
    return { context: { ...given, github: createGitHubMemory() }, said: () => text };
  }

  /** Does something on a fresh runner, as a command does. */
  async function onRunner(
    world: World,
    work: (request: DeploymentRequest, ports: DeploymentPorts) => Promise<DeploymentOutcome | null>,
    { deployment, version = v1, at = runner() }: { deployment: string; version?: typeof v1; at?: Runner },
  ): Promise<number> {
    const deployer = await startDeployer(world);
    try {
      const request = deployer.request(version, { deployment });
      return await carryOut(at.context, deployer.session, (ports) => work(request, ports), "nothing", nobody);
    } finally {
      await deployer.close();
    }
  }

  /** A runner that is gone in the middle: its connections are cut, or it is only heard of no more; in both cases nobody writes down how it went. */
  async function killed(world: World, deployment: string, dies: (by: { cut(): void; silence(): void }) => void) {
    const deployer = await startDeployer(world);
    const { context } = runner();
    const ledger = await openHistory(context);
    const history = recordHistory(ledger, context.output, context.output.mask);
    const request = deployer.request(v2, { deployment });
    let dead = false;
    const silence = (): void => void (dead = true);
    dies({
      silence,
      cut: () => {
        silence();
        deployer.cut();
      },
    });
    const tell: DeploymentPorts["tell"] = (event) => {
      if (!dead) history.tell(event);
    };
    const ports = { session: deployer.session, clock: world.clock, signal: context.signal, tell };
    await runDeployment(request, ports).catch((error: unknown) => assert.ok(error instanceof ShiplockError));
    world.onCall = undefined;
    await deployer.close();
    const told = async (): Promise<true | null> => (states().includes("in_progress: running") ? true : null);
    assert.ok(await waitFor(systemClock, { timeoutMs: 10_000, intervalMs: 5 }, told), states().join());
  }

  /** Where the records of production stand, newest first. */
  function states(): string[] {
    return github.world.deployments.toReversed().map(({ statuses }) => {
      const last = statuses.at(-1);
      return `${last?.state}: ${last?.description}`;
    });
  }

  async function withGitHub(work: () => Promise<void>): Promise<void> {
    github = await startGitHubSimulator({ madeUpCommits: true });
    try {
      await work();
    } finally {
      await github.close();
    }
  }

  it("is on GitHub what happened: what is live, what it replaced, and the release for the next runner", () =>
    withGitHub(async () => {
      const world = createWorld(fleet, [v1, v2]);
      assert.equal(await onRunner(world, runDeployment, { deployment: "d-1" }), 0);
      assert.equal(await onRunner(world, runDeployment, { deployment: "d-2", version: v2 }), 0);
      assert.deepEqual(states(), [
        `success: succeeded: ${v2.release.id} is live`,
        `inactive: succeeded: replaced by ${v2.release.id}`,
      ]);
      const status = github.world.deployments.at(-1)?.statuses.at(-1);
      assert.equal(status?.environmentUrl, "https://shop.example.com");
      assert.equal(status?.logUrl, "https://github.com/acme/shop/actions/runs/7");
      assert.equal(github.world.deployments.at(-1)?.sha, v2.release.commit);
      const next = await openHistory(runner().context);
      assert.deepEqual((await next.findRelease("shop", v2.release.id))?.payload, v2.release);
      await next.close();
      assert.ok(!JSON.stringify(github.requests).includes(secretValue));
    }));

  it("has an end where the run of the workflow is cancelled in the middle", () =>
    withGitHub(async () => {
      const world = createWorld(fleet, [v1, v2]);
      await onRunner(world, runDeployment, { deployment: "d-1" });
      const cancel = new AbortController();
      world.onCall = ({ name }) => void (name === "engine.startContainer" && cancel.abort("SIGINT"));
      const at = runner({}, cancel.signal);
      assert.equal(await onRunner(world, runDeployment, { deployment: "d-2", version: v2, at }), 130);
      const [cancelled, live] = states();
      assert.match(cancelled ?? "", /^failure: rolled-back: /);
      assert.equal(live, `success: succeeded: ${v1.release.id} is live`);
    }));

  it("is ended by who resumes what a dead runner left, in the same record", () =>
    withGitHub(async () => {
      const world = createWorld(fleet, [v1, v2]);
      await onRunner(world, runDeployment, { deployment: "d-1" });
      await killed(world, "d-2", ({ cut }) => {
        world.onCall = ({ name }) => void (name === "engine.startContainer" && cut());
      });
      assert.equal(states()[0], "in_progress: running");
      assert.equal(await onRunner(world, resumeDeployment, { deployment: "d-2" }), 0);
      assert.deepEqual(states(), [
        `success: succeeded: ${v2.release.id} is live`,
        `inactive: succeeded: replaced by ${v2.release.id}`,
      ]);
    }));

  it("is ended by who takes back what a dead runner left", () =>
    withGitHub(async () => {
      const world = createWorld(fleet, [v1, v2]);
      await onRunner(world, runDeployment, { deployment: "d-1" });
      await killed(world, "d-2", ({ cut }) => {
        world.onCall = ({ name }) => void (name === "engine.startContainer" && cut());
      });
      await onRunner(world, abortDeployment, { deployment: "d-2" });
      const [left, live] = states();
      assert.match(left ?? "", /^failure: rolled-back: /);
      assert.equal(live, `success: succeeded: ${v1.release.id} is live`);
    }));

  it("says of what a dead runner left that it is interrupted, and what to do, as soon as anybody comes by", () =>
    withGitHub(async () => {
      const world = createWorld(fleet, [v1, v2]);
      await onRunner(world, runDeployment, { deployment: "d-1" });
      await killed(world, "d-2", ({ cut }) => {
        world.onCall = ({ name }) => void (name === "engine.startContainer" && cut());
      });
      await assert.rejects(onRunner(world, runDeployment, { deployment: "d-3" }), { code: "deploy/unfinished" });
      assert.match(
        states().find((state) => state.includes("runner")) ?? "",
        /^error: interrupted: its runner is gone; `shiplock resume production` goes on/,
      );
      assert.ok(!states().some((state) => state.startsWith("in_progress")));
    }));

  it("says how it ended where the environment knows, although the runner died before it could say so", () =>
    withGitHub(async () => {
      const world = createWorld(fleet, [v1, v2]);
      await onRunner(world, runDeployment, { deployment: "d-1" });
      await killed(world, "d-2", ({ silence }) => {
        world.onCall = ({ name }) => void (name === "engine.startContainer" && silence());
      });
      // It became live all the same, and its runner could not say so any more.
      assert.equal(states()[0], "in_progress: running");
      assert.equal(await onRunner(world, resumeDeployment, { deployment: "d-3" }), 0);
      assert.deepEqual(states(), [
        `success: succeeded: ${v2.release.id} is live on 2 hosts`,
        `inactive: succeeded: replaced by ${v2.release.id}`,
      ]);
    }));

  it("does not take for live what a dead runner made live and somebody else replaced since", () =>
    withGitHub(async () => {
      const world = createWorld(fleet, [v1, v2]);
      await killed(world, "d-1", ({ silence }) => {
        world.onCall = ({ name }) => void (name === "engine.startContainer" && silence());
      });
      assert.equal(await onRunner(world, runDeployment, { deployment: "d-2" }), 0);
      assert.deepEqual(states(), [
        `success: succeeded: ${v1.release.id} is live`,
        "inactive: succeeded: replaced by another release",
      ]);
    }));

  it("stays on the runner where GitHub cannot be asked, with one warning, and the deployment goes on", () =>
    withGitHub(async () => {
      const world = createWorld(fleet, [v1, v2]);
      const at = runner({ GITHUB_TOKEN: "" });
      assert.equal(await onRunner(world, runDeployment, { deployment: "d-1", at }), 0);
      assert.equal(at.said().match(/warning/g)?.length, 1);
      assert.match(at.said(), /history is not shared through GitHub: there is no token for acme\/shop/);
      assert.equal(github.requests.length, 0);
    }));
});
