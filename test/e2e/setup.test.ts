import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { labAvailability } from "../lab/availability.ts";
import { askEngine } from "../lab/engine.ts";
import type { LabHost } from "../lab/host.ts";
import { ensureBaseImages } from "../lab/images/base-images.ts";
import type { Lab } from "../lab/lab.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { containersOf, lookAt } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const availability = labAvailability();

/** Longer than Docker waits by itself before it kills (10 s), and less than the worker is given. */
const lastJobMs = 11_000;

const compose = `services:
  web:
    build: .
    ports: ["\${WEB_PORT:-3000}:3000"]
    depends_on: [store]
  worker:
    build: .
    command: [node, worker.mjs]
    depends_on: [store]
  store:
    image: node:24-slim
    command: [node, -e, "setInterval(() => {}, 60000)"]
    init: true
    volumes: ["data:/data"]
volumes:
  data: {}
`;

/** A worker that has no port: it finishes the job at hand when it is told to end, and says by a command whether it is well. */
const worker = `import { readFileSync } from "node:fs";
const { version, healthStatus } = JSON.parse(readFileSync("version.json", "utf8"));
if (process.argv[2] === "health") process.exit(healthStatus === 500 ? 1 : 0);
console.log(version, "has a job at hand");
const busy = setInterval(() => {}, 1000);
process.on("SIGTERM", () => {
  console.log(version, "was told to end");
  setTimeout(() => {
    console.log(version, "finished its job");
    clearInterval(busy);
  }, ${lastJobMs});
});
`;

