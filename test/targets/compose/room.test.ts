import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { StrategyKind } from "../../../src/deploy/strategies/types.ts";
import { createFakeWorld, fakeImage, type FakeWorld } from "../../../src/hosts/fake.ts";
import { makeFolders } from "../../../src/hosts/fake-files.ts";
import type { Layer, LayerSource } from "../../../src/release/registry/layers.ts";
import { registryError } from "../../../src/release/registry/errors.ts";
import type { Cargo } from "../../../src/targets/compose/carry.ts";
import type { ReleaseDocument } from "../../../src/release/types.ts";
import { measureRoom } from "../../../src/targets/compose/room.ts";
import { judgeRoom, limitedMemory, type RoomFacts, type RoomWishes } from "../../../src/targets/compose/room-rules.ts";
import { shop } from "../../fakes/shop.ts";

const wishes: RoomWishes = { memoryBytes: 1_000e6, diskBytes: 500e6, onShortage: "refuse" };
const enough: RoomFacts = { host: "one", memory: null, disk: null };

describe("memory for two releases", () => {
  const short: RoomFacts = { ...enough, memory: { free: 812e6, wanted: 1_000e6 } };

  it("that is there is no shortage", () => {
    assert.equal(judgeRoom({ ...enough, memory: { free: 1_000e6, wanted: 1_000e6 } }, wishes, true), null);
    assert.equal(judgeRoom(enough, wishes, true), null);
  });

  it("that is too little is refused with the figures and with the ways out", () => {
    assert.throws(() => judgeRoom(short, wishes, true), {
      code: "host/no-room",
      message: "one has 812 MB of memory free, and the new release beside the old one wants 1000 MB",
      remedy: /more memory.*limits.*onShortage: recreate/,
    });
  });

  it("that is too little is told instead, where the old release may stop first", () => {
    assert.match(judgeRoom(short, { ...wishes, onShortage: "recreate" }, true) ?? "", /812 MB .* wants 1000 MB/);
  });

  it("that is too little is refused all the same where there is no old release to stop", () => {
    assert.throws(
      () => judgeRoom(short, { ...wishes, onShortage: "recreate" }, false),
      (error: Error & { remedy?: string }) => {
        assert.doesNotMatch(`${error.message} ${error.remedy}`, /old one|recreate/);
        return true;
      },
    );
  });

  it("is what the environment says, or the limits of all replicas added up", () => {
    const { snapshot } = shop("v1", { webReplicas: 3 });
    assert.equal(limitedMemory(snapshot), 0);
    const services = snapshot.model["services"] as Record<string, object>;
    const limited = {
      ...snapshot,
      model: {
        ...snapshot.model,
        services: {
          ...services,
          web: { deploy: { resources: { limits: { memory: "100000000" } } } },
          api: { mem_limit: "5000000" },
        },
      },
    };
    assert.equal(limitedMemory(limited), 305_000_000);
  });
});

describe("room on the engine's disk", () => {
  const disk = (free: number, compressed: number | null): RoomFacts => ({
    ...enough,
    disk: { path: "/var/lib/docker", free, compressed, carried: 0 },
  });

  it("has to hold the pull, unpacked beside its download, and the floor", () => {
    assert.equal(judgeRoom(disk(900e6, 100e6), wishes, true), null);
    assert.throws(() => judgeRoom(disk(899e6, 100e6), wishes, true), {
      code: "host/no-room",
      message:
        "one has 899 MB free on the disk of its engine (/var/lib/docker); the pull takes about 400 MB (100 MB compressed), and 500 MB have to stay free (`room.disk`)",
      remedy: /docker system df/,
    });
  });

  it("is refused whatever the strategy: no other order of steps makes any", () => {
    assert.throws(() => judgeRoom(disk(10e6, 100e6), { ...wishes, onShortage: "recreate" }, true), {
      code: "host/no-room",
    });
  });

  it("has to hold the floor where the size of the pull is not known", () => {
    assert.equal(judgeRoom(disk(500e6, null), wishes, true), null);
    assert.throws(() => judgeRoom(disk(499e6, null), wishes, true), { code: "host/no-room", message: /^(?!.*pull)/ });
  });
});

describe("looking for room on a host", () => {
  const base: Layer = { digest: "sha256:base", size: 80e6 };
  const unpackedOf = (name: string): string[] => ["sha256:unpacked-base", `sha256:unpacked-${name}`];
  const source: LayerSource = {
    layers: async (image) => [base, { digest: `sha256:${image.name}`, size: 5e6 }],
    unpacked: async (image) => unpackedOf(image.name),
  };

  async function looking(
    prepare: (world: FakeWorld) => void,
    options: { strategy?: StrategyKind; document?: ReleaseDocument; source?: LayerSource; cargos?: Cargo[] } = {},
  ) {
    const world = createFakeWorld({ now: () => 0 });
    makeFolders(world.machine("one").disk, "/var/lib/docker");
    makeFolders(world.machine("one").disk, "/proc");
    prepare(world);
    const host = await world.connector.connect({ kind: "ssh", name: "one", destination: "one" });
    await host.files.write("/proc/meminfo", "MemTotal:  4000000 kB\nMemAvailable:    1000 kB\n");
    const request = { document: options.document ?? shop("v1"), strategy: options.strategy ?? "rolling" };
    const weigh = async () => options.cargos ?? [];
    return measureRoom({ name: "one", host, weigh }, request, wishes, options.source ?? source);
  }

  it("sees the memory that is available, and looks only where two releases would stand beside each other", async () => {
    assert.deepEqual((await looking(() => undefined)).facts.memory, { free: 1_024_000, wanted: 1_000e6 });
    assert.equal((await looking(() => undefined, { strategy: "recreate" })).facts.memory, null);
  });

  it("counts a layer once that images share, three images and their base", async () => {
    const { facts, notes } = await looking(() => undefined);
    assert.deepEqual(facts.disk, { path: "/var/lib/docker", free: 100e9, compressed: 95e6, carried: 0 });
    assert.deepEqual(notes, []);
  });

  it("takes off what the host has already, where the whole would not fit", async () => {
    const { facts } = await looking((world) => {
      world.machine("one").setFreeBytes(600e6);
      world.machine("one").addImage(fakeImage("other:1", { layers: unpackedOf("other") }));
    });
    assert.equal(facts.disk?.compressed, 15e6);
  });

  it("asks for nothing where every image is there: going back works on a full disk", async () => {
    const document = shop("v1");
    const { facts } = await looking(
      (world) => {
        world.machine("one").setFreeBytes(0);
        for (const image of Object.values(document.release.images))
          world.machine("one").addImage(fakeImage(`${image.repository}@${image.digest}`));
      },
      { document },
    );
    assert.equal(facts.disk, null);
  });

  it("looks at the nearest folder above where the engine's own is out of sight", async () => {
    const { facts } = await looking((world) => world.machine("one").disk.delete("/var/lib/docker"));
    assert.equal(facts.disk?.path, "/var/lib");
  });

  it("says so when the registry does not tell the size", async () => {
    const silent: LayerSource = {
      ...source,
      layers: async () => {
        throw registryError("registry/unavailable", "registry.test");
      },
    };
    const { facts, notes } = await looking(() => undefined, { source: silent });
    assert.equal(facts.disk?.compressed, null);
    assert.match(notes.join(), /how much one has to pull is not known \(The registry cannot be reached/);
  });
});
