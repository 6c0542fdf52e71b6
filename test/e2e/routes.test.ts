import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseDocument } from "yaml";
import type { Lab } from "../lab/lab.ts";
import { startLoad } from "../load/client.ts";
import { errorOf } from "./support/command.ts";
import { askEdge } from "./support/edge.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { assertNothingLost, flowing, loadOn, onlyAnsweredBy, shorter, shorterDrain } from "./support/load.ts";
import { containersOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const drain = [
  { path: ["services", "web", "drain"], value: shorterDrain },
  { path: ["services", "caller", "drain"], value: shorterDrain },
];

const search = { image: "app", port: 3000, health: "/healthz", route: "search.${WEB_HOST}", drain: shorterDrain };

describe("under 200 requests a second, names, routes and ports change and nothing is lost", () => {
  let lab: Lab;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "routes", hosts: 1 });
    app = await createProject(lab, { configure: drain });
    await app.must(["deploy", "staging"]);
  });

  after(async () => {
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  const host = () => lab.host("host-1");
  const kinds = async (kind: string) =>
    (await containersOf(host())).filter((container) => container.kind === kind).map(({ id, state }) => ({ id, state }));
  const published = (port: number) =>
    askEdge(host().address, "anything.example.com", "/", { port, timeoutMs: 2_000 }).then((answer) => answer.version);
  const searchAnswers = async () => (await app.curl(host(), "/", { service: "search" })).status;

  /** Adds the service `search` to the compose file and the configuration, or takes it out. */
  function withSearch(there: boolean): void {
    const file = parseDocument(readFileSync(join(app.folder, "compose.yml"), "utf8"));
    if (there) file.setIn(["services", "search"], file.createNode({ build: ".", restart: "unless-stopped" }));
    else file.deleteIn(["services", "search"]);
    app.write("compose.yml", file.toString());
    app.configure([{ path: ["services", "search"], value: there ? search : undefined }]);
  }

  test("while a release with one more service is deployed: another router takes over, and the first one leaves", async () => {
    const [first] = await kinds("router");
    withSearch(true);
    await app.commitVersion("v2");
    await using load = loadOn(lab, app, "staging", ["v1"], shorter);
    await using port = startLoad({
      targets: [{ name: "published port", url: `http://${host().address}:8081/` }],
      webSockets: 1,
      ratePerSecond: 40,
      ...shorter,
      allowed: ["v1", "v2"],
    });
    await flowing(load);
    await load.setAllowed(["v1", "v2"]);
    const deployed = await app.must(["deploy", "staging"]);
    assert.match(deployed.stdout, /on host-1 another router takes over beside the one that runs/);
    await onlyAnsweredBy(load, "v2");
    const routers = await kinds("router");
    assert.equal(routers.length, 1);
    assert.notEqual(routers[0]?.id, first?.id);
    assert.equal(await searchAnswers(), 200);
    await assertNothingLost(load);
    await assertNothingLost(port);
  });

  test("while a release with another route is refused: the router of before has the traffic again", async () => {
    const before = await kinds("router");
    app.configure([
      { path: ["services", "web", "route"], value: ["${WEB_HOST}", "www.${WEB_HOST}"] },
      { path: ["services", "web", "health"], value: { http: "/healthz", startPeriod: "3s" } },
    ]);
    await app.commitVersion("broken", { healthStatus: 500 });
    await using load = loadOn(lab, app, "staging", ["v2"], shorter);
    await flowing(load);
    const refused = await app.run(["deploy", "staging", "--json"]);
    assert.match(errorOf(refused).message, /not healthy within 3 s/);
    await flowing(load);
    await assertNothingLost(load);
    assert.deepEqual(await kinds("router"), before);
    assert.equal((await askEdge(host().address, `www.${app.address()}`, "/")).status, 404);
  });

  test("while a release takes the service away, and while a rollback brings it back", async () => {
    withSearch(false);
    app.configure([{ path: ["services", "web", "route"], value: "${WEB_HOST}" }]);
    await app.commitVersion("v3");
    await using load = loadOn(lab, app, "staging", ["v2", "v3"], shorter);
    await flowing(load);
    await app.must(["deploy", "staging"]);
    await onlyAnsweredBy(load, "v3");
    assert.equal(await searchAnswers(), 404);
    await load.setAllowed(["v2", "v3"]);
    await app.must(["rollback", "staging"]);
    await onlyAnsweredBy(load, "v2");
    assert.equal(await searchAnswers(), 200);
    await assertNothingLost(load);
    assert.equal((await kinds("router")).length, 1);
  });

  test("while a release publishes another port: the old one answers until the new release is live, and is free afterwards", async () => {
    app.configure([{ path: ["environments", "staging", "variables", "WEB_PORT"], value: "8082" }]);
    await app.commitVersion("v4");
    await using load = loadOn(lab, app, "staging", ["v2", "v4"], shorter);
    await flowing(load);
    assert.equal(await published(8081), "v2");
    await app.must(["deploy", "staging"]);
    assert.equal(await published(8082), "v4");
    await assert.rejects(published(8081));
    await assertNothingLost(load);
  });
});