describe("bare hosts and what runs beside the web", {
  skip: availability.available ? false : availability.reason,
}, () => {
  let lab: Lab;
  /** Staging, which is set up by hand. */
  let first: LabHost;
  /** Production, which its first deployment sets up. */
  let second: LabHost;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "setup", hosts: 2 });
    first = lab.host("host-1");
    second = lab.host("host-2");
    // The backing service's image has to be on the hosts, as a pulled one would be.
    for (const { socketPath } of lab.hosts)
      await ensureBaseImages({ socketPath, only: ["node:24-slim"], log: () => undefined });
    app = await createProject(lab, { hosts: { production: ["host-2"] } });
    app.write(".dockerignore", "");
    app.write(
      "Dockerfile",
      'FROM node:24-slim\nWORKDIR /app\nCOPY server.mjs worker.mjs version.json ./\nUSER node\nCMD ["node", "server.mjs"]\n',
    );
    app.write("compose.yml", compose);
    app.write("worker.mjs", worker);
    app.configure([
      { path: ["services", "caller"], value: undefined },
      { path: ["services", "web", "drain"], value: "5s" },
      {
        path: ["services", "worker"],
        value: {
          image: "app",
          health: { command: ["node", "worker.mjs", "health"], startPeriod: "4s" },
          stopGrace: "25s",
        },
      },
    ]);
    await app.commit("A web service, its worker and a store");
  });

  after(async () => {
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  /** A router's name says what it answers to, which is no matter here. */
  const names = async (host: LabHost) =>
    (await lookAt(host)).containers.map(
      ({ name, state }) => `${name.replace(/router-[0-9a-f]{8}$/, "router")} ${state}`,
    );
  const images = async (host: LabHost): Promise<string[]> => {
    const list = JSON.parse((await askEngine(host.socketPath, "GET", "/images/json")).body) as {
      RepoTags: string[] | null;
    }[];
    return list.flatMap(({ RepoTags }) => RepoTags ?? []).sort();
  };

  test("setup gives a bare host its network, its proxy and its backing services and nothing else; again, it changes nothing", async () => {
    const bare = await lookAt(first);
    assert.deepEqual(bare.containers, []);
    const imagesBefore = await images(first);
    const told = await app.must(["setup", "staging"]);
    assert.match(told.stdout, /✓ host-1: start backing services for the first time: store/);
    assert.match(told.stdout, /✓ host-1: set up the proxy/);
    assert.match(told.stdout, /staging is set up\n$/);
    const set = await lookAt(first);
    assert.deepEqual(await names(first), [
      "shiplock-edge running",
      "switchboard-staging-shiplock-port-8081-1 running",
      "switchboard-staging-shiplock-router running",
      "switchboard-staging-store-1 running",
    ]);
    assert.deepEqual(set.volumes, ["switchboard-staging_data"]);
    assert.deepEqual(set.networks, [...bare.networks, "switchboard-staging_default"].sort());
    assert.deepEqual(await images(first), imagesBefore);
    assert.equal(app.state(first)?.live ?? null, null);

    const again = (await app.must(["setup", "staging", "--json"])).json as { host: string; acted: boolean }[];
    assert.ok(again.length > 0);
    assert.ok(
      again.every(({ acted }) => !acted),
      JSON.stringify(again),
    );
    assert.match((await app.must(["setup", "staging"])).stdout, /staging has everything it needs\n$/);
    assert.deepEqual(await lookAt(first), set);
  });

  test("the first deployment to a bare host does the same in steps that its plan shows; one to a host that is set up has none of them", async () => {
    await app.must(["setup", "staging"]);
    const ready = await app.must(["plan", "staging"]);
    assert.doesNotMatch(ready.stdout, /backing services|set up the proxy/);

    const bare = await lookAt(second);
    const planned = await app.must(["plan", "production"]);
    assert.match(
      planned.stdout,
      / {2}host-2\n(?: {4}.*\n)* {4}backing +start backing services for the first time: store\n/,
    );
    assert.match(planned.stdout, /\n {4}proxy +set up the proxy\n/);
    assert.deepEqual(await lookAt(second), bare, "plan changed the host");
    const done = await app.must(["deploy", "production"]);
    assert.match(done.stdout, /✓ host-2: start backing services for the first time: store/);
    assert.match(done.stdout, /✓ host-2: set up the proxy/);
    assert.deepEqual(await names(second), [
      "shiplock-edge running",
      "switchboard-production-shiplock-port-8080-1 running",
      "switchboard-production-shiplock-router running",
      "switchboard-production-store-1 running",
      "switchboard-production-web-a-1 running",
      "switchboard-production-worker-a-1 running",
    ]);

    const store = (await containersOf(first)).find(({ kind }) => kind === "backing");
    await app.must(["deploy", "staging"]);
    assert.deepEqual(
      (await containersOf(first)).find(({ kind }) => kind === "backing"),
      store,
    );
    assert.equal((await app.curl(first)).version, "v1");
  });

  test("a worker is replaced with its release: the new one runs before the old one gets SIGTERM, and that one has its grace to finish", async () => {
    const { old, version } = await liveWorker();
    await app.commitVersion("after");
    await app.must(["deploy", "staging"]);
    const fresh = await runningWorker();
    assert.notEqual(fresh.id, old.id);
    assert.equal(fresh.release, app.state(first)?.live?.release);
    const ended = (await containersOf(first)).find(({ id }) => id === old.id);
    assert.equal(ended?.state, "exited", "the old worker is not kept for the way back");
    const state = await stateOf(old.id);
    assert.equal(state.ExitCode, 0, "it was killed");
    assert.deepEqual(await linesOf(old.id), [
      `${version} has a job at hand`,
      `${version} was told to end`,
      `${version} finished its job`,
    ]);
    assert.ok(Date.parse(fresh.startedAt) < Date.parse(state.FinishedAt) - lastJobMs, "nobody worked for a while");
  });

  test("a release whose worker is ill is refused, though its web is well; the old worker goes on with its job", async () => {
    const { old, version } = await liveWorker();
    // The web answers at /, and only the worker's command says that something is wrong.
    app.configure([{ path: ["services", "web", "health"], value: "/" }]);
    await app.commitVersion("ill", { healthStatus: 500 });
    const refused = await app.run(["deploy", "staging"]);
    assert.equal(refused.code, 1, refused.stdout);
    assert.match(refused.stderr, /worker-[abc]-1 on host-1 was not healthy within 4 s/);
    assert.deepEqual(await runningWorker(), old);
    assert.deepEqual(await linesOf(old.id), [`${version} has a job at hand`]);
    assert.equal((await app.curl(first)).version, version);
  });

  /** The worker that runs, and its version: every deployment waits for the last job of the one before, so what is live will do. */
  async function liveWorker() {
    if ((app.state(first)?.live ?? null) === null) await app.must(["deploy", "staging"]);
    return { old: await runningWorker(), version: (await app.curl(first)).version };
  }

  async function runningWorker() {
    const workers = (await containersOf(first)).filter(
      ({ service, state }) => service === "worker" && state === "running",
    );
    const [only, ...more] = workers;
    assert.ok(only !== undefined && more.length === 0, `${workers.length} workers run`);
    return only;
  }

  async function stateOf(id: string): Promise<{ ExitCode: number; FinishedAt: string }> {
    const answer = await askEngine(first.socketPath, "GET", `/containers/${id}/json`);
    return (JSON.parse(answer.body) as { State: { ExitCode: number; FinishedAt: string } }).State;
  }

  async function linesOf(id: string): Promise<string[]> {
    const said = await first.exec(["docker", "logs", id], { user: first.sshUser });
    return said.stdout.trim().split("\n");
  }
});
