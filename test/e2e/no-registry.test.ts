import assert from "node:assert/strict";
import { randomBytes, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { labAvailability } from "../lab/availability.ts";
import { ensureBaseImages } from "../lab/images/base-images.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { containersOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const availability = labAvailability();
const folder = "/home/deploy/.shiplock/environments/switchboard-staging";
/** A machine on which nothing was built, because it has no engine. */
const withoutEngine = { env: { DOCKER_HOST: "unix:///nowhere/docker.sock" } };
const run = randomUUID().slice(0, 8);

describe("a project without a registry", { skip: availability.available ? false : availability.reason }, () => {
  let lab: Lab;
  let app: Project;
  let [one, two] = [] as unknown as [LabHost, LabHost];

  before(async () => {
    lab = await startE2eLab({ name: "bare", hosts: 2 });
    await lab.stopRegistry();
    [one, two] = [lab.host("host-1"), lab.host("host-2")];
    await ensureBaseImages({ socketPath: two.socketPath, only: ["node:24-slim"], log: () => undefined });
    app = await createProject(lab, { withoutRegistry: true, first: { version: `${run}-1` } });
    await app.must(["deploy", "staging"]);
  });

  after(async () => {
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  /** What the log says of the layers that travelled: how many, and kilobytes on the line. */
  function travelled(stdout: string): { layers: number; of: number; place: string; onTheLine: number }[] {
    const said = /app: (\d+) of (\d+) layers came from (.+?): [\d.]+ (?:kB|MB), ([\d.]+) (kB|MB) on the line/g;
    return [...stdout.matchAll(said)].map(([, layers, of, place = "", amount, unit]) => ({
      ...{ layers: Number(layers), of: Number(of), place },
      onTheLine: Number(amount) * (unit === "MB" ? 1000 : 1),
    }));
  }

  test("is built and deployed; the next release sends the layer that changed, as its plan says", async () => {
    assert.equal((await app.curl(one)).version, `${run}-1`);
    await app.commitVersion(`${run}-2`);
    const planned = await app.must(["plan", "staging"]);
    assert.match(
      planned.stdout,
      /host-1 gets about \d+ kB over SSH, before compression, from this machine: app 1 of \d+ layers/,
    );
    const [sent] = travelled((await app.must(["deploy", "staging"])).stdout);
    assert.equal((await app.curl(one)).version, `${run}-2`);
    assert.deepEqual([sent?.layers, sent?.place], [1, "this machine"]);
    assert.ok((sent?.of ?? 0) > 3 && (sent?.onTheLine ?? 1e9) < 20, JSON.stringify(sent));
  });

  test("leaves a host that is operable by hand: docker compose up -d changes nothing", async () => {
    const before = await containersOf(one);
    const result = await one.exec(["docker", "compose", "--project-directory", folder, "up", "--detach"], {
      user: "deploy",
    });
    assert.equal(result.code, 0, result.stderr);
    assert.deepEqual(await containersOf(one), before);
  });

  test("is promoted and rolled back from another machine without an engine: the hosts have the images", async () => {
    await using grace = await app.clone();
    const promoted = await grace.must(["promote", "staging", "production"], withoutEngine);
    assert.deepEqual(new Set(travelled(promoted.stdout).map(({ place }) => place)), new Set(["host-1"]));
    await app.commitVersion(`${run}-3`);
    await app.must(["deploy", "staging"]);
    const next = await app.must(["promote", "staging", "production"]);
    assert.deepEqual(
      travelled(next.stdout).map(({ layers, place }) => [layers, place]),
      [[1, "this machine"]],
    );
    for (const host of [one, two])
      assert.equal((await grace.curl(host, "/", { environment: "production" })).version, `${run}-3`);
    await grace.must(["rollback", "production"], withoutEngine);
    for (const host of [one, two])
      assert.equal((await grace.curl(host, "/", { environment: "production" })).version, `${run}-2`);
    await grace.must(["drift", "production"], withoutEngine);
  });

  test("whose connection is cut while an image travels serves the old release, and resume brings the image", async () => {
    writeFileSync(join(app.folder, "large.bin"), randomBytes(12_000_000));
    app.write(".dockerignore", "*\n!server.mjs\n!version.json\n!large.bin\n");
    app.write(
      "Dockerfile",
      `FROM node:24-slim\nWORKDIR /app\nCOPY large.bin server.mjs version.json ./\nUSER node\nCMD ["node", "server.mjs"]\n`,
    );
    await app.commitVersion(`${run}-4`);
    await app.must(["build", "staging"]);
    await lab.limitNetwork(one, 20_000_000);
    try {
      const running = app.start(["deploy", "staging"]);
      // At 20 Mbit/s it takes five seconds; this is said after two.
      await running.waitForOutput(/app: [\d.]+ MB of about 12[\d.]* MB from this machine/);
      assert.ok((await lab.killSshSessions(one)) > 0);
      const result = await running.ended;
      assert.notEqual(result.code, 0, result.stdout);
    } finally {
      await lab.limitNetwork(one, null);
    }
    assert.equal((await app.curl(one)).version, `${run}-3`);
    await app.must(["resume", "staging"]);
    assert.equal((await app.curl(one)).version, `${run}-4`);
    await app.must(["drift", "staging"]);
  });
});
