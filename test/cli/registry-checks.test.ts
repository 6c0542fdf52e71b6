import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it, type TestContext } from "node:test";
import type { CommandContext } from "../../src/cli/context.ts";
import { createOutput } from "../../src/cli/output.ts";
import { registryChecks } from "../../src/cli/registry-checks.ts";
import { localRepository } from "../../src/config/local-repository.ts";
import type { Config } from "../../src/config/types.ts";
import { basic, sendJson, serve } from "../release/registry/server.ts";

/** A machine on which Docker has logins, and a registry that wants ada's. */
async function machine(context: TestContext, auths: (host: string) => unknown) {
  const { host } = await serve(context, (request, response) => {
    if (request.headers.authorization === basic) return sendJson(response, 404, {});
    sendJson(response, 401, {}, { "www-authenticate": 'Basic realm="x"' });
  });
  const folder = await mkdtemp(join(tmpdir(), "shiplock-doctor-"));
  context.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "config.json"), JSON.stringify(auths(host)));
  const stream = { write: () => undefined };
  const output = createOutput({ json: undefined, stdout: stream, stderr: stream, environment: {} });
  const signal = new AbortController().signal;
  const env = { DOCKER_CONFIG: folder, PATH: "/usr/bin:/bin" };
  const command: CommandContext = { options: {}, cwd: folder, env, output, signal, commandLine: "shiplock doctor" };
  const config = {
    registry: { address: `${host}/shop`, insecure: true },
    images: { web: { repository: `${host}/shop/web` }, own: { repository: localRepository("shop", "own") } },
  } as unknown as Config;
  const [check, ...more] = registryChecks(command, config);
  assert.deepEqual([check?.name, more], [`registry ${host}`, []]);
  return { look: async () => check?.look() ?? "", folder, output };
}

it("doctor says where the login of a registry comes from, and never what it is", async (context) => {
  const auth = Buffer.from("ada:s3cret").toString("base64");
  const { look, folder, output } = await machine(context, (host) => ({ auths: { [host]: { auth } } }));
  assert.equal(await look(), `answers; the login is that in ${folder}/config.json`);
  assert.deepEqual(output.hidden(), ["s3cret"]);
});

it("doctor tells a login that is missing, wrong, or kept by a helper that is not there", async (context) => {
  const none = await machine(context, () => ({}));
  await assert.rejects(none.look(), { code: "registry/unauthorized" });
  const wrong = await machine(context, (host) => ({
    auths: { [host]: { auth: Buffer.from("ada:old").toString("base64") } },
  }));
  await assert.rejects(wrong.look(), { code: "registry/unauthorized", remedy: /docker login/ });
  const helper = await machine(context, (host) => ({ credHelpers: { [host]: "not-there" } }));
  await assert.rejects(helper.look(), { code: "registry/login-helper", message: /docker-credential-not-there/ });
});

it("doctor asks no registry for images that travel by themselves", async () => {
  const config = { images: { web: { repository: localRepository("shop", "web") } } } as unknown as Config;
  const [check] = registryChecks({} as CommandContext, config);
  assert.match((await check?.look()) ?? "", /none is needed/);
});
