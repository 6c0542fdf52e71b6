import assert from "node:assert/strict";
import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import { inspect } from "node:util";
import { ShiplockError } from "../../../src/errors.ts";
import { dockerLogin, type DockerLoginPorts } from "../../../src/release/registry/docker-login.ts";
import { registryLogins } from "../../../src/cli/registry-logins.ts";
import type { SecretContext } from "../../../src/cli/secrets.ts";
import type { Config } from "../../../src/config/types.ts";

type Helpers = Readonly<Record<string, (server: string) => { exitCode: number; stdout: string }>>;

const secret = "s3cret-of-ada";
const auth = Buffer.from(`ada:${secret}`).toString("base64");
const gives =
  (user: string, value = secret) =>
  () => ({
    exitCode: 0,
    stdout: JSON.stringify({ ServerURL: "x", Username: user, Secret: value }),
  });
const knowsNone = () => ({ exitCode: 1, stdout: "credentials not found in native keychain\n" });

function machine(config: unknown, helpers: Helpers = {}, asked: string[] = []): DockerLoginPorts {
  const text = typeof config === "string" ? config : JSON.stringify(config);
  return {
    env: { HOME: "/home/ada" },
    readFile: async (path) => (path === "/home/ada/.docker/config.json" ? text : null),
    runHelper: async (program, server) => {
      asked.push(`${program} ${server}`);
      const helper = helpers[program];
      if (helper === undefined) throw new ShiplockError({ code: "program/missing", message: `no ${program}` });
      return helper(server);
    },
  };
}

function refused(code: string, says: RegExp) {
  return (error: unknown) => {
    assert.ok(error instanceof ShiplockError);
    assert.equal(error.code, code);
    assert.equal(error.blame, "usage");
    assert.match(error.message, says);
    assert.match(error.remedy ?? "", /shiplock\.yml/);
    const everything = inspect(error, { depth: 10, showHidden: true });
    assert.ok(!everything.includes(secret) && !everything.includes(auth), everything);
    return true;
  };
}

