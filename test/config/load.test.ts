import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  resolveArguments,
  resolveEnvironment,
  resolvePublicUrls,
  resolveRoutes,
} from "../../src/config/environment.ts";
import { resolveComposeFiles } from "../../src/config/find.ts";
import { loadConfig } from "../../src/config/load.ts";
import { isLocalRepository } from "../../src/config/local-repository.ts";
import { changed, errorOf, load, rejectionOf, VALID } from "./example.ts";

/** Files by path; a folder is a path that ends in a slash. */
function disk(files: Record<string, string>) {
  return (path: string): Promise<string> => {
    const text = files[path];
    if (text !== undefined) return Promise.resolve(text);
    const code = `${path}/` in files ? "EISDIR" : "ENOENT";
    return Promise.reject(Object.assign(new Error(code), { code }));
  };
}

function loadFrom(files: Record<string, string>, cwd: string, path?: string) {
  return loadConfig({ cwd, path, readFile: disk(files), env: {} });
}

describe("the file is found", () => {
  test("in a folder above, and is named from where one stands", async () => {
    const files = { "/home/shop/.git/": "", "/home/shop/shiplock.yml": VALID };
    const config = await loadFrom(files, "/home/shop/web/src");
    assert.equal(config.file, "/home/shop/shiplock.yml");
    assert.equal(config.folder, "/home/shop");
    const error = await rejectionOf(loadFrom({ ...files, "/home/shop/shiplock.yml": "project: shop" }, "/home/shop"));
    assert.match(error.details[0] ?? "", /^shiplock\.yml:1:1: images: is missing/);
  });

  test("never above the folder that holds .git", async () => {
    const error = await rejectionOf(
      loadFrom({ "/home/shop/.git/": "", "/home/shiplock.yml": VALID }, "/home/shop/web"),
    );
    assert.equal(error.code, "config/not-found");
    assert.match(error.message, /up to \/home\/shop\.$/);
  });

  test("by the name given, and a name that is not there is told", async () => {
    assert.equal((await loadFrom({ "/x/other.yml": VALID }, "/x/web", "../other.yml")).file, "/x/other.yml");
    assert.equal((await rejectionOf(loadFrom({}, "/x", "other.yml"))).code, "config/not-found");
    assert.equal((await rejectionOf(loadFrom({ "/x/a.yml/": "" }, "/x", "a.yml"))).code, "config/unreadable");
  });

  test("and two in one folder are refused rather than chosen from", async () => {
    const error = await rejectionOf(loadFrom({ "/x/shiplock.yml": VALID, "/x/shiplock.yaml": VALID }, "/x"));
    assert.equal(error.code, "config/ambiguous");
  });
});

describe("shiplock.config.ts", () => {
  const value = {
    project: "shop",
    registry: { address: "registry.example.com/shop" },
    images: { web: { context: "web", target: undefined } },
    services: { web: { image: "web", port: 3000, health: "/health" } },
    environments: { staging: { target: { compose: { hosts: ["deploy@10.0.0.5"] } } } },
  };
  const loadModule = (module: () => unknown) =>
    loadConfig({
      cwd: "/x",
      readFile: disk({ "/x/shiplock.config.ts": "" }),
      env: {},
      importModule: () => Promise.resolve().then(module),
    });

  test("its default export loads like the same mapping in YAML", async () => {
    const config = await loadModule(() => ({ default: value }));
    assert.equal(config.services.web?.health.startPeriodMs, 60_000);
  });

  test("its problems are told with the key path", async () => {
    const error = await rejectionOf(loadModule(() => ({ default: { ...value, images: { web: { contxt: "web" } } } })));
    assert.deepEqual(error.details, ['shiplock.config.ts: images.web.contxt: unknown key (did you mean "context"?)']);
  });

  test("what is not plain data is refused, and a program that fails is told", async () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    const error = await rejectionOf(
      loadModule(() => ({ default: { images: () => 1, services: circular, project: new Date(0) } })),
    );
    assert.deepEqual(error.details, [
      "shiplock.config.ts: images: expected plain data, found a function",
      "shiplock.config.ts: services.self: expected plain data, found a reference to itself",
      "shiplock.config.ts: project: expected plain data, found an object of a class",
    ]);
    const failed = await rejectionOf(
      loadModule(() => {
        throw new Error("no such module");
      }),
    );
    assert.equal(failed.code, "config/unreadable");
    assert.equal(
      (await rejectionOf(loadModule(() => ({})))).details[0],
      "shiplock.config.ts: the file: expected a mapping, found nothing",
    );
  });
});

