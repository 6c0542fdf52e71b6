import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { after, before, describe, test } from "node:test";
import type { Release } from "../../src/release/types.ts";
import type { Lab } from "../lab/lab.ts";
import { formatReport, lossesOf, startLoad } from "../load/client.ts";
import { errorOf } from "./support/command.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { assertNothingLost, flowing, loadOn, onlyAnsweredBy } from "./support/load.ts";
import { createProject, type Project } from "./support/project.ts";

const slow = { slowMs: 2_000 } as const;
/** A little more than a slow request takes; WebSockets are closed with their reason after it, so every deployment takes that long. */
const shortDrain = [
  { path: ["services", "web", "drain"], value: "3s" },
  { path: ["services", "caller", "drain"], value: "3s" },
  { path: ["environments", "production", "strategy"], value: { rolling: { batch: 1 } } },
];

describe("under 200 requests a second, nothing is lost", () => {
  let lab: Lab;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "load", hosts: 2 });
    app = await createProject(lab, { configure: shortDrain });
    await app.must(["deploy", "staging"]);
    await app.must(["promote", "staging", "production"]);
  });

  after(async () => {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  test("while a new version is deployed to one host, and while it is rolled back", async () => {
    await app.commitVersion("v2");
    await using load = loadOn(lab, app, "staging", ["v1"], slow);
    await flowing(load);
    await load.setAllowed(["v1", "v2"]);
    await app.must(["deploy", "staging"]);
    await onlyAnsweredBy(load, "v2");
    await load.setAllowed(["v1", "v2"]);
    await app.must(["rollback", "staging"]);
    await onlyAnsweredBy(load, "v1");
    await assertNothingLost(load);
  });

  test("while a version is promoted to two hosts in batches", async () => {
    await app.must(["deploy", "staging", "--ref", "v2"]);
    await using load = loadOn(lab, app, "production", ["v1"], slow);
    await flowing(load);
    await load.setAllowed(["v1", "v2"]);
    await app.must(["promote", "staging", "production"]);
    await onlyAnsweredBy(load, "v2");
    await assertNothingLost(load);
  });

  test("while broken versions are refused: one that is never healthy, one that exits at once", async () => {
    await using load = loadOn(lab, app, "production", ["v2"], slow);
    await flowing(load);
    await app.commitVersion("broken-health", { healthStatus: 500 });
    app.configure(
      ["web", "caller"].map((service) => ({
        path: ["services", service, "health"],
        value: { http: "/healthz", startPeriod: "3s" },
      })),
    );
    await app.commit("Give up sooner");
    const unhealthy = await app.run(["deploy", "production", "--json"]);
    assert.equal(unhealthy.code, 1, unhealthy.stdout + unhealthy.stderr);
    assert.match(errorOf(unhealthy).message, /not healthy within 3 s/);
    await app.commitVersion("broken-exit", { startExit: 3 });
    const exiting = await app.run(["deploy", "production", "--json"]);
    assert.equal(exiting.code, 1, exiting.stdout + exiting.stderr);
    assert.match(errorOf(exiting).code, /^health\/(exited|restarting)$/);
    await assertNothingLost(load);
  });

  test("and the load client does see losses where the hand-written script deploys", async () => {
    const host = lab.host("host-1");
    const folder = "/home/deploy/by-hand";
    const built = (await app.must(["build", "staging", "--ref", "v1", "--json"])).json as Pick<Release, "images">;
    const image = built.images["app"];
    assert.ok(image !== undefined);
    const compose = (version: string): string =>
      `services: { web: { image: "${image.repository}@${image.digest}", environment: { VERSION: ${version} }, ports: ["9090:3000"] } }\n`;
    const write = async (version: string): Promise<void> => {
      await host.exec(["mkdir", "-p", folder], { user: "deploy" });
      await host.exec(["tee", `${folder}/compose.yml`], { user: "deploy", input: compose(version) });
    };
    const up = (): Promise<number> =>
      new Promise((resolve, reject) => {
        const child = spawn(
          "ssh",
          ["-F", lab.sshConfigPath, "host-1", "docker", "compose", "--file", `${folder}/compose.yml`, "up", "-d"],
          { stdio: "ignore" },
        );
        child.once("error", reject);
        child.once("exit", (code) => resolve(code ?? 1));
      });
    await write("v1");
    assert.equal(await up(), 0);
    await using load = startLoad({
      targets: [{ name: "by hand", url: `http://${host.address}:9090/` }],
      webSockets: 1,
      ...slow,
    });
    await flowing(load);
    await write("v2");
    assert.equal(await up(), 0);
    await flowing(load);
    const report = await load.stop();
    assert.ok(lossesOf(report).length > 0, formatReport(report));
    await host.exec(["docker", "compose", "--file", `${folder}/compose.yml`, "down"], { user: "deploy" });
  });
});
