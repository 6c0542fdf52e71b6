import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { JsonObject } from "../../../src/json.ts";
import { renderCompose } from "../../../src/targets/compose/render.ts";
import { resolveFileTokens, secretSentinel, secretsToReferences } from "../../../src/targets/compose/tokens.ts";
import { fakeCompose } from "../../fakes/compose-program.ts";

describe("reading the team's compose files", () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "render-"));
    await mkdir(join(directory, "config/nested"), { recursive: true });
    await writeFile(join(directory, "config/app.conf"), "listen 80\n", { mode: 0o640 });
    await writeFile(join(directory, "config/nested/more.conf"), "more\n");
  });
  after(() => rm(directory, { recursive: true, force: true }));

  function render(services: { [name: string]: JsonObject }, more: JsonObject = {}, backing?: readonly string[]) {
    const compose = fakeCompose({ services, ...more });
    const request = { compose, directory, composeFiles: ["compose.yml"], composeProject: "shop-production" };
    return renderCompose({ ...request, variables: { TAG: "x" }, secretNames: ["TOKEN"], released: ["web"], backing });
  }

  const mount = (source: string): JsonObject => ({ type: "bind", source, target: "/x" });

  it("a secret stands in the model by a reference that demands a value, and its value is never seen", async () => {
    const { model } = await render({ web: { environment: { URL: `http://u:${secretSentinel("TOKEN")}@db` } } });
    assert.match(JSON.stringify(model), /http:\/\/u:\$\{TOKEN:\?secret TOKEN is not on this host\}@db/);
  });

  it("whatever stands right beside a secret's reference, the reference names that secret and nothing else is lost", () => {
    const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
    const text = fc.stringMatching(/^[a-zA-Z0-9_:/@-]{0,6}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(name, text), { minLength: 1, maxLength: 4 }), text, (parts, first) => {
        const seen = secretsToReferences(first + parts.map(([each, rest]) => secretSentinel(each) + rest).join(""));
        const wanted =
          first + parts.map(([each, rest]) => `\${${each}:?secret ${each} is not on this host}${rest}`).join("");
        assert.equal(seen, wanted);
      }),
    );
  });

  it("a file of the repository that is mounted travels with the release, by its content and with its mode", async () => {
    const { model, files, hostPaths } = await render({ web: { volumes: [mount(join(directory, "config/app.conf"))] } });
    assert.deepEqual(
      files.map(({ name, entries }) => ({ name, entries })),
      [
        {
          name: "app.conf",
          entries: [{ path: "", mode: 0o640, content: Buffer.from("listen 80\n").toString("base64") }],
        },
      ],
    );
    assert.deepEqual(hostPaths, []);
    const text = resolveFileTokens(JSON.stringify(model), "/srv/env");
    assert.ok(text.includes(`/srv/env/files/${files[0]?.hash}/app.conf`) && !text.includes(directory));
    assert.match(text, /"create_host_path":false/);
  });

  it("a folder that is mounted travels with all it holds, and the same content has the same name", async () => {
    const first = await render({ web: { volumes: [mount(join(directory, "config"))] } });
    const second = await render({
      web: { volumes: [mount(join(directory, "config"))] },
      other: { volumes: [mount(join(directory, "config"))] },
    });
    assert.deepEqual(
      first.files[0]?.entries.map((entry) => entry.path),
      ["app.conf", "nested/more.conf"],
    );
    assert.deepEqual(second.files, first.files);
  });

  it("a path outside the repository stays, and is named so that it can be looked for on the hosts", async () => {
    const { hostPaths, model } = await render({
      web: { volumes: [mount("/etc/ssl/certs"), mount("/var/run/x.sock")] },
    });
    assert.deepEqual(hostPaths, ["/etc/ssl/certs", "/var/run/x.sock"]);
    assert.match(JSON.stringify(model), /"source":"\/etc\/ssl\/certs"/);
  });

  it("configs and secrets from files travel too", async () => {
    const { files, model } = await render(
      { web: {} },
      { configs: { app: { file: join(directory, "config/app.conf") } } },
    );
    assert.equal(files.length, 1);
    assert.match(JSON.stringify(model["configs"]), /shiplock-file:/);
  });

  it("a mounted file that the commit does not have is refused with its name and who mounts it", async () => {
    await assert.rejects(
      render({ web: { volumes: [mount(join(directory, "config/missing.conf"))] } }),
      (error: Error) => {
        assert.match(error.message, /config\/missing\.conf is mounted by services\.web\.volumes/);
        return "code" in error && error.code === "compose/mount-missing";
      },
    );
  });

  it("what is too large to be configuration is refused", async () => {
    await writeFile(join(directory, "large.bin"), Buffer.alloc(6 * 1024 * 1024));
    await assert.rejects(render({ web: { volumes: [mount(join(directory, "large.bin"))] } }), {
      code: "compose/mount-too-large",
    });
  });

  it("nothing is built on a host: a released service's build section goes, a backing service with one is refused", async () => {
    const { model } = await render({ web: { build: { context: "." }, image: "web" } });
    assert.doesNotMatch(JSON.stringify(model), /build|pull_policy/);
    await assert.rejects(render({ web: {}, db: { build: { context: "db" } } }), { code: "compose/backing-builds" });
  });

  it("a released service that the compose file does not have is refused with the names it has", async () => {
    await assert.rejects(render({ app: {}, db: {} }), (error: Error & { remedy?: string }) =>
      /app, db/.test(error.remedy ?? ""),
    );
  });

  it("only released services and the chosen backing ones come along", async () => {
    const { model, backing } = await render({ web: {}, db: {}, mailhog: {} }, {}, ["db"]);
    assert.deepEqual(backing, ["db"]);
    assert.deepEqual(Object.keys(model["services"] as JsonObject).sort(), ["db", "web"]);
  });
});
