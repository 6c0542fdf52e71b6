import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { temporaryClientConfig } from "../../../src/release/buildkit/client-config.ts";

const login = { address: "registry.test:5000/shop", username: "ci", password: "hunter22" };

describe("the login that Docker's client gets for one build", () => {
  let home: string;
  const own = (): string => join(home, ".docker");
  before(async () => {
    home = await mkdtemp(join(tmpdir(), "client-config-"));
    await mkdir(join(own(), "cli-plugins"), { recursive: true });
    const config = { auths: { "other.test": { auth: "b3RoZXI=" } }, credsStore: "desktop", currentContext: "work" };
    await writeFile(join(own(), "config.json"), JSON.stringify(config));
  });
  after(() => rm(home, { recursive: true, force: true }));

  test("lies in a folder for its user alone, beside the user's own settings and plugins, and is gone afterwards", async () => {
    const made = await temporaryClientConfig(login, { HOME: home });
    const folder = made.variables["DOCKER_CONFIG"] ?? "";
    assert.equal((await stat(folder)).mode & 0o777, 0o700);
    assert.equal((await stat(join(folder, "config.json"))).mode & 0o777, 0o600);
    const config = JSON.parse(await readFile(join(folder, "config.json"), "utf8")) as Record<string, unknown>;
    assert.deepEqual(config, {
      auths: {
        "other.test": { auth: "b3RoZXI=" },
        "registry.test:5000": { auth: Buffer.from("ci:hunter22").toString("base64") },
      },
      // The store for everything is not asked for this one.
      credHelpers: { "registry.test:5000": "" },
      credsStore: "desktop",
      currentContext: "work",
    });
    assert.deepEqual(await readdir(join(folder, "cli-plugins")), []);
    assert.equal(made.variables["BUILDX_CONFIG"], join(own(), "buildx"));
    await made.remove();
    await assert.rejects(stat(folder), { code: "ENOENT" });
    assert.doesNotMatch(await readFile(join(own(), "config.json"), "utf8"), /registry\.test/);
  });

  test("needs no configuration of the user's, and follows DOCKER_CONFIG", async () => {
    const elsewhere = join(home, "nothing-here");
    const made = await temporaryClientConfig({ ...login, address: "docker.io/shop" }, { DOCKER_CONFIG: elsewhere });
    const text = await readFile(join(made.variables["DOCKER_CONFIG"] ?? "", "config.json"), "utf8");
    assert.deepEqual(Object.keys((JSON.parse(text) as { auths: object }).auths), ["https://index.docker.io/v1/"]);
    await made.remove();
  });

  test("is not tried with a configuration that Docker did not write", async () => {
    const broken = join(home, "broken");
    await mkdir(broken);
    await writeFile(join(broken, "config.json"), "{ nothing");
    await assert.rejects(temporaryClientConfig(login, { DOCKER_CONFIG: broken }), { code: "build/docker-config" });
  });
});
