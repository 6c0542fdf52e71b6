import assert from "node:assert/strict";
import { setImmediate } from "node:timers/promises";
import { describe, test } from "node:test";
import { systemClock } from "../../src/clock.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { ShiplockError } from "../../src/errors.ts";
import type { BuildRequest } from "../../src/release/build.ts";
import { type MadeRelease, makeRelease, type MakeReleaseRequest } from "../../src/release/make-release.ts";
import { createPlaces } from "../../src/release/parallel.ts";
import type { ReleaseImage } from "../../src/release/types.ts";
import { verifyImages } from "../../src/release/verify-images.ts";

const config = resolveConfig(
  {
    project: "shop",
    registry: { address: "registry.test/shop" },
    images: {
      web: { args: { URL: "https://${HOST}" } },
      api: { secrets: ["TOKEN"] },
      worker: { platforms: ["linux/amd64", "linux/arm64"] },
    },
    services: Object.fromEntries(["web", "api", "worker"].map((image) => [image, { image, port: 80, health: "/" }])),
    environments: Object.fromEntries(
      ["staging", "production"].map((name) => [name, { target: { compose: { hosts: ["local"] } } }]),
    ),
  },
  "/shop/shiplock.yml",
);

/** Builds nothing and ships nowhere, and tells what was asked of it. */
function world() {
  const built: BuildRequest[] = [];
  const shipped: string[] = [];
  const tagged: string[] = [];
  const there = new Set<string>();
  const inputs: Record<string, string | null> = { web: "inputs-web", api: "inputs-api", worker: "inputs-worker" };
  let count = 0;
  let failing: string | null = null;

  async function build(request: BuildRequest) {
    built.push(request);
    for (let turn = 0; turn < 3; turn += 1) await setImmediate();
    if (failing === request.name) throw new ShiplockError({ code: "build/failed", message: `${request.name} failed` });
    request.signal.throwIfAborted();
    return { instructions: 3, cached: 1, sizeBytes: 1_000 };
  }

  function request(
    options: Omit<Partial<MakeReleaseRequest>, "commit"> & { in?: string; commit?: string } = {},
  ): MakeReleaseRequest {
    const { in: name = "staging", ...rest } = options;
    const environment = config.environments[name];
    assert.ok(environment !== undefined);
    return {
      config,
      environment,
      dirty: false,
      checkout: "/checkout",
      builder: { build },
      places: createPlaces(2),
      argumentsOf: () => ({}),
      secretsOf: async ({ secrets }) => Object.fromEntries(secrets.map((name) => [name, "hunter22"])),
      noCache: false,
      cacheOf: () => null,
      buildTimeoutMs: 1_000,
      signal: new AbortController().signal,
      tell: () => undefined,
      examine: async () => undefined,
      log: () => undefined,
      shipper: {
        has: async (image) => there.has(image.digest),
        tag: async (image, tag) => void tagged.push(`${image.name} ${image.digest} ${tag}`),
        ship: async ({ reference }) => {
          shipped.push(reference);
          count += 1;
          there.add(`sha256:m${count}`);
          return { manifest: `sha256:m${count}`, config: `sha256:c${count}`, size: 1, mediaType: "x" };
        },
        join: async () => {
          count += 1;
          there.add(`sha256:i${count}`);
          return `sha256:i${count}`;
        },
        named: async () => null,
        isPublic: async () => false,
        whence: () => ({ from: "registry", builtOn: null }),
      },
      inputsOf: async ({ name: image }) => {
        const hash = inputs[image] ?? null;
        return hash === null ? { hash, why: "of the network" } : { hash };
      },
      known: [],
      made: {},
      origin: null,
      clock: systemClock,
      ...rest,
      commit: { hash: (options.commit ?? "a").repeat(40), time: "2026-11-21T10:00:00Z", subject: "It", ref: "main" },
    };
  }
  const knownOf = (...releases: readonly MadeRelease[]) => [
    async (): Promise<ReleaseImage[]> => releases.flatMap(({ release }) => Object.values(release.images)),
  ];
  return {
    ...{ built, shipped, tagged, there, inputs, request, knownOf },
    fail: (image: string) => {
      failing = image;
    },
    hows: ({ made }: MadeRelease) => Object.fromEntries(made.map(({ image, how }) => [image.name, how])),
  };
}

