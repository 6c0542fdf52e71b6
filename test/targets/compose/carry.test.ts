import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ShiplockError } from "../../../src/errors.ts";
import type { EngineInfo } from "../../../src/hosts/engine.ts";
import { createFakeWorld, fakeImage } from "../../../src/hosts/fake.ts";
import type { ImagePlace } from "../../../src/hosts/image-places.ts";
import type { PlatformDigests, ReleaseImage } from "../../../src/release/types.ts";
import { createCarrier, type Receiver } from "../../../src/targets/compose/carry.ts";
import { imageIdOn, imageReferenceOn } from "../../../src/targets/compose/image-identity.ts";
import { jumpingClock } from "../../fakes/jumping-clock.ts";
import { hasCode } from "../../hosts/contract.ts";

const signal = new AbortController().signal;
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

function imageOf(name: string, platforms: Readonly<Record<string, PlatformDigests>>): ReleaseImage {
  return {
    ...{ name, repository: `shiplock.local/build/shop/${name}`, tag: "main", digest: digest("0"), environment: null },
    ...{ platforms, from: "engine", builtOn: "laptop", inputs: null },
  };
}

const web = imageOf("web", { "linux/amd64": { manifest: digest("a"), config: digest("a") } });
const api = imageOf("api", { "linux/amd64": { manifest: digest("b"), config: digest("b") } });

/** A host that has nothing, and a laptop with both images, which share two layers. */
async function scene(kind: Partial<EngineInfo> = {}) {
  const world = createFakeWorld({ now: () => 0 });
  for (const { name, platforms } of [web, api]) {
    const id = platforms["linux/amd64"]?.config ?? "";
    world
      .machine("laptop")
      .addImage(fakeImage(`${name}:1`, { id, layers: ["sha256:base", "sha256:node", `sha256:${name}`] }));
  }
  const laptop = (await world.connector.connect({ kind: "ssh", name: "laptop", destination: "laptop" })).engine;
  const { engine } = await world.connector.connect({ kind: "ssh", name: "host", destination: "host" });
  const lines: string[] = [];
  const place: ImagePlace = { name: "this machine", engine: async () => laptop };
  const to: Receiver = {
    name: "host",
    engine,
    info: async () => ({ ...(await engine.info()), ...kind }),
    remote: true,
  };
  return {
    ...{ world, laptop, engine, to, lines, place },
    carrier: createCarrier([place], jumpingClock()),
    options: { signal, log: (line: string) => void lines.push(line) },
  };
}

