import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { digestsOf, planPrune, type PruneRequest, runPrune } from "../../src/deploy/prune.ts";
import type { Retention, StoredDocument } from "../../src/environments/retention/types.ts";
import { fakeImage } from "../../src/hosts/fake.ts";
import { createFakeRegistry, type FakeRegistry } from "../../src/release/registry/fake.ts";
import { readRepositories, sweepRegistry } from "../../src/release/registry/holdings.ts";
import { OCI_INDEX, OCI_MANIFEST } from "../../src/release/registry/manifest.ts";
import type { ReleaseDocument } from "../../src/release/types.ts";
import { makeDocument } from "../../src/release/snapshot.ts";
import { type Deployer, startDeployer } from "../fakes/deployer.ts";
import { environment, shop } from "../fakes/shop.ts";
import { openSocketFleet, type SocketFleet } from "../fakes/socket-fleet.ts";
import { createWorld, type World } from "../fakes/world.ts";
import { imageBytes, json } from "../release/registry/images.ts";

const versions = ["v1", "v2", "v3", "v4", "v5", "v6"];
const signal = new AbortController().signal;

/** A version of the shop whose images lie in a registry: an index over one platform's manifest each. */
async function pushed(registry: FakeRegistry, version: string): Promise<ReleaseDocument> {
  const { release, snapshot } = shop(version, { motd: `welcome to ${version}` });
  const images = await Promise.all(
    Object.values(release.images).map(async (image) => {
      const at = { registry: "registry.test", repository: image.repository.replace("registry.test/", "") };
      const bytes = imageBytes({ os: "linux", architecture: "amd64" }, `${image.name} ${version}`);
      const config = registry.putBlob(at, bytes.config);
      registry.putBlob(at, bytes.layer);
      const tag = `production-main-${release.commit.slice(0, 7)}`;
      const manifest = await registry.putManifest(at, {
        mediaType: OCI_MANIFEST,
        bytes: bytes.manifest,
        tag: `${tag}-linux-amd64`,
      });
      const entry = {
        mediaType: OCI_MANIFEST,
        digest: manifest,
        size: bytes.manifest.byteLength,
        platform: { os: "linux", architecture: "amd64" },
      };
      const index = json({ schemaVersion: 2, mediaType: OCI_INDEX, manifests: [entry] });
      const digest = await registry.putManifest(at, { mediaType: OCI_INDEX, bytes: index, tag });
      return [image.name, { ...image, tag, digest, platforms: { "linux/amd64": { manifest, config } } }] as const;
    }),
  );
  return makeDocument({ ...release, images: Object.fromEntries(images) }, snapshot);
}

function requestOf(registry: FakeRegistry, elsewhere: ReadonlySet<string> = new Set()): PruneRequest {
  return {
    deployment: "p-1",
    environment,
    origin: { who: "ada", from: "laptop", command: "shiplock prune production", reason: null },
    leaseTtlMs: 15_000,
    wait: false,
    keep: 2,
    readRegistry: async (documents: readonly StoredDocument[]) => ({
      repositories: await readRepositories(registry, documents, signal),
      neededElsewhere: elsewhere,
      prefixes: ["production"],
    }),
  };
}

function portsOf(deployer: Deployer, world: World) {
  return { session: deployer.session, clock: world.clock, signal, tell: () => undefined };
}

function counts({ forgotten, registry, hosts, operations, documents }: Retention) {
  const onHosts = hosts.flatMap(({ containers, images, files }) => [...containers, ...images, ...files]).length;
  return {
    forgotten: forgotten.length,
    registry: registry.length,
    onHosts,
    operations: operations.length,
    documents: documents.length,
  };
}

const none = { forgotten: 0, registry: 0, onHosts: 0, operations: 0, documents: 0 };

