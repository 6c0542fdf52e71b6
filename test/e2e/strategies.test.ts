import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Lab } from "../lab/lab.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { assertNothingLost, flowing, lightDrain, lightLoadOn, onlyAnsweredBy } from "./support/light-load.ts";
import { appsOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const strategy = (value: unknown) => [{ path: ["environments", "staging", "strategy"], value }];
/** Each project of this file publishes a port of its own. */
const port = (value: string) => [{ path: ["environments", "staging", "variables", "WEB_PORT"], value }];
const shortDrain = ["web", "caller"].map((service) => ({ path: ["services", service, "drain"], value: lightDrain }));

/** Those that lose nothing; `gaps.test.ts` has the others. */
describe("every strategy on a real host", () => {
  let lab: Lab;

  before(async () => {
    lab = await startE2eLab({ name: "strategies", hosts: 1 });
  });

  after(async () => {
    await stopE2eLab(lab);
  });

  const apps = (project: Project) => appsOf(lab.host("host-1"), `${project.name}-staging`);

  test("rolling with three replicas and a surge of one replaces them one by one, and loses nothing", async () => {
    await using app = await createProject(lab, {
      name: "surge",
      configure: [
        { path: ["services", "web", "replicas"], value: 3 },
        ...shortDrain,
        ...port("8091"),
        ...strategy({ rolling: { maxSurge: 1, maxUnavailable: 0 } }),
      ],
    });
    await app.must(["deploy", "staging"]);
    await app.commitVersion("v2");
    await using load = lightLoadOn(lab, app, "staging", ["v1"]);
    await flowing(load);
    await load.setAllowed(["v1", "v2"]);
    await app.must(["deploy", "staging"]);
    await onlyAnsweredBy(load, "v2");
    await assertNothingLost(load);
    const running = (await apps(app)).filter(
      (container) => container.state === "running" && container.service === "web",
    );
    assert.equal(running.length, 3);
    assert.equal(new Set(running.map((container) => container.place)).size, 1);
  });

  test("scaling up and down with a release loses nothing and reloads nothing", async () => {
    await using app = await createProject(lab, { name: "scaled", configure: [...shortDrain, ...port("8092")] });
    await app.must(["deploy", "staging"]);
    app.configure([{ path: ["services", "web", "replicas"], value: 3 }]);
    await app.commitVersion("v2");
    await using load = lightLoadOn(lab, app, "staging", ["v1", "v2"]);
    await flowing(load);
    const grown = await app.must(["deploy", "staging"]);
    assert.doesNotMatch(grown.stdout, /reload|routes updated/);
    app.configure([{ path: ["services", "web", "replicas"], value: 1 }]);
    await app.commitVersion("v3");
    await load.setAllowed(["v1", "v2", "v3"]);
    await app.must(["deploy", "staging"]);
    await onlyAnsweredBy(load, "v3");
    await assertNothingLost(load);
  });
});