describe("the result", () => {
  test("without a registry names images as no registry and no environment does; one with a place of its own keeps it", () => {
    const bare = changed(["registry: { address: registry.example.com/shop }\n", ""]);
    assert.equal(load(bare).images.web?.repository, "shiplock.local/build/shop/web");
    const own = bare.replace("    context: web", "    context: web\n    repository: registry.example.com/x/web");
    assert.equal(load(own).images.web?.repository, "registry.example.com/x/web");
    assert.ok(isLocalRepository("shiplock.local/build/shop/web:staging-main-1234567"));
    assert.ok(
      !isLocalRepository("shiplock.local/build-staging/web"),
      "what the environment staging of a project build keeps",
    );
  });

  test("has every default, durations in milliseconds and sizes in bytes", () => {
    const config = load(changed(["strategy: rolling", "room: { memory: 512MiB }\n    bake: 1m30s"]));
    assert.deepEqual(config.images.web, {
      name: "web",
      repository: "registry.example.com/shop/web",
      context: "web",
      dockerfile: "Dockerfile",
      target: undefined,
      platforms: ["linux/amd64"],
      args: {},
      secrets: [],
      network: undefined,
      public: false,
      sbom: true,
      perEnvironment: false,
    });
    assert.deepEqual(config.services.web, {
      name: "web",
      image: "web",
      port: 3000,
      health: {
        probe: { kind: "http", path: "/health", status: "2xx" },
        intervalMs: 100,
        timeoutMs: 5000,
        successes: 2,
        startPeriodMs: 60_000,
      },
      routes: [],
      replicas: undefined,
      drainMs: 30_000,
      stopGraceMs: undefined,
    });
    assert.deepEqual(config.environments.staging, {
      name: "staging",
      target: {
        kind: "compose",
        hosts: [
          { name: "10.0.0.5", connection: { kind: "ssh", user: "deploy", address: "10.0.0.5", port: undefined } },
        ],
        home: "10.0.0.5",
        folder: "~/.shiplock",
        connectTimeoutMs: 20_000,
        proxy: { http: 80, https: 443, tls: "auto", acme: undefined, image: "caddy:2" },
      },
      variables: {},
      secrets: {
        names: [],
        onHost: false,
        sources: [{ level: "project", provider: { kind: "env" } }],
        maxAgeMs: undefined,
      },
      gates: {
        on: { push: [], tags: [], checks: [], schedule: [] },
        guard: false,
        statuses: [],
        reviewed: undefined,
        branches: undefined,
        tags: undefined,
        after: [],
        confirm: false,
        reviewers: undefined,
        waitMs: 0,
        freeze: [],
        emergency: undefined,
        drift: "report",
        expiresMs: 604_800_000,
      },
      strategy: {
        kind: "rolling",
        maxSurge: { percent: 100 },
        maxUnavailable: { count: 0 },
        batch: { percent: 100 },
        parallel: 8,
      },
      smoke: [],
      url: undefined,
      verifyUrl: undefined,
      bakeMs: 90_000,
      timeoutMs: 900_000,
      lease: { ttlMs: 30_000 },
      room: { memoryBytes: 536_870_912, diskBytes: 500_000_000, onShortage: "refuse" },
      scan: undefined,
      keep: 5,
      tagPrefix: "staging",
      migrations: undefined,
      hooks: { before: [], beforeTraffic: [], afterTraffic: [], after: [], afterFailure: [] },
      watch: undefined,
    });
  });

  test("is frozen all the way down", () => {
    const config = load(VALID);
    const frozen = (value: unknown): boolean =>
      typeof value !== "object" || value === null || (Object.isFrozen(value) && Object.values(value).every(frozen));
    assert.ok(frozen(config));
  });

  test("an image with an argument from the environment belongs to one environment", () => {
    const args = (text: string) => load(changed(["context: web", `args: { A: "${text}" }`])).images.web?.perEnvironment;
    assert.equal(args("${API_URL}"), true);
    assert.equal(args("fixed"), false);
    assert.equal(args("$${API_URL}"), false);
  });

  test("an environment runs the project's migration unless it has its own or none", () => {
    const migrations = "migrations: { service: web, command: [migrate] }\n";
    assert.deepEqual(load(VALID + migrations).environments.staging?.migrations, {
      service: "web",
      image: "web",
      command: ["migrate"],
      timeoutMs: 600_000,
    });
    const without = changed(["strategy: rolling", "migrations: false"]);
    assert.equal(load(without + migrations).environments.staging?.migrations, undefined);
  });

  test("hosts may be SSH destinations, aliases, addresses with a port and the machine itself", () => {
    const config = load(
      changed(["[deploy@10.0.0.5]", '[box, "a@[::1]:2222", { local: true }, { ssh: "c:22", name: third }]']),
    );
    assert.deepEqual(config.environments.staging?.target.hosts, [
      { name: "box", connection: { kind: "ssh", user: undefined, address: "box", port: undefined } },
      { name: "::1:2222", connection: { kind: "ssh", user: "a", address: "::1", port: 2222 } },
      { name: "local", connection: { kind: "local" } },
      { name: "third", connection: { kind: "ssh", user: undefined, address: "c", port: 22 } },
    ]);
  });

  test("strategies may be a word or a mapping", () => {
    const strategy = (text: string) =>
      load(changed(["strategy: rolling", `strategy: ${text}`])).environments.staging?.strategy;
    assert.deepEqual(strategy("recreate"), { kind: "recreate" });
    assert.deepEqual(strategy("{ in-place: {} }"), { kind: "in-place" });
    assert.deepEqual(strategy("{ rolling: { maxSurge: 1, maxUnavailable: 25%, batch: 2 } }"), {
      kind: "rolling",
      maxSurge: { count: 1 },
      maxUnavailable: { percent: 25 },
      batch: { count: 2 },
      parallel: 8,
    });
  });
});