describe("the login that Docker has on this machine", () => {
  it("the helper for that registry comes first, then the store, then the file", async () => {
    const config = { credHelpers: { "ghcr.io": "gh" }, credsStore: "pass", auths: { "ghcr.io": { auth } } };
    const asked: string[] = [];
    const first = machine(
      config,
      { "docker-credential-gh": gives("helper"), "docker-credential-pass": gives("store") },
      asked,
    );
    assert.deepEqual(await dockerLogin("ghcr.io", first), {
      credentials: { username: "helper", password: secret },
      origin: { kind: "helper", program: "docker-credential-gh" },
    });
    assert.deepEqual(asked, ["docker-credential-gh ghcr.io"]);
    const second = machine(config, { "docker-credential-gh": knowsNone, "docker-credential-pass": gives("store") });
    assert.deepEqual((await dockerLogin("ghcr.io", second)).origin, {
      kind: "store",
      program: "docker-credential-pass",
    });
    const third = machine(config, { "docker-credential-gh": knowsNone, "docker-credential-pass": knowsNone });
    assert.deepEqual(await dockerLogin("ghcr.io", third), {
      credentials: { username: "ada", password: secret },
      origin: { kind: "file", path: "/home/ada/.docker/config.json" },
    });
  });

  it("another registry's helper is not asked, and without any login there is none", async () => {
    const asked: string[] = [];
    const ports = machine({ credHelpers: { "ghcr.io": "gh" }, auths: { "ghcr.io": { auth } } }, {}, asked);
    assert.deepEqual(await dockerLogin("registry.example.com:5000", ports), {
      credentials: null,
      origin: { kind: "none" },
    });
    assert.deepEqual(asked, []);
    for (const nothing of ["", "{}", '{"auths": {}}', '{"auths": {"ghcr.io": {}}}'])
      assert.equal((await dockerLogin("ghcr.io", machine(nothing))).credentials, null, nothing);
  });

  it("Docker Hub is known by each of its names, and its helper is asked for the one that Docker uses", async () => {
    for (const key of ["https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io"])
      assert.deepEqual((await dockerLogin("docker.io", machine({ auths: { [key]: { auth } } }))).credentials, {
        username: "ada",
        password: secret,
      });
    const asked: string[] = [];
    await dockerLogin("docker.io", machine({ credsStore: "pass" }, { "docker-credential-pass": gives("ada") }, asked));
    assert.deepEqual(asked, ["docker-credential-pass https://index.docker.io/v1/"]);
  });

  it("a registry is found however its key is written, and a password keeps its colons", async () => {
    const colons = Buffer.from("ada:a:b:c").toString("base64");
    for (const key of ["registry.example.com", "https://registry.example.com", "https://registry.example.com/v2/"])
      assert.deepEqual(
        (await dockerLogin("registry.example.com", machine({ auths: { [key]: { auth: colons } } }))).credentials,
        {
          username: "ada",
          password: "a:b:c",
        },
      );
  });

  it("an identity token is taken, from the file and from a helper", async () => {
    const written = machine({ auths: { "shop.azurecr.io": { auth: "", identitytoken: secret } } });
    assert.deepEqual((await dockerLogin("shop.azurecr.io", written)).credentials, { identityToken: secret });
    const helper = machine({ credsStore: "pass" }, { "docker-credential-pass": gives("<token>") });
    assert.deepEqual((await dockerLogin("shop.azurecr.io", helper)).credentials, { identityToken: secret });
  });

  it("a file that is no JSON, or not what Docker writes, is told without what stands in it", async () => {
    for (const text of [`{"auths": {"ghcr.io": {"auth": "${auth}"}`, `"${secret}"`, `{"credHelpers": "${secret}"}`])
      await assert.rejects(dockerLogin("ghcr.io", machine(text)), refused("registry/docker-config", /cannot be used/));
    const noPair = { auths: { "ghcr.io": { auth: Buffer.from(secret).toString("base64") } } };
    await assert.rejects(
      dockerLogin("ghcr.io", machine(noPair)),
      refused("registry/docker-config", /ghcr\.io in it is none/),
    );
    const shell = { credsStore: "x; touch pwned" };
    await assert.rejects(
      dockerLogin("ghcr.io", machine(shell)),
      refused("registry/docker-config", /no program's name/),
    );
  });

  it("a helper that is missing, fails or answers rubbish is named, with what to do, and without what it said", async () => {
    const config = { credHelpers: { "ghcr.io": "gh" } };
    const cases: [Helpers, RegExp][] = [
      [{}, /docker-credential-gh, which Docker's configuration names for ghcr\.io, is not installed/],
      [{ "docker-credential-gh": () => ({ exitCode: 3, stdout: secret }) }, /ended with exit code 3/],
      [
        { "docker-credential-gh": () => ({ exitCode: 0, stdout: `token=${secret}` }) },
        /answered something that is no login/,
      ],
      [{ "docker-credential-gh": () => ({ exitCode: 0, stdout: JSON.stringify({ Secret: secret }) }) }, /no login/],
    ];
    for (const [helpers, says] of cases)
      await assert.rejects(dockerLogin("ghcr.io", machine(config, helpers)), refused("registry/login-helper", says));
  });
});

describe("the login of a registry", () => {
  async function folderWith(context: TestContext, files: Readonly<Record<string, string>>): Promise<string> {
    const folder = await mkdtemp(join(tmpdir(), "shiplock-logins-"));
    context.after(() => rm(folder, { recursive: true, force: true }));
    for (const [name, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), text);
      await chmod(join(folder, name), 0o755);
    }
    return folder;
  }

  const configured = {
    secrets: { sources: [{ level: "project", provider: { kind: "env" } }] },
    file: "/shop/shiplock.yml",
    registry: { address: "ghcr.io/shop", login: { username: "bot", passwordVariable: "TOKEN" }, insecure: false },
  } as unknown as Config;

  it("is the configuration's where it names one, and no helper is asked; for another registry it is Docker's", async (context) => {
    const folder = await folderWith(context, {
      "config.json": JSON.stringify({ credHelpers: { "ghcr.io": "not-there" }, auths: { "quay.io": { auth } } }),
    });
    const hidden: string[] = [];
    const logins = registryLogins(configured, asking({ DOCKER_CONFIG: folder, TOKEN: "t0ken" }, hidden));
    assert.deepEqual(await logins("ghcr.io"), {
      credentials: { username: "bot", password: "t0ken" },
      origin: { kind: "configuration" },
    });
    assert.deepEqual((await logins("quay.io")).credentials, { username: "ada", password: secret });
    assert.deepEqual([...new Set(hidden)], ["t0ken", secret]);
  });

  it("comes from a real helper, which gets the server on its standard input and is asked once until its answer is refused", async (context) => {
    const folder = await folderWith(context, {
      "config.json": JSON.stringify({ credHelpers: { "ghcr.io": "lab" } }),
      "bin/docker-credential-lab": `#!/bin/sh
read server
echo "$1 $server" >> "$DOCKER_CONFIG/asked"
printf '{"ServerURL":"%s","Username":"ada","Secret":"token-%s"}' "$server" "$(wc -l < "$DOCKER_CONFIG/asked" | tr -d ' ')"
`,
    });
    const env = { DOCKER_CONFIG: folder, PATH: `${join(folder, "bin")}:/usr/bin:/bin` };
    const logins = registryLogins({} as Config, asking(env));
    const passwords = [await logins("ghcr.io"), await logins("ghcr.io"), await logins("ghcr.io", true)].map(
      ({ credentials }) => (credentials !== null && "password" in credentials ? credentials.password : null),
    );
    assert.deepEqual(passwords, ["token-1", "token-1", "token-2"]);
  });

  it("a helper that is not installed, or that hangs, is named", async (context) => {
    const folder = await folderWith(context, {
      "config.json": JSON.stringify({ credHelpers: { "ghcr.io": "absent", "quay.io": "hangs" } }),
      "bin/docker-credential-hangs": "#!/bin/sh\nexec sleep 60\n",
    });
    const env = { DOCKER_CONFIG: folder, PATH: `${join(folder, "bin")}:/usr/bin:/bin` };
    const logins = registryLogins({} as Config, asking(env), 50);
    await assert.rejects(
      logins("ghcr.io"),
      refused("registry/login-helper", /docker-credential-absent.* is not installed/),
    );
    await assert.rejects(
      logins("quay.io"),
      refused("registry/login-helper", /docker-credential-hangs.* did not end within/),
    );
  });

  it("a Docker configuration that may not be read is told", async (context) => {
    const folder = await folderWith(context, { "config.json/is/a/folder": "" });
    const logins = registryLogins({} as Config, asking({ DOCKER_CONFIG: folder }));
    await assert.rejects(logins("ghcr.io"), refused("registry/docker-config", /cannot be read/));
  });
});

/** A command that asks for a login: `hidden` gets the values that it masks. */
function asking(env: Readonly<Record<string, string>>, hidden: string[] = []): SecretContext {
  const output = { hide: (values: readonly string[]) => void hidden.push(...values), note: () => undefined };
  return { env, output, signal: new AbortController().signal };
}