describe("a prune of an environment", () => {
  let fleet: SocketFleet;
  before(async () => {
    fleet = await openSocketFleet();
  });
  after(() => fleet.close());

  async function shopWithHistory() {
    const registry = createFakeRegistry();
    const documents = await Promise.all(versions.map((version) => pushed(registry, version)));
    const world = createWorld(fleet, documents);
    const deployer = await startDeployer(world);
    for (const [index, document] of documents.entries())
      assert.equal((await deployer.deploy(document, { deployment: `d-${index + 1}` })).state, "succeeded");
    return { registry, documents, world, deployer };
  }

  it("does what its dry run says, leaves what is somebody else's, and does nothing the second time; the way back still works", async () => {
    const { registry, world, deployer } = await shopWithHistory();
    const others = { registry: "registry.test", repository: "shop/web" };
    const theirs = imageBytes({ os: "linux", architecture: "amd64" }, "by hand");
    registry.putBlob(others, theirs.config);
    registry.putBlob(others, theirs.layer);
    const byHand = await registry.putManifest(others, {
      mediaType: OCI_MANIFEST,
      bytes: theirs.manifest,
      tag: "by-hand",
    });
    for (const host of world.hosts) world.fake.machine(host).addImage(fakeImage("registry.test/shop/web:by-hand"));
    const engine = world.fake.machine("one").engine;
    const before = { containers: engine.containers.size, images: engine.images.size };

    const request = requestOf(registry);
    const changed: string[] = [];
    world.onCall = (call) => {
      if (/remove|write|create|swap|rename|symlink/i.test(call.name)) changed.push(call.name);
    };
    const planned = await planPrune(request, deployer.session);
    assert.deepEqual(changed, [], "a dry run changes nothing");
    world.onCall = undefined;
    const done = await runPrune(request, portsOf(deployer, world), registry);
    assert.deepEqual(done, planned);
    assert.ok(done !== null);
    assert.deepEqual(done.forgotten, ["r-v3", "r-v2", "r-v1"]);
    // Index and manifest of three images of three releases.
    assert.equal(done.registry.length, 18);
    assert.deepEqual(
      done.hosts.map(({ host, files }) => [host, files.length]),
      [
        ["one", 3],
        ["two", 3],
      ],
    );
    assert.equal(done.documents.length, 3);

    assert.equal((await registry.head({ ...others, tag: "by-hand", digest: null }))?.digest, byHand);
    assert.equal(engine.containers.size, before.containers, "live and warm containers, router, database: all stay");
    assert.ok([...engine.images.values()].some((image) => image.repoTags.includes("registry.test/shop/web:by-hand")));
    assert.equal(await deployer.session.leaseHolder(), null);

    const second = await runPrune(request, portsOf(deployer, world), registry);
    assert.deepEqual(second && counts(second), none);
    for (const [index, to] of ["r-v5", "r-v4"].entries()) {
      assert.equal((await deployer.rollback(to, { deployment: `d-1${index}` })).state, "succeeded");
      assert.equal((await deployer.session.record.read())?.state.live?.release, to);
    }
    await assert.rejects(deployer.rollback("r-v3", { deployment: "d-20" }), { code: "rollback/unknown" });
    await deployer.close();
  });

  it("that is cut off at any call is finished by the next one, and nothing that stays is missing meanwhile", async () => {
    const total = await changesOf((cut) => cutAt(cut));
    assert.ok(total > 10, String(total));

    async function cutAt(cut: number): Promise<number> {
      const { registry, world, deployer } = await shopWithHistory();
      let count = 0;
      world.onCall = (call) => {
        if (call.phase !== "before" || !/engine\.remove|files\.(remove|removeTree|createExclusive)/.test(call.name))
          return;
        count += 1;
        if (count > cut) throw new Error("the machine died");
      };
      const request = requestOf(registry);
      await runPrune(request, portsOf(deployer, world), registry).catch(() => undefined);
      world.onCall = undefined;
      const state = (await deployer.session.record.read())?.state;
      assert.ok(state !== undefined);
      assert.ok(
        (await digestsOf(deployer.session, state)) !== null,
        "a release that can be gone back to lost its document",
      );
      for (const digest of (await digestsOf(deployer.session, state)) ?? []) {
        const there = await Promise.all(
          ["web", "api", "worker"].map((name) =>
            registry.exists({ registry: "registry.test", repository: `shop/${name}`, tag: null, digest }),
          ),
        );
        assert.ok(there.some(Boolean), "a release that can be gone back to lost an image");
      }
      await runPrune(request, portsOf(deployer, world), registry);
      const again = await planPrune(request, deployer.session);
      assert.deepEqual(again && counts(again), none);
      await deployer.close();
      return count;
    }

    /** A few cuts spread over the whole: each world takes a while. */
    async function changesOf(work: (cut: number) => Promise<number>): Promise<number> {
      const all = await work(Number.POSITIVE_INFINITY);
      for (const share of [0, 0.5, 0.95]) await work(Math.floor(all * share));
      return all;
    }
  });

  it("leaves what another environment needs, and what a version names", async () => {
    const { registry, documents, world, deployer } = await shopWithHistory();
    const [v1, v2] = documents;
    assert.ok(v1 !== undefined && v2 !== undefined);
    const needed = Object.values(v1.release.images).flatMap(({ digest, platforms }) => [
      digest,
      ...Object.values(platforms).map(({ manifest }) => manifest),
    ]);
    const web = { registry: "registry.test", repository: "shop/web" };
    await registry.tag(web, v2.release.images["web"]?.digest ?? "", "v2.0.0");
    const done = await runPrune(requestOf(registry, new Set(needed)), portsOf(deployer, world), registry);
    assert.ok(done !== null && done.registry.length === 10, "of v3 all six, of v2 four");
    for (const { repository, digest } of Object.values(v1.release.images))
      assert.ok(
        await registry.exists({ registry: "registry.test", repository: repository.slice(14), tag: null, digest }),
      );
    assert.ok(await registry.resolve({ ...web, tag: "v2.0.0", digest: null }), "with what the index holds");
    assert.match(done.stays.join("\n"), /which is v2\.0\.0 as well/);
    await deployer.close();
  });

  it("says so where the registry deletes nothing, and prunes the hosts all the same", async () => {
    const { registry, world, deployer } = await shopWithHistory();
    registry.refuseDeleting();
    const done = await runPrune(requestOf(registry), portsOf(deployer, world), registry);
    assert.deepEqual(done?.registry, []);
    assert.match(done?.stays.join("\n") ?? "", /does not let anybody delete/);
    assert.equal(done?.documents.length, 3);
    await deployer.close();
  });

  it("waits for whoever changes the environment, and has nothing to do where nothing was ever deployed", async () => {
    const registry = createFakeRegistry();
    const world = createWorld(fleet, []);
    const [ada, grace] = await Promise.all([startDeployer(world), startDeployer(world)]);
    assert.equal(await runPrune(requestOf(registry), portsOf(ada, world), registry), null);
    const owner = { deployment: "d-1", who: "grace", from: "desk", since: "now", command: "shiplock deploy" };
    const lease = await grace.session.acquire(owner, 15_000);
    assert.equal(lease.kind, "granted");
    await assert.rejects(runPrune(requestOf(registry), portsOf(ada, world), registry), {
      code: "lease/held",
      blame: "gate",
    });
    await Promise.all([ada.close(), grace.close()]);
  });

  it("leaves what somebody named between the look and the act", async () => {
    const registry = createFakeRegistry();
    const { release } = await pushed(registry, "v1");
    const image = release.images["web"];
    assert.ok(image !== undefined);
    const web = { registry: "registry.test", repository: "shop/web" };
    await registry.tag(web, image.digest, "staging-main-abc1234");
    const removal = { repository: image.repository, digest: image.digest, tags: [image.tag] };
    const { removed, stayed } = await sweepRegistry(registry, [removal], signal);
    assert.deepEqual(removed, []);
    assert.match(stayed.join(), /became staging-main-abc1234 meanwhile/);
    assert.ok(await registry.exists({ ...web, tag: null, digest: image.digest }));
  });
});
