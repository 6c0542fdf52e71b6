import assert from "node:assert/strict";
import { existsSync, readdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { identityOf, machineId } from "../../../src/checks/run/identity.ts";
import { openKeptCaches } from "../../../src/checks/run/kept-caches.ts";
import { createFakeEngine } from "../../../src/hosts/fake-engine.ts";
import type { FakeBehaviour } from "../../../src/hosts/fake-engine-state.ts";
import { readArchive } from "../../../src/hosts/file-archive.ts";
import { listAt, objectAt, textAt, textsAt } from "../../../src/hosts/json.ts";
import { createStage, type Stage } from "./stage.ts";

const ends = (code: number, behaviour: FakeBehaviour = {}): FakeBehaviour => ({
  exit: { code, afterMs: 0 },
  ...behaviour,
});

/** What containers of checks do, by the job's name; services run on and answer their health command. */
function scripted(stage: Stage, behaviours: Record<string, FakeBehaviour>): { name: string; body: object }[] {
  const made: { name: string; body: object }[] = [];
  stage.script(({ name, labels, body }) => {
    made.push({ name, body });
    const isService = textsAt(body, "Entrypoint").length === 0;
    return isService ? behaviours["service"] : behaviours[labels["shiplock.check"] ?? ""];
  });
  return made;
}

function nothingLeft(stage: Stage): void {
  assert.deepEqual(
    [...stage.engine.containers.values()].map((container) => container.name),
    [],
  );
  assert.deepEqual(
    [...stage.engine.networks.values()].map((network) => network.name),
    [],
  );
  assert.deepEqual(readdirSync(join(stage.state, "runs")), []);
}

const database = { db: { image: "postgres:17", health: "pg_isready", startPeriod: "1s" } };

describe("a check in a container", () => {
  test("runs in its image with the commit's files below /work, and nothing of it is left", async (t) => {
    const stage = createStage(t);
    stage.write({ "web/run.ts": "x" });
    const archives: string[] = [];
    const made = scripted(stage, {
      lint: ends(0, { logs: [{ stream: "stdout", line: "fine, s3cret-value" }] }),
    });
    const kept = stage.engine.containers.delete.bind(stage.engine.containers);
    const read: Promise<void>[] = [];
    stage.engine.containers.delete = (id) => {
      for (const { path, tar } of stage.engine.containers.get(id)?.archives ?? []) {
        read.push(
          (async () => {
            const whole = async function* () {
              yield tar;
            };
            for await (const entry of readArchive(whole()))
              if (entry.kind === "file") archives.push(`${path}${entry.path}`);
          })(),
        );
      }
      return kept(id);
    };
    const done = await stage.run(
      {
        lint: {
          image: "node:24",
          directory: "web",
          files: ["web/**"],
          env: { MODE: "strict" },
          secrets: ["TOKEN"],
          run: "npm run lint",
        },
      },
      { secrets: { TOKEN: "s3cret-value" } },
    );
    await Promise.all(read);
    assert.equal(done.job("lint").outcome, "passed");
    assert.equal(done.output("lint"), "fine, ***");
    assert.deepEqual(archives.toSorted(), ["/work/web/index.html", "/work/web/run.ts"]);
    const body = made[0]?.body;
    assert.deepEqual(textsAt(body, "Entrypoint"), ["sh"]);
    assert.deepEqual(textsAt(body, "Cmd"), ["-e", "-c", "npm run lint"]);
    assert.equal(textAt(body, "WorkingDir"), "/work/web");
    assert.deepEqual(listAt(body, "Env"), ["CI=true", "MODE=strict", "TOKEN=s3cret-value"]);
    nothingLeft(stage);
  });

  test("reaches its services by name on a network of its own, once they are healthy", async (t) => {
    const stage = createStage(t);
    let asked = 0;
    const made = scripted(stage, {
      test: ends(0),
      service: {
        exec: (argv) => {
          assert.deepEqual(argv, ["sh", "-c", "pg_isready"]);
          asked += 1;
          return { exitCode: asked < 3 ? 1 : 0, stdout: "", stderr: "" };
        },
      },
    });
    const done = await stage.run({ test: { image: "node:24", services: database, run: "npm test" } });
    assert.equal(done.job("test").outcome, "passed", done.job("test").reasons.join());
    assert.equal(asked, 3);
    const [service, check] = made;
    const network = textAt(objectAt(check?.body, "HostConfig"), "NetworkMode");
    const endpoints = objectAt(objectAt(service?.body, "NetworkingConfig"), "EndpointsConfig");
    assert.deepEqual(textsAt(endpoints[network], "Aliases"), ["db"]);
    nothingLeft(stage);
  });

  test("fails with the last lines of a service that never gets healthy, or ends", async (t) => {
    const stage = createStage(t);
    const logs = [{ stream: "stderr", line: "FATAL: no room" }] as const;
    const failing = { exec: () => ({ exitCode: 1, stdout: "", stderr: "" }), logs };
    scripted(stage, { service: failing });
    const never = await stage.run({ test: { image: "node:24", services: database, run: "npm test" } });
    assert.deepEqual(never.job("test").reasons, ["the service db (postgres:17) was not healthy within 1 s"]);
    assert.deepEqual(never.job("test").error?.details, ["FATAL: no room"]);
    nothingLeft(stage);

    const other = createStage(t);
    scripted(other, { service: ends(3, { logs }) });
    const ended = await other.run({ test: { image: "node:24", services: database, run: "npm test" } });
    assert.deepEqual(ended.job("test").reasons, ["the service db (postgres:17) ended with exit code 3"]);
    nothingLeft(other);
  });

  test("whose service has no health check says what to write", async (t) => {
    const stage = createStage(t);
    stage.script(() => ({}));
    const services = { db: { image: "postgres:17" } };
    const done = await stage.run({ test: { image: "node:24", services, run: "npm test" } });
    const { error } = done.job("test");
    assert.equal(error?.code, "check/service-without-health");
    assert.match(error.remedy ?? "", /`health: pg_isready -U postgres`/);
    nothingLeft(stage);

    const other = createStage(t);
    scripted(other, { service: { health: { healthyAfter: 2 } }, test: ends(0) });
    const own = await other.run({ test: { image: "node:24", services, run: "npm test" } });
    assert.equal(own.job("test").outcome, "passed", "the image's own check will do");
  });

  test("that does not end in time is killed, and is not answered from the cache later", async (t) => {
    const stage = createStage(t);
    scripted(stage, { slow: { logs: [{ stream: "stdout", line: "waiting" }] } });
    for (const time of ["first", "second"]) {
      const done = await stage.run({ slow: { image: "node:24", timeout: "2s", run: "sleep 1000" } });
      assert.equal(done.job("slow").outcome, "timed-out");
      assert.equal(done.output("slow"), "waiting", time);
      nothingLeft(stage);
    }
  });

  test("in each combination of its matrix has the combination's image and variables", async (t) => {
    const stage = createStage(t);
    const made = scripted(stage, { "test (DB=17)": ends(0), "test (DB=16)": ends(1) });
    const done = await stage.run({
      test: { image: "node:24", matrix: { DB: [17, 16] }, env: { URL: "db-${DB}" }, run: "npm test" },
      after: { image: "node:24", needs: ["test"], run: "true" },
    });
    assert.deepEqual(
      done.results.map(({ job, outcome }) => [job.id, outcome]),
      [
        ["test (DB=17)", "passed"],
        ["test (DB=16)", "failed"],
        ["after", "skipped"],
      ],
    );
    assert.deepEqual(new Set(made.map(({ body }) => listAt(body, "Env")[1])), new Set(["URL=db-16", "URL=db-17"]));
  });

  test("whose image nobody has fails with the engine's words", async (t) => {
    const stage = createStage(t);
    const done = await stage.run({ lint: { image: "nowhere:1", run: "true" }, other: { process: true, run: "true" } });
    assert.deepEqual(
      done.results.map((result) => result.outcome),
      ["failed", "passed"],
    );
    const { error } = done.job("lint");
    assert.equal(error?.code, "engine/image-missing");
    assert.match(error?.message ?? "", /^the image nowhere:1 could not be pulled: /);
    assert.deepEqual(error?.details, [], "nothing of the engine's interface");
    assert.match(error?.remedy ?? "", /name and tag/);
  });

  test("hands on its artifacts and has its reports read, out of the container", async (t) => {
    const stage = createStage(t);
    const junit = '<testsuite><testcase name="adds"><failure message="1 is not 2"/></testcase></testsuite>';
    scripted(stage, {
      build: ends(0, {
        files: { "/work/dist/app.js": "built", "/work/reports/a.xml": junit, "/work/reports/b.xml": junit },
      }),
      use: ends(0),
    });
    const done = await stage.run({
      build: { image: "node:24", artifacts: ["dist"], junit: "reports/*.xml", run: "npm test" },
    });
    const { outcome, reports, keptIn, reasons } = done.job("build");
    assert.equal(outcome, "failed", "a report of failures fails it, whatever its exit code");
    assert.equal(reports?.tests?.failed, 2, reasons.join());
    assert.deepEqual(readdirSync(join(keptIn ?? "", "dist")), ["app.js"]);
  });
});

describe("caches of checks", () => {
  const cached = (run: string) => ({
    install: { image: "node:24", caches: [{ path: "/root/.npm", key: ["package-lock.json"] }], run, cached: false },
  });

  function volumeOf(made: { body: object }[], index: number): string {
    return textsAt(objectAt(made[index]?.body, "HostConfig"), "Binds")[0] ?? "";
  }

  test("are used again while their key files stay the same, and only when the check that filled them passed", async (t) => {
    const stage = createStage(t);
    let code = 1;
    const made: { body: object }[] = [];
    stage.script(({ body }) => {
      made.push({ body });
      return ends(code);
    });
    await stage.run(cached("npm ci"));
    assert.equal(stage.engine.volumes.size, 0, "a failed check fills none");
    code = 0;
    await stage.run(cached("npm ci"));
    await stage.run(cached("npm ci"));
    assert.equal(volumeOf(made, 2), volumeOf(made, 1));
    assert.match(volumeOf(made, 1), /:\/root\/\.npm$/);
    stage.write({ "package-lock.json": "{ }" });
    await stage.run(cached("npm ci"));
    assert.notEqual(volumeOf(made, 3), volumeOf(made, 2));
  });

  test("have one user at a time", async (t) => {
    const stage = createStage(t);
    const made = scripted(stage, { a: ends(0), b: ends(0) });
    const check = {
      image: "node:24",
      caches: [{ path: "cache", key: ["package-lock.json"] }],
      run: "true",
      cached: false,
    };
    await Promise.all([stage.run({ a: check }), stage.run({ b: check })]);
    assert.notEqual(volumeOf(made, 0), volumeOf(made, 1));
    await stage.run({ a: check });
    assert.equal([volumeOf(made, 0), volumeOf(made, 1)].includes(volumeOf(made, 2)), true);
  });

  test("are filled on another machine from what was kept of them, while image and key files stay the same", async (t) => {
    const folder = join(createStage(t).state, "kept");
    const on = async (command: string, behaviour: FakeBehaviour, change: Record<string, string> = {}) => {
      const stage = createStage(t);
      stage.write(change);
      const unpacked: string[] = [];
      const remove = stage.engine.containers.delete.bind(stage.engine.containers);
      stage.engine.containers.delete = (id) => {
        unpacked.push(...(stage.engine.containers.get(id)?.archives ?? []).map(({ path }) => path));
        return remove(id);
      };
      scripted(stage, { install: behaviour });
      const kept = openKeptCaches(folder);
      const done = await stage.run(cached(command), { kept });
      return { unpacked, notes: done.notes, files: existsSync(folder) ? readdirSync(folder) : [] };
    };
    const wrote = { files: { "/root/.npm/cached": "x" } };
    assert.deepEqual((await on("npm ci", ends(1, wrote))).files, [], "a failed check keeps none");
    const first = await on("npm ci", ends(0, wrote));
    assert.equal(first.files.length, 1);
    const second = await on("npm ci", ends(0, wrote));
    assert.deepEqual(second.unpacked, ["/", "/root"]);
    assert.match(second.notes.join("\n"), /caches: \/root\/\.npm \(filled from another machine's\)/);
    assert.deepEqual(second.files, first.files);
    const third = await on("npm ci", ends(0, wrote), { "package-lock.json": "{ }" });
    assert.deepEqual(third.unpacked, ["/"]);
    assert.equal(third.files.length, 1, "what nothing uses any more is removed");
    assert.notDeepEqual(third.files, first.files);
  });

  test("of a run that was killed, or whose volume is gone, are never used", async (t) => {
    const stage = createStage(t);
    stage.script(({ labels }) => (labels["shiplock.check"] === "install" ? ends(0) : undefined));
    await stage.run(cached("npm ci"));
    const [volume = ""] = stage.engine.volumes.keys();
    // As a killed run leaves it: taken, and never given back.
    const shelf = join(stage.state, "caches", readdirSync(join(stage.state, "caches"))[0] ?? "");
    const folder = join(shelf, readdirSync(shelf)[0] ?? "");
    renameSync(join(folder, `${volume}.ready`), join(folder, `${volume}.deadbeef`));
    await stage.run(cached("npm ci"));
    assert.equal(stage.engine.volumes.has(volume), false);
    const [second = ""] = stage.engine.volumes.keys();
    stage.engine.volumes.delete(second);
    const done = await stage.run(cached("npm ci"));
    assert.equal(done.job("install").outcome, "passed");
    assert.equal(stage.engine.volumes.has(second), false);
    assert.equal(stage.engine.volumes.size, 1);
  });

  test("belong to files that the commit has", async (t) => {
    const stage = createStage(t);
    const done = await stage.run({
      install: { image: "node:24", caches: [{ path: "c", key: ["yarn.lock"] }], run: "true" },
    });
    assert.match(done.job("install").reasons[0] ?? "", /belongs to yarn\.lock, which the commit does not have/);
  });
});

describe("what a killed run left", () => {
  test("is removed by the next, and what belongs to another machine or a run that goes on is left alone", async (t) => {
    const stage = createStage(t);
    scripted(stage, { lint: ends(0) });
    await stage.run({ lint: { image: "node:24", run: "true" } });
    const engine = createFakeEngine(stage.engine);
    const machine = await machineId(stage.state);
    const labels = (run: string, of: string) => ({
      "shiplock.kind": "check",
      "shiplock.run": run,
      "shiplock.machine": of,
    });
    const own = await identityOf(process.pid);
    assert.ok(own !== null);
    const record = {
      version: 1,
      run: "goes-on",
      project: "shop",
      group: null,
      process: own,
      scratch: "/nowhere",
      checkout: null,
      createdAt: "",
    };
    writeFileSync(join(stage.state, "runs", "goes-on.json"), JSON.stringify(record));
    writeFileSync(
      join(stage.state, "runs", "dead.json"),
      JSON.stringify({ ...record, run: "dead", process: { pid: own.pid, started: "another time" } }),
    );
    for (const [name, run, of] of [
      ["left", "dead", machine],
      ["going", "goes-on", machine],
      ["stranger", "dead", "another-machine"],
    ] as const) {
      await engine.createNetwork({ Name: `${name}-net`, Labels: labels(run, of) });
      await engine.createContainer(name, { Image: "node:24", Labels: labels(run, of) });
    }
    await engine.createContainer("theirs", { Image: "node:24" });
    const done = await stage.run({ lint: { image: "node:24", run: "true" } }, { cache: false });
    assert.deepEqual(
      [...stage.engine.containers.values()].map((container) => container.name),
      ["going", "stranger", "theirs"],
    );
    assert.deepEqual(
      [...stage.engine.networks.values()].map((network) => network.name),
      ["going-net", "stranger-net"],
    );
    assert.ok(done.notes.includes("removed container left, left by run dead"));
    assert.deepEqual(readdirSync(join(stage.state, "runs")), ["goes-on.json"]);
  });
});
