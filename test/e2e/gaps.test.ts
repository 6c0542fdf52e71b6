import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Lab } from "../lab/lab.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { appsOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

const strategy = (value: unknown) => [{ path: ["environments", "staging", "strategy"], value }];
const quickHealth = ["web", "caller"].map((service) => ({
  path: ["services", service, "health"],
  value: { http: "/healthz", startPeriod: "4s" },
}));

/** Those that leave a gap: nobody counts lost requests here, so other files may run beside. */
describe("every strategy on a real host", () => {
  let lab: Lab;

  before(async () => {
    lab = await startE2eLab({ name: "gaps", hosts: 1 });
  });

  after(async () => {
    await stopE2eLab(lab);
  });

  const apps = (project: Project) => appsOf(lab.host("host-1"), `${project.name}-staging`);
  const published = async (port: number): Promise<string> => {
    const answer = await fetch(`http://${lab.host("host-1").address}:${port}/`, { signal: AbortSignal.timeout(5_000) });
    return ((await answer.json()) as { version: string }).version;
  };

  test("recreate stops the old release first, says so in the plan, and starts it again when the new one is refused", async () => {
    await using app = await createProject(lab, {
      name: "recreated",
      configure: [...strategy("recreate"), ...quickHealth],
    });
    await app.must(["deploy", "staging"]);
    await app.commitVersion("v2");
    const planned = await app.must(["plan", "staging"]);
    assert.match(planned.stdout, /nothing answers between the stop of the old release/);
    await app.must(["deploy", "staging"]);
    assert.equal((await app.curl(lab.host("host-1"))).version, "v2");
    await app.commitVersion("broken", { healthStatus: 500 });
    assert.equal((await app.run(["deploy", "staging"])).code, 1);
    assert.equal((await app.curl(lab.host("host-1"))).version, "v2");
    await app.must(["rollback", "staging"]);
    assert.equal((await app.curl(lab.host("host-1"))).version, "v1");
  });

  test("in-place keeps the service's own port, pulls before it stops, and brings the old container back when the new one is refused", async () => {
    await using app = await createProject(lab, {
      name: "inplace",
      configure: [...strategy("in-place"), ...quickHealth],
    });
    app.write(
      "compose.yml",
      'services:\n  web: { build: ., container_name: inplace-web, ports: ["8090:3000"] }\n  caller: { build: . }\n',
    );
    await app.commit("No proxy");
    await app.must(["deploy", "staging"]);
    assert.equal(await published(8090), "v1");
    await app.commitVersion("v2");
    await app.must(["deploy", "staging"]);
    assert.equal(await published(8090), "v2");
    const before = (await apps(app)).map(({ id, name }) => ({ id, name }));
    await app.commitVersion("broken", { startExit: 3 });
    assert.equal((await app.run(["deploy", "staging"])).code, 1);
    assert.equal(await published(8090), "v2");
    assert.deepEqual(
      (await apps(app)).map(({ id, name }) => ({ id, name })),
      before,
    );
    await app.must(["rollback", "staging"]);
    assert.equal(await published(8090), "v1");
    assert.equal((await app.run(["drift", "staging"])).code, 0);
  });
});
