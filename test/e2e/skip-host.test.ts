import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { Lab } from "../lab/lab.ts";
import { assertRefused } from "./support/assertions.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { lookAt } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";

describe("a host that is cut off the network", () => {
  let lab: Lab;
  let app: Project;

  before(async () => {
    lab = await startE2eLab({ name: "skip", hosts: 2 });
    // Twice a command waits that long for a host that does not answer.
    const connectTimeout = { path: ["environments", "production", "target", "compose", "connectTimeout"], value: "6s" };
    app = await createProject(lab, { configure: [connectTimeout] });
    await app.must(["deploy", "production"]);
    await app.commitVersion("v2");
  });

  after(async () => {
    await lab.healNetwork(lab.host("host-2"));
    await app[Symbol.asyncDispose]();
    await stopE2eLab(lab);
  });

  const behind = () => app.state(lab.host("host-1"), "production")?.behind;
  const answers = async (host: string) => (await app.curl(lab.host(host), "/", { environment: "production" })).version;

  test("blocks a deployment until it is skipped, is shown as behind, and is brought up to date by the next one", async () => {
    assert.deepEqual([await answers("host-1"), await answers("host-2")], ["v1", "v1"]);
    assertRefused(await app.run(["deploy", "production", "--skip-host", "host-2", "--json"]), {
      exit: 2,
      code: "host/not-down",
      says: /host-2 answers, so it would go on serving/,
      remedy: /leave out `--skip-host host-2`/,
    });

    await lab.cutNetwork(lab.host("host-2"));
    assertRefused(await app.run(["deploy", "production", "--json"]), {
      exit: 1,
      code: "ssh/unreachable",
      says: /host-2 did not answer within 6000 ms/,
      remedy: /--skip-host host-2/,
    });
    const before = await lookAt(lab.host("host-2"));
    const deployed = await app.must(["deploy", "production", "--skip-host", "host-2"]);
    assert.match(deployed.stdout, /without host-2/);
    assert.match(deployed.stdout, /host-2 was skipped and is behind/);
    assert.equal(await answers("host-1"), "v2");
    assert.deepEqual(await lookAt(lab.host("host-2")), before);
    assert.deepEqual(
      behind()?.map((entry) => entry.host),
      ["host-2"],
    );

    // Each of them waits for the host that does not answer: together they wait once.
    const [status, drift] = await Promise.all([app.must(["status", "production"]), app.run(["drift", "production"])]);
    assert.match(status.stdout, /host-2 is behind: skipped since .* and cannot be reached/);
    assert.equal(drift.code, 1);
    assert.match(drift.stdout, /drift host-2: is behind/);

    // Back again it serves what it had: only the team's load balancer can keep users away from it.
    await lab.healNetwork(lab.host("host-2"));
    assert.equal(await answers("host-2"), "v1");
    await app.must(["deploy", "production"]);
    assert.deepEqual([await answers("host-1"), await answers("host-2")], ["v2", "v2"]);
    assert.deepEqual(behind(), []);
    assert.match((await app.must(["drift", "production"])).stdout, /runs .* as recorded on 2 hosts/);
  });
});
