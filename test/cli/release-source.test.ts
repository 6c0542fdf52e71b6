import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import type { CommandContext } from "../../src/cli/context.ts";
import { createOutput } from "../../src/cli/output.ts";
import { releaseOf } from "../../src/cli/release-source.ts";
import type { ReleaseImage } from "../../src/release/types.ts";
import { imageTag } from "../../src/release/tags.ts";
import { changed, load } from "../config/example.ts";
import { digest, sendManifest, serve } from "../release/registry/server.ts";

it("a release whose images are all in their registry is had without a Docker Engine, at one question for each", async (t) => {
  const { host, requests } = await serve(t, (_request, response) => sendManifest(response));
  const folder = await mkdtemp(join(tmpdir(), "shiplock-no-engine-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "config.json"), "{}");
  const silent = { write: () => true };
  const output = createOutput({ json: true, stdout: silent, stderr: silent, environment: {} });
  const env = { DOCKER_CONFIG: folder, DOCKER_HOST: `unix://${join(folder, "no-engine.sock")}` };
  const signal = new AbortController().signal;
  const context: CommandContext = { options: {}, cwd: folder, env, output, signal, commandLine: "" };
  const config = load(changed());
  const environment = config.environments["staging"];
  assert.ok(environment !== undefined);
  const hash = "4f2a9c1".padEnd(40, "0");
  const commit = { hash, time: "2026-11-20T12:00:00Z", subject: "s", ref: "main" };
  const images = Object.fromEntries(
    Object.entries(config.images).map(([name, image]) => [name, { ...image, repository: `${host}/shop/${name}` }]),
  );
  const made = Object.fromEntries(
    Object.entries(images).map(([name, { repository }]): [string, ReleaseImage] => [
      name,
      {
        ...{ name, repository, tag: imageTag(environment.tagPrefix, "main", hash), digest, environment: null },
        ...{ platforms: {}, from: "registry", builtOn: null, inputs: null },
      },
    ]),
  );
  const source = { commit, dirty: false, leftOut: 0, root: folder, folder, remove: async () => undefined };
  const registry = { address: `${host}/shop`, insecure: true, login: undefined, cache: undefined };
  const { release, made: how } = await releaseOf(
    context,
    { ...source, config: { ...config, images, registry }, environment },
    {
      ...{ made, known: [], origin: null, noCache: false, tell: () => undefined, log: () => undefined },
      examine: async () => assert.fail("nothing is built"),
    },
  );
  assert.deepEqual(Object.keys(release.images), ["web"]);
  assert.deepEqual(
    how.map((image) => image.how),
    ["found"],
  );
  assert.equal(requests.length, 1, requests.join("\n"));
});