describe("an environment", () => {
  const config = load(
    changed(
      ["context: web", 'args: { API: "${API_URL}", MODE: "${MODE:-fast}" }'],
      ["port: 3000", 'port: 3000\n    route: ["${SHOP_HOST}", "${SHOP_HOST}/shop/"]'],
      ["strategy: rolling", 'variables: { SHOP_HOST: Shop.example.com }\n    url: "https://${SHOP_HOST}"'],
    ),
  );
  const staging = resolveEnvironment(config, "staging");

  test("of an unknown name is told with the nearest", () => {
    const error = errorOf(() => resolveEnvironment(config, "stagin"));
    assert.equal(error.code, "config/unknown-environment");
    assert.equal(error.message, 'There is no environment "stagin" (did you mean "staging"?).');
    for (const name of ["constructor", "__proto__", ""])
      assert.equal(errorOf(() => resolveEnvironment(config, name)).code, error.code);
  });

  test("fills in build arguments, routes and public URLs", () => {
    assert.deepEqual(resolveArguments(config, "web", staging, { API_URL: "https://api", SHOP_HOST: "ignored" }), {
      API: "https://api",
      MODE: "fast",
    });
    assert.deepEqual(resolveRoutes(config, staging, {}), {
      web: [
        { host: "shop.example.com", path: "/" },
        { host: "shop.example.com", path: "/shop" },
      ],
    });
    assert.deepEqual(resolvePublicUrls(config, staging, {}), {
      url: "https://Shop.example.com",
      verifyUrl: "https://Shop.example.com",
    });
  });

  test("lacking a variable is told by its name and where it is asked for", () => {
    const error = errorOf(() => resolveArguments(config, "web", staging, {}));
    assert.equal(error.code, "config/unset-variable");
    assert.match(error.message, /API_URL is not set/);
    assert.equal(error.where, "/shop/shiplock.yml: images.web.args.API");
  });
});

describe("compose files", () => {
  test("are the usual one that exists, or all of those named", async () => {
    const files = disk({ "/x/compose.yml": "", "/x/docker-compose.yml": "", "/x/b.yml": "" });
    assert.deepEqual(await resolveComposeFiles({ compose: undefined, folder: "/x" }, files), ["/x/compose.yml"]);
    assert.deepEqual(await resolveComposeFiles({ compose: ["b.yml", "compose.yml"], folder: "/x" }, files), [
      "/x/b.yml",
      "/x/compose.yml",
    ]);
    const missing = await rejectionOf(resolveComposeFiles({ compose: ["b.yml", "c.yml"], folder: "/x" }, files));
    assert.match(missing.message, /\/x\/c\.yml does not exist/);
    assert.equal(
      (await rejectionOf(resolveComposeFiles({ compose: undefined, folder: "/y" }, files))).code,
      "config/compose-not-found",
    );
  });
});