describe("the images of a release", () => {
  test("are built and shipped once for every platform, and say what went into them", async () => {
    const { request, built, shipped, hows } = world();
    const result = await makeRelease(request());
    assert.equal(built.length, 4);
    assert.deepEqual(shipped.toSorted(), [
      "registry.test/shop/api:staging-main-aaaaaaa",
      "registry.test/shop/web:staging-main-aaaaaaa",
      "registry.test/shop/worker:staging-main-aaaaaaa-linux-amd64",
      "registry.test/shop/worker:staging-main-aaaaaaa-linux-arm64",
    ]);
    assert.deepEqual(hows(result), { api: "built", web: "built", worker: "built" });
    assert.deepEqual(
      Object.values(result.release.images).map(({ inputs }) => inputs),
      ["inputs-api", "inputs-web", "inputs-worker"],
    );
  });

  test("with unchanged inputs are taken over by digest from an earlier commit, under a tag of this one; what changed is built", async () => {
    const { request, built, inputs, tagged, knownOf, hows } = world();
    const first = await makeRelease(request());
    built.length = 0;
    inputs["api"] = "other";
    const second = await makeRelease(request({ commit: "b", known: knownOf(first) }));
    assert.deepEqual(hows(second), { api: "built", web: "reused", worker: "reused" });
    assert.deepEqual(
      built.map(({ name }) => name),
      ["api"],
    );
    const { worker } = second.release.images;
    assert.equal(worker?.digest, first.release.images["worker"]?.digest);
    assert.equal(worker?.tag, "staging-main-bbbbbbb");
    assert.ok(tagged.includes(`worker ${worker?.digest} staging-main-bbbbbbb`));
    assert.notEqual(second.release.id, first.release.id);
  });

  test("that hold values of an environment are taken over within it alone", async () => {
    const { request, knownOf, hows } = world();
    const staging = await makeRelease(request());
    const production = await makeRelease(request({ in: "production", commit: "b", known: knownOf(staging) }));
    assert.deepEqual(hows(production), { api: "reused", web: "built", worker: "reused" });
    const again = await makeRelease(request({ in: "production", commit: "c", known: knownOf(staging, production) }));
    assert.deepEqual(hows(again), { api: "reused", web: "reused", worker: "reused" });
  });

  test("that are gone from where they were shipped to are built again", async () => {
    const { request, there, knownOf, hows } = world();
    const first = await makeRelease(request());
    there.delete(first.release.images["api"]?.digest ?? "");
    const second = await makeRelease(request({ commit: "b", known: knownOf(first) }));
    assert.deepEqual(hows(second), { api: "built", web: "reused", worker: "reused" });
  });

  test("are all built with --no-cache, and when what goes into them cannot be told", async () => {
    const { request, built, inputs, knownOf, hows } = world();
    const first = await makeRelease(request());
    built.length = 0;
    const fresh = await makeRelease(request({ noCache: true, known: knownOf(first), made: first.release.images }));
    assert.deepEqual(hows(fresh), { api: "built", web: "built", worker: "built" });
    assert.ok(built.every(({ noCache }) => noCache));
    inputs["api"] = null;
    const said: string[] = [];
    const log = (image: string, line: string) => said.push(`${image}: ${line}`);
    const unknown = await makeRelease(request({ commit: "b", known: knownOf(first), log }));
    assert.deepEqual(hows(unknown), { api: "built", web: "reused", worker: "reused" });
    assert.equal(unknown.release.images["api"]?.inputs, null);
    assert.ok(said.includes("api: built in any case, since what goes into it is not known: of the network"));
  });

  test("recorded by a Shiplock that knew no inputs are built again", async () => {
    const { request, inputs, hows } = world();
    const first = await makeRelease(request());
    const old = Object.values(first.release.images).map(({ inputs: _, ...image }) => image as ReleaseImage);
    for (const name of Object.keys(inputs)) inputs[name] = null;
    const second = await makeRelease(request({ commit: "b", known: [async () => old] }));
    assert.deepEqual(hows(second), { api: "built", web: "built", worker: "built" });
  });

  test("are looked for in the history first, and in the environment's record only when it does not have one", async () => {
    const { request, knownOf, hows } = world();
    const first = await makeRelease(request());
    const never = async () => assert.fail("asked for the record");
    const second = await makeRelease(request({ commit: "b", known: [...knownOf(first), never] }));
    assert.deepEqual(hows(second), { api: "reused", web: "reused", worker: "reused" });
    const third = await makeRelease(request({ commit: "b", known: [async () => [], ...knownOf(first)] }));
    assert.deepEqual(hows(third), { api: "reused", web: "reused", worker: "reused" });
  });

  test("of a working tree that changed while it was built say nothing of what went into them", async () => {
    const { request, inputs } = world();
    const changing = request({ dirty: true });
    const read = changing.inputsOf;
    let reads = 0;
    const inputsOf: MakeReleaseRequest["inputsOf"] = (image) => {
      if (image.name === "api") inputs["api"] = `tree ${(reads += 1)}`;
      return read(image);
    };
    const { release } = await makeRelease({ ...changing, inputsOf });
    assert.equal(release.images["api"]?.inputs, null);
    assert.equal(release.images["web"]?.inputs, "inputs-web");
  });

  test("one that fails ends the others, and its error is the one that is told", async () => {
    const { request, fail, shipped } = world();
    fail("api");
    await assert.rejects(makeRelease(request({ places: createPlaces(4) })), /api failed/);
    assert.deepEqual(shipped, []);
  });

  test("are not begun while an argument of any of them is refused", async () => {
    const { request, built } = world();
    const argumentsOf = (image: string) => {
      if (image === "worker") throw new ShiplockError({ code: "build/secret-argument", message: "no" });
      return {};
    };
    await assert.rejects(makeRelease(request({ argumentsOf })), { code: "build/secret-argument" });
    assert.deepEqual(built, []);
  });
});

test("to verify builds every image for every platform and ships nothing", async () => {
  const { request, built, shipped } = world();
  const verified = await verifyImages(Object.values(config.images), request());
  assert.deepEqual(
    verified.map(({ image, platform }) => `${image} ${platform}`),
    ["web linux/amd64", "api linux/amd64", "worker linux/amd64", "worker linux/arm64"],
  );
  assert.ok(built.every(({ purpose }) => purpose === "verify"));
  assert.deepEqual(shipped, []);
});
