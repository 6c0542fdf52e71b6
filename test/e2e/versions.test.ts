import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, describe, test } from "node:test";
import { labAvailability } from "../lab/availability.ts";
import { askEngine } from "../lab/engine.ts";
import type { LabHost } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { assertRefused } from "./support/assertions.ts";
import { startE2eLab, stopE2eLab } from "./support/lab.ts";
import { containersOf } from "./support/observe.ts";
import { createProject, type Project } from "./support/project.ts";
import { digestOf } from "./support/registry.ts";

const availability = labAvailability();
const environment = "production";
/** A registry that was up before has what an earlier run pushed. */
const name = `versions-${randomUUID().slice(0, 8)}`;

type Pruned = {
  dryRun: boolean;
  forgotten: string[];
  registry: { repository: string; digest: string; tags: string[] }[];
  hosts: { images: { tag: string }[]; containers: unknown[]; files: unknown[] }[];
  documents: string[];
  stays: string[];
};

describe("versions and retention", { skip: availability.available ? false : availability.reason }, () => {
  let lab: Lab;
  let host: LabHost;
  let app: Project;
  const images: Record<string, { repository: string; digest: string }> = {};

  before(async () => {
    lab = await startE2eLab({ name: "versions", hosts: 1 });
    host = lab.host("host-1");
    app = await createProject(lab, {
      name,
      hosts: { production: ["host-1"] },
      configure: [
        { path: ["environments", environment, "keep"], value: 1 },
        { path: ["environments", environment, "variables", "WEB_PORT"], value: "8130" },
        { path: ["environments", "staging", "variables", "WEB_PORT"], value: "8131" },
      ],
    });
  });

  after(async () => {
    await app?.[Symbol.asyncDispose]();
    if (lab !== undefined) await stopE2eLab(lab);
  });

  async function deploy(version: string): Promise<void> {
    await app.commitVersion(version);
    await app.must(["deploy", environment]);
    const tag = app.state(host, environment)?.live?.tags["app"] ?? "";
    images[version] = { repository: `${name}/app`, digest: await digestOf(lab, `${name}/app`, tag) };
  }

  async function answers(version: string): Promise<void> {
    assert.equal((await app.curl(host, "/", { environment })).version, version);
  }

  const inRegistry = (tag: string): Promise<string | null> => digestOf(lab, `${name}/app`, tag).catch(() => null);

  test("a version names the image that ran in production, is not moved, and is gone back to from another clone", async () => {
    await deploy("v1");
    const { json } = await app.must(["tag", "1.0.0", "--json"]);
    assert.equal(await inRegistry("1.0.0"), images["v1"]?.digest);
    assert.equal((json as { release: string }).release, app.state(host, environment)?.live?.release);
    await deploy("v2");
    assertRefused(await app.run(["tag", "1.0.0", "--json"]), {
      exit: 3,
      code: "tag/exists",
      says: /1\.0\.0 names something else already/,
      remedy: /--force/,
    });
    assert.equal(await inRegistry("1.0.0"), images["v1"]?.digest);
    await app.commitVersion("v9");
    assertRefused(await app.run(["tag", "9.0.0", "--json"]), {
      exit: 3,
      code: "tag/not-deployed",
      says: /never ran in production/,
      remedy: /deploy it to production first/,
    });

    await using grace = await app.clone({ who: "grace" });
    await grace.must(["rollback", environment, "--to", "1.0.0"]);
    await answers("v1");
    assert.match((await app.must(["history", environment])).stdout, /1\.0\.0/);
  });

  test("a prune does what its dry run says, leaves what is not Shiplock's and what a version names, and the way back works", async () => {
    await deploy("v3");
    await deploy("v4");
    const made = await askEngine(host.socketPath, "POST", "/containers/create?name=theirs", {
      body: { Image: "caddy:2" },
    });
    assert.equal(made.status, 201, made.body);
    const tagged = await askEngine(host.socketPath, "POST", "/images/caddy:2/tag?repo=registry.test/theirs&tag=v1");
    assert.equal(tagged.status, 201, tagged.body);
    const containers = await containersOf(host);

    const planned = (await app.must(["prune", environment, "--dry-run", "--json"])).json as Pruned;
    assert.equal(await inRegistry(images["v2"]?.digest ?? ""), images["v2"]?.digest, "a dry run changes nothing");
    const done = (await app.must(["prune", environment, "--json"])).json as Pruned;
    assert.deepEqual({ ...done, dryRun: true }, planned);
    assert.equal(done.forgotten.length, 2);
    assert.deepEqual(
      done.registry.map(({ digest }) => digest),
      [images["v2"]?.digest],
    );
    assert.match(done.stays.join("\n"), /which is 1\.0\.0 as well/);
    assert.equal(await inRegistry(images["v2"]?.digest ?? ""), null);
    assert.equal(await inRegistry("1.0.0"), images["v1"]?.digest);
    assert.deepEqual(await containersOf(host), containers, "live, warm and foreign containers are as they were");
    const theirs = await askEngine(host.socketPath, "GET", "/images/registry.test/theirs:v1/json");
    assert.equal(theirs.status, 200, theirs.body);

    const second = (await app.must(["prune", environment])).stdout;
    assert.match(second, /nothing of production can go/);
    await app.must(["rollback", environment]);
    await answers("v3");
  });
});