describe("images that are carried to a host", () => {
  it("bring layers that they share once, are weighed before, and are not brought again", async () => {
    const { carrier, engine, to, lines, options } = await scene();
    const weighed = await carrier.weigh([web, api], to, signal);
    assert.deepEqual(
      weighed.map(({ image, layers, of, place }) => [image.name, layers, of, place]),
      [
        ["web", 3, 3, "this machine"],
        ["api", 1, 3, "this machine"],
      ],
    );
    assert.equal(await engine.inspectImage(digest("a")), null);
    assert.equal(await carrier.carry([web, api], to, options), 2);
    assert.match(lines.join("\n"), /web: 3 of 3 layers .*\napi: 1 of 3 layers/);
    assert.equal(await carrier.carry([web, api], to, options), 0);
    assert.deepEqual(await carrier.weigh([web, api], to, signal), []);
  });

  it("with a registry are left to it", async () => {
    const { carrier, to, options } = await scene();
    assert.equal(await carrier.carry([{ ...web, from: "registry" }], to, options), 0);
  });

  it("are sent with all their layers to an engine with the containerd store, which wants every file", async () => {
    const kept = imageOf("web", { "linux/amd64": { manifest: digest("a"), config: digest("c") } });
    const { carrier, world, to } = await scene({ containerdImageStore: true });
    world.machine("host").addImage(fakeImage("other:1", { layers: ["sha256:base", "sha256:node"] }));
    assert.deepEqual(
      (await carrier.weigh([kept], to, signal)).map(({ layers, of }) => [layers, of]),
      [[3, 3]],
    );
  });

  it("that became something else on their way are refused", async () => {
    const { laptop, to, options } = await scene();
    const wrong: ImagePlace = {
      name: "elsewhere",
      engine: async () => ({ ...laptop, saveImages: () => laptop.saveImages([digest("b")]) }),
    };
    const carrier = createCarrier([wrong], jumpingClock());
    await assert.rejects(carrier.carry([web], to, options), hasCode("image/digest-mismatch"));
  });

  it("travel as a whole when a layer that was left out is removed from the host meanwhile", async () => {
    const { carrier, world, to, lines, options } = await scene();
    world.machine("host").addImage(fakeImage("old:1", { layers: ["sha256:base", "sha256:node"] }));
    world.setOnCall((call) => {
      if (call.name === "engine.loadImages" && call.phase === "before") world.machine("host").engine.images.clear();
    });
    assert.equal(await carrier.carry([web], to, options), 1);
    assert.match(lines.join("\n"), /host lost a layer meanwhile, so all of them travel/);
  });

  it("come from the next place where the first cannot be reached, or does not answer", async () => {
    const { place, to, options } = await scene();
    const silent: ImagePlace = {
      name: "silent",
      engine: () => Promise.reject(new ShiplockError({ code: "engine/unreachable", message: "nobody listens" })),
    };
    const carrier = createCarrier([{ name: "gone", engine: async () => null }, silent, place], jumpingClock());
    assert.equal(await carrier.carry([web], to, options), 1);
  });

  it("are read for four hosts at a time, since an older engine writes an image to its disk for each of them", async () => {
    const { world, laptop } = await scene();
    let [open, most] = [0, 0];
    const counting: ImagePlace = {
      name: "this machine",
      engine: async () => ({
        ...laptop,
        async *saveImages(ids) {
          open += 1;
          most = Math.max(most, open);
          yield* laptop.saveImages(ids);
          open -= 1;
        },
      }),
    };
    const carrier = createCarrier([counting], jumpingClock());
    const hosts = Array.from({ length: 9 }, async (_, index): Promise<Receiver> => {
      const name = `host-${index}`;
      const { engine } = await world.connector.connect({ kind: "ssh", name, destination: name });
      return { name, engine, info: () => engine.info(), remote: true };
    });
    const options = { signal, log: () => undefined };
    const counts = await Promise.all(hosts.map(async (host) => carrier.carry([web, api], await host, options)));
    assert.deepEqual([counts, most], [Array.from({ length: 9 }, () => 2), 4]);
  });

  it("that no place has are told with the machine that built them", async () => {
    const { to } = await scene();
    const carrier = createCarrier([], jumpingClock());
    await assert.rejects(carrier.weigh([web], to, signal), {
      code: "image/nowhere",
      message: /it was built on laptop/,
    });
    assert.equal(await carrier.has(web, [to], signal), false);
  });

  it("are read from where they are no further once the host takes no more", async () => {
    const { laptop, to, options } = await scene();
    let [read, closed] = [0, 0];
    const slow: ImagePlace = {
      name: "slow",
      engine: async () => ({
        ...laptop,
        async *saveImages(ids) {
          try {
            for await (const archive of laptop.saveImages(ids))
              for (let at = 0; at < archive.length; at += 512, read += 512) yield archive.subarray(at, at + 512);
          } finally {
            closed += 1;
          }
        },
      }),
    };
    const full: Receiver = {
      ...to,
      remote: false,
      engine: {
        ...to.engine,
        loadImages: async (archive) => {
          for await (const bytes of archive) throw new Error(`no room after ${bytes.length} bytes`);
        },
      },
    };
    const carrier = createCarrier([slow], jumpingClock());
    const [cargo] = await carrier.weigh([web], full, signal);
    await assert.rejects(carrier.carry([web], full, options), /no room after 512 bytes/);
    assert.equal(closed, 1);
    assert.ok(read < (cargo?.bytes ?? 0), `${read} bytes were read`);
  });
});

describe("an image that is in no registry, on a host", () => {
  const amd64 = { os: "linux", architecture: "amd64", containerdImageStore: false };

  it("is what was built for the host's platform", () => {
    const several = imageOf("web", {
      "linux/amd64": { manifest: digest("a"), config: digest("a") },
      "linux/arm64/v8": { manifest: digest("b"), config: digest("b") },
    });
    assert.equal(imageIdOn(several, amd64, "host"), digest("a"));
    assert.equal(imageReferenceOn(several, { ...amd64, architecture: "arm64" }, "host"), digest("b"));
    assert.throws(() => imageIdOn(web, { ...amd64, architecture: "arm64" }, "pi"), {
      code: "image/no-platform",
      message: /pi runs linux\/arm64, and the image "web" was built for linux\/amd64/,
    });
  });

  it("is known by its manifest to an engine with the containerd store, and refused where none was built", () => {
    const containerd = { ...amd64, containerdImageStore: true };
    const kept = imageOf("web", { "linux/amd64": { manifest: digest("a"), config: digest("c") } });
    assert.equal(imageIdOn(kept, containerd, "host"), digest("a"));
    assert.equal(imageIdOn(kept, amd64, "host"), digest("c"));
    assert.throws(() => imageIdOn(web, containerd, "host"), { code: "image/other-store" });
  });
});
