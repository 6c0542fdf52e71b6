import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, before, describe, test } from "node:test";
import { WebSocket } from "ws";
import { labAvailability } from "../lab/availability.ts";
import { askEngine, engineAnswers } from "../lab/engine.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { waitFor } from "../lab/process.ts";
import { assertRefused, changesNothing } from "./support/assertions.ts";
import { errorOf, type RunningCommand } from "./support/command.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { appsOf, lookAt, shiplockFolder } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const availability = labAvailability();
/** Longer than any of these tests waits: a release that is started with it is still starting when the fault comes. */
const slowStartMs = 60_000;

describe("faults lose nothing and can be recovered from anywhere", {
  skip: availability.available ? false : availability.reason,
}, () => {
  let lab: Lab;
  let host: LabHost;
  let app: Project;
  /** The version that is live now. */
  let live = "v1";

  before(async () => {
    lab = await startE2eLab({ name: "faults", hosts: [{ name: "host-1", diskLimitBytes: 4 * 1024 ** 3 }] });
    host = lab.host("host-1");
    app = await createProject(lab, {
      hosts: { staging: ["host-1"], production: ["host-1"] },
      configure: [
        { path: ["services", "web", "health"], value: { http: "/healthz", startPeriod: "90s" } },
        { path: ["services", "web", "drain"], value: "5m" },
        { path: ["services", "caller", "health"], value: { http: "/healthz", startPeriod: "90s" } },
        { path: ["environments", "staging", "secrets"], value: ["API_TOKEN"] },
        { path: ["environments", "staging", "lease"], value: { ttl: "5m" } },
      ],
    });
    Object.assign(app.env, { API_TOKEN: apiToken });
    addSecretToWeb(app);
    await app.commitVersion("v1");
    await app.must(["deploy", "staging"]);
  });

  // A test that fails must not make the others fail.
  afterEach(async () => {
    await app.killRunning();
    await lab.startRegistry();
    await lab.freeDisk(host);
    if (!(await engineAnswers(host.socketPath))) {
      await lab.startEngine(host);
      await answers(live);
    }
    if (app.state(host)?.operation) await app.run(["abort", "staging"]);
    live = (await app.curl(host).catch(() => null))?.version ?? live;
  });

  after(async () => {
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  const apiToken = "t0ken-that-nobody-may-see";

  function unchanged<T>(work: () => Promise<T>): Promise<T> {
    return changesNothing(app, host, live, work);
  }

  /** A deployment of a release that is still starting, caught in the step that waits for it. */
  async function deployUntilReadyStep(version: string): Promise<RunningCommand> {
    await app.commitVersion(version, { startDelayMs: slowStartMs });
    const running = app.start(["deploy", "staging", "--json=stream"]);
    await running.waitForOutput(began("ready"));
    return running;
  }

  async function deployNext(version: string): Promise<void> {
    await app.commitVersion(version);
    await app.must(["deploy", "staging"]);
    live = version;
    assert.equal((await app.curl(host)).version, version);
  }

  /** Runs a command in a clone without any local state, as on another machine. */
  async function fromElsewhere<T>(work: (clone: Project) => Promise<T>): Promise<T> {
    const clone = await app.clone();
    Object.assign(clone.env, { API_TOKEN: apiToken });
    try {
      return await work(clone);
    } finally {
      await clone[Symbol.asyncDispose]();
    }
  }

  describe("Ctrl-C", () => {
    test("during a build ends it at once; no host is touched and nothing is left behind", async () => {
      const dockerfile = readFileSync(join(app.folder, "Dockerfile"), "utf8");
      // Another one in every run, so that no cache answers it.
      const wait = `console.log("waiting"); setTimeout(() => {}, 60000) // ${randomUUID()}`;
      app.write("Dockerfile", `${dockerfile}RUN ${JSON.stringify(["node", "-e", wait])}\n`);
      await app.commit("A build that takes its time");
      try {
        await unchanged(async () => {
          const running = app.start(["deploy", "staging"]);
          await running.waitForOutput("] RUN");
          running.kill("SIGINT");
          const result = await running.ended;
          assert.equal(result.code, 130, result.stdout + result.stderr);
          assert.match(result.stderr, /interrupted before anything was changed/);
        });
      } finally {
        app.write("Dockerfile", dockerfile);
        await app.commit("A build as before");
      }
    });

    test("while the new release starts goes back to the old one", async () => {
      await unchanged(async () => {
        const running = await deployUntilReadyStep("v2-interrupted");
        running.kill("SIGINT");
        const result = await running.ended;
        assert.equal(result.code, 130, result.stdout + result.stderr);
        assert.match(result.stdout, /"state":"rolled-back"/);
      });
    });

    test("while the old release finishes its requests lets the new one, which is live, be completed", async () => {
      await app.commitVersion("v2");
      const talk = await openWebSocket(host, app.address());
      const running = app.start(["deploy", "staging", "--json=stream"]);
      await running.waitForOutput(began("drain"));
      running.kill("SIGINT");
      await running.waitForOutput("interrupted: ");
      assert.ok(await talk.echoes("still there?"), "the old release was stopped under an open connection");
      talk.close();
      const result = await running.ended;
      live = "v2";
      assert.equal(result.code, 0, result.stdout + result.stderr);
      assert.equal((await app.curl(host)).version, "v2");
      assert.equal(app.state(host)?.operation, null);
    });
  });

  describe("the registry is gone", () => {
    test("a build is refused, and a rollback to what the host kept needs no registry", async () => {
      await deployNext("v3");
      await lab.stopRegistry();
      try {
        await app.commitVersion("v4-no-registry");
        const result = await unchanged(() => app.run(["deploy", "staging", "--json"]));
        const error = errorOf(result);
        assert.equal(result.code, 1);
        assert.match(error.code, /^(engine\/registry-unreachable|registry\/unavailable)$/);
        assert.match(error.message, /registry/i);
        assert.ok(error.remedy);
        await app.must(["rollback", "staging"]);
        live = "v2";
        assert.equal((await app.curl(host)).version, "v2");
      } finally {
        await lab.startRegistry();
      }
    });
  });

  describe("the SSH connection is cut", () => {
    test("the message says what to do, the old release serves, and abort from another machine goes back", async () => {
      const before = await lookAt(host);
      const running = await deployUntilReadyStep("v4-cut");
      assert.ok((await lab.killSshSessions(host)) > 0);
      const result = await running.ended;
      assert.equal(result.code, 4, result.stdout + result.stderr);
      const told = (
        result.json as { result?: { state: string; error: { code: string; message: string; remedy: string } } }[]
      ).findLast((entry) => entry.result)?.result;
      assert.equal(told?.state, "interrupted");
      assert.match(told?.error.message ?? "", /right to change staging is gone: host-1: /);
      assert.match(told?.error.remedy ?? "", /shiplock resume staging.*shiplock abort staging/);
      assert.equal((await app.curl(host)).version, live);
      await fromElsewhere(async (clone) => {
        assert.match(
          (await clone.run(["status", "staging"])).stdout,
          /was interrupted: `shiplock resume staging` or `shiplock abort staging`/,
        );
        const refused = await clone.run(["deploy", "staging", "--json"]);
        assertRefused(refused, {
          exit: 4,
          code: "deploy/unfinished",
          says: /d-[0-9a-f]+/,
          remedy: /shiplock resume staging.*shiplock abort staging/,
        });
        await clone.must(["abort", "staging"]);
      });
      assert.deepEqual(await lookAt(host), before);
      assert.equal(app.state(host)?.operation, null);
      assert.deepEqual(readdirSync(app.temporary), []);
    });

    test("resume from another machine finishes what was begun", async () => {
      await app.commitVersion("v4", { startDelayMs: 4_000 });
      const running = app.start(["deploy", "staging", "--json=stream"]);
      await running.waitForOutput(began("ready"));
      await lab.killSshSessions(host);
      await running.ended;
      await fromElsewhere((clone) => clone.must(["resume", "staging"]));
      live = "v4";
      assert.equal((await app.curl(host)).version, "v4");
      assert.equal(app.state(host)?.operation, null);
      assert.match((await app.must(["status", "staging"])).stdout, /runs as recorded/);
    });
  });

  describe("the engine", () => {
    test("stops in the middle of a deployment: the message says so, and once it is back abort goes back", async () => {
      const before = await appsOf(host, "switchboard-staging");
      const running = await deployUntilReadyStep("v5-engine");
      await lab.stopEngine(host);
      const result = await running.ended;
      // An engine that stops goes on answering for a moment: that may be enough to go back; otherwise it is for abort to do.
      const open = app.state(host)?.operation !== null;
      assert.equal(result.code, open ? 4 : 1, result.stdout + result.stderr);
      assert.match(result.stdout, open ? /shiplock abort staging/ : /"state":"rolled-back"/);
      await lab.startEngine(host);
      await answers(live);
      if (open) await fromElsewhere((clone) => clone.must(["abort", "staging"]));
      const identity = ({ name, id, release, state }: (typeof before)[number]) => ({ name, id, release, state });
      assert.deepEqual((await appsOf(host, "switchboard-staging")).map(identity), before.map(identity));
      assert.equal(app.state(host)?.operation, null);
      assert.equal((await app.curl(host)).version, live);
    });

    test("is restarted after a deployment: what was live comes back, what was kept stays stopped, traffic is right", async () => {
      const before = await lookAt(host);
      await lab.restartEngine(host);
      await answers(live);
      const now = await lookAt(host);
      const states = (look: typeof now) => look.containers.map(({ name, state }) => `${name} ${state}`);
      assert.deepEqual(states(now), states(before));
      assert.ok(
        now.containers.some(({ state }) => state === "exited"),
        "no kept container is there to stay stopped",
      );
      assert.deepEqual(now.traffic, before.traffic);
      assert.match((await app.must(["status", "staging"])).stdout, /runs as recorded/);
    });
  });

  test("a proxy that is restarted by hand answers as before: where traffic goes is not in its memory", async () => {
    const { traffic, containers } = await lookAt(host);
    const proxies = containers.filter(({ kind }) => kind === "router" || kind === "port" || kind === "edge");
    assert.equal(proxies.length, 3);
    for (const { name } of proxies) {
      const answer = await askEngine(host.socketPath, "POST", `/containers/${name}/restart?t=1`, { timeoutMs: 30_000 });
      assert.equal(answer.status, 204, answer.body);
    }
    await answers(live);
    assert.deepEqual((await lookAt(host)).traffic, traffic);
    assert.match((await app.must(["drift", "staging"])).stdout, /no drift/);
  });

  describe("the disk of the host is full", () => {
    test("from the start: refused with a clear sentence, nothing changed, and deployed once there is room", async () => {
      await app.commitVersion("v5");
      await lab.fillDisk(host);
      try {
        const result = await app.run(["deploy", "staging", "--json"]);
        const error = errorOf(result);
        assert.match(error.message, /disk/, result.stdout + result.stderr);
        assert.match(error.remedy ?? "", /room/, result.stdout);
        assert.equal((await app.curl(host)).version, live);
        assert.equal(app.state(host)?.operation, null);
      } finally {
        await lab.freeDisk(host);
      }
      await app.must(["deploy", "staging"]);
      live = "v5";
      assert.equal((await app.curl(host)).version, "v5");
    });

    test("in the middle of a release that fails: the old release serves, and what is left is taken back once there is room", async () => {
      const before = await appsOf(host, "switchboard-staging");
      const running = await deployUntilReadyStep("v6-full");
      await lab.fillDisk(host);
      let open = false;
      try {
        const started = (await appsOf(host, "switchboard-staging")).find(
          ({ id, service }) => service === "web" && !before.some((old) => old.id === id),
        );
        await askEngine(host.socketPath, "POST", `/containers/${started?.id}/kill`);
        const result = await running.ended;
        // What is left in the journal's last block may be enough to go back; otherwise it is for abort to do.
        open = app.state(host)?.operation !== null;
        assert.equal(result.code, open ? 4 : 1, result.stdout + result.stderr);
        if (open) assert.match(result.stdout, /the disk of the host is full[^]*shiplock abort staging/);
        assert.equal((await app.curl(host)).version, live);
      } finally {
        await lab.freeDisk(host);
      }
      if (open) await fromElsewhere((clone) => clone.must(["abort", "staging"]));
      assert.deepEqual(await appsOf(host, "switchboard-staging"), before);
      assert.equal((await app.curl(host)).version, live);
      assert.equal(app.state(host)?.operation, null);
    });
  });

  test("of two deployers at the same moment one works, and the other says who has it, since when and from where, or waits", async () => {
    await app.commitVersion("v7");
    await fromElsewhere(async (clone) => {
      await clone.commitVersion("v8");
      // The first one waits for this connection to end, as long as the test wants.
      const talk = await openWebSocket(host, app.address());
      const first = app.start(["deploy", "staging", "--json=stream"]);
      await first.waitForOutput(began("drain"));
      const refused = await clone.run(["deploy", "staging", "--no-wait", "--json"]);
      assertRefused(refused, {
        exit: 3,
        code: "lease/held",
        says: /ada .*from .*since 20\d\d-/,
        remedy: /without --no-wait|wait/,
      });
      const second = clone.start(["deploy", "staging"]);
      await second.waitForOutput(/waiting for ada, who is changing this environment from .* since 20\d\d-/);
      talk.close();
      const [one, two] = await Promise.all([first.ended, second.ended]);
      assert.equal(one.code, 0, one.stdout + one.stderr);
      assert.equal(two.code, 0, two.stdout + two.stderr);
      live = "v8";
      assert.equal((await clone.curl(host)).version, "v8");
      const [newest, older] = clone.state(host)?.deployments ?? [];
      assert.deepEqual([newest?.state, newest?.from, older?.state], ["succeeded", older?.release, "succeeded"]);
    });
  });

  describe("secrets", () => {
    test("are in no argument list, in no output and, unless the team wants it, on no disk; the registry's password is on no disk at all", async () => {
      const secrets = [lab.registry.password, apiToken];
      const seen = watchArguments(secrets);
      await app.commitVersion("v9", { startDelayMs: 300 });
      const result = await app.run(["deploy", "staging"]);
      live = "v9";
      assert.deepEqual(await seen.stop(), []);
      assert.equal(result.code, 0, result.stdout + result.stderr);
      for (const secret of secrets) assert.ok(!(result.stdout + result.stderr).includes(secret));
      assert.ok(seen.looks() > 5, "too few looks at the processes to prove anything");
      const everywhere = ["/home", "/root", "/etc", "/run", "/tmp", "/var/lib/docker", "/var/log"];
      assert.deepEqual(await filesWith(lab.registry.password, everywhere), []);
      assert.deepEqual(
        await filesWith(Buffer.from(lab.registry.password).toString("base64").replaceAll("=", ""), everywhere),
        [],
      );
      // The engine itself keeps a container's environment; nothing of ours does.
      assert.deepEqual(await filesWith(apiToken, ["/home", "/root", "/etc", "/tmp"]), []);
      assert.ok(
        (await filesWith("API_TOKEN", [join("/home", host.sshUser, ".shiplock")])).length > 0,
        "the search finds nothing at all",
      );
      assert.ok(!readFileSync(app.env["SHIPLOCK_LEDGER"] ?? "").includes(apiToken));
      assert.ok(readdirSync(shiplockFolder(host)).length > 0);
    });

    async function filesWith(text: string, folders: readonly string[]): Promise<string[]> {
      const found = await host.exec(["grep", "-rlsF", "--binary-files=text", "-f", "-", ...folders], {
        input: text,
        timeoutMs: 60_000,
      });
      return found.stdout.split("\n").filter((line) => line !== "");
    }
  });

  /** Waits until both services answer with a version: after a restart of the engine they come back one by one. */
  async function answers(version: string): Promise<void> {
    for (const service of ["web", "caller"] as const) {
      const answered = async (): Promise<boolean> =>
        (await app.curl(host, "/", { service }).catch(() => null))?.version === version;
      await waitFor(`${version} of ${service} to answer`, answered, { timeoutMs: 90_000, everyMs: 50 });
    }
  }
});

/** The beginning of a step of host-1 in the stream of events. */
function began(kind: string): RegExp {
  return new RegExp(`"kind":"step-began"[^\\n]*"step":"host-1/${kind}(?:-old)?"`);
}

/** A WebSocket through the edge: it is in flight until it is closed. */
async function openWebSocket(
  host: LabHost,
  address: string,
): Promise<{ echoes(text: string): Promise<boolean>; close(): void }> {
  const socket = new WebSocket(`ws://${host.address}/ws`, { headers: { Host: address } });
  await once(socket, "open", { signal: AbortSignal.timeout(10_000) });
  return {
    echoes: async (text) => {
      const answer = once(socket, "message", { signal: AbortSignal.timeout(10_000) });
      socket.send(text);
      return String((await answer)[0]) === text;
    },
    close: () => socket.close(),
  };
}

/** Looks at the argument lists of all processes of the machine, hosts in boxes included, again and again. */
function watchArguments(secrets: readonly string[]): { stop(): Promise<string[]>; looks(): number } {
  const found = new Set<string>();
  let looks = 0;
  const timer = setInterval(() => {
    looks += 1;
    for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
      const line = argumentsOf(pid);
      if (secrets.some((secret) => line.includes(secret))) found.add(line.replaceAll("\0", " "));
    }
  }, 40);
  return {
    looks: () => looks,
    stop: async () => {
      clearInterval(timer);
      return [...found];
    },
  };
}

function argumentsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8");
  } catch {
    // It ended between the listing and the look.
    return "";
  }
}

/** Gives the service `web` a secret as compose files do. */
function addSecretToWeb(project: Project): void {
  const text = readFileSync(join(project.folder, "compose.yml"), "utf8");
  project.write(
    "compose.yml",
    text.replace("    build: .\n", "    build: .\n    environment:\n      API_TOKEN: ${API_TOKEN}\n"),
  );
}
