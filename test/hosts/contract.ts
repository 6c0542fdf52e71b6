import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import { ShiplockError } from "../../src/errors.ts";
import type { Engine } from "../../src/hosts/engine.ts";
import { readArchive, writeArchive } from "../../src/hosts/file-archive.ts";
import { chainIds, configOf, layersNotNeeded, withoutLayers } from "../../src/hosts/image-archive.ts";
import { layerSizes } from "../../src/hosts/layer-sizes.ts";
import { readTar } from "../../src/hosts/tar.ts";
import type { Host, HostFiles, LeaseOwner } from "../../src/hosts/types.ts";
import { waitFor } from "../lab/process.ts";

/** What the contract needs of an adapter under test. */
export type ContractSetup = {
  /** A connection of its own; all of one setup lead to the same host. */
  connect(): Promise<Host>;
  /** Absolute path of an empty folder on the host, below the root of its address. */
  folder: string;
  /** A reference to an image on the host whose container runs on until stopped; undefined: the engine is not tested. */
  image?: string;
  /** Further fields for the body of such a container. */
  containerBody?: Record<string, string[]>;
  /** False where two connections are one session (this machine), so that neither excludes the other by its death. */
  separateSessions: boolean;
  close(): Promise<void>;
};

export const OWNER: LeaseOwner = {
  deployment: "d-1",
  who: "ada",
  from: "laptop pid 12",
  since: "2026-11-20T10:00:00Z",
  command: "deploy staging",
};

/** Whether a rejection carries this code. */
export function hasCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ShiplockError, `a ShiplockError, not ${String(error)}`);
    assert.equal(error.code, code, error.message);
    return true;
  };
}

const text = (data: Uint8Array | null) => (data === null ? null : new TextDecoder().decode(data));

/** The suite that every adapter of Host has to pass. */
export function describeHost(name: string, setUp: () => Promise<ContractSetup>): void {
  describe(name, () => {
    let setup: ContractSetup;
    let host: Host;
    const at = (path: string) => `${setup.folder}/${path}`;
    before(async () => {
      setup = await setUp();
      host = await setup.connect();
    });
    after(async () => {
      await host?.close();
      await setup?.close();
    });
    describeFiles(() => ({ files: host.files, at }));
    describeLease(() => ({ setup, host, at }));
    describeEngine(() => ({ engine: host.engine, setup }));

    it("a closed host says so and rejects every call", async () => {
      const other = await setup.connect();
      await other.close();
      await other.close();
      assert.equal((await other.lost).reason, "closed");
      await assert.rejects(other.files.read(at("x")), hasCode("host/lost"));
      await assert.rejects(other.lease({ folder: at("closed"), owner: OWNER, ttlMs: 5000 }), hasCode("host/lost"));
      await assert.rejects(other.engine.inspectContainer("x"), hasCode("host/lost"));
    });
  });
}

function describeFiles(given: () => { files: HostFiles; at(path: string): string }): void {
  it("a written file is read back, replaced as a whole and has its mode", async () => {
    const { files, at } = given();
    await files.write(at("a"), "one\n");
    await files.write(at("a"), Uint8Array.from([0, 1, 255]), { mode: 0o600 });
    assert.deepEqual([...((await files.read(at("a"))) ?? [])], [0, 1, 255]);
    const stat = await files.stat(at("a"));
    assert.equal(stat?.mode, 0o600);
    assert.equal(stat?.size, 3);
    assert.equal(stat?.kind, "file");
  });

  it("a large file survives the way there and back, and an empty one too", async () => {
    const { files, at } = given();
    const data = new Uint8Array(300_001).map((_, index) => index % 251);
    await files.write(at("large"), data, { sync: false });
    assert.ok(Buffer.from(data).equals((await files.read(at("large"))) ?? new Uint8Array()));
    await files.write(at("empty"), "");
    assert.equal((await files.read(at("empty")))?.length, 0);
  });

  it("what is missing is null to look at, and an error to write into", async () => {
    const { files, at } = given();
    assert.equal(await files.read(at("no")), null);
    assert.equal(await files.read(at("no/no")), null);
    assert.equal(await files.stat(at("no")), null);
    assert.equal(await files.lstat(at("no")), null);
    assert.equal(await files.list(at("no")), null);
    assert.equal(await files.readlink(at("no")), null);
    await files.remove(at("no"));
    await files.removeTree(at("no"));
    await assert.rejects(files.write(at("no/file"), "x"), hasCode("host/file-missing"));
    await assert.rejects(files.append(at("no/file"), "x", { sync: true }), hasCode("host/file-missing"));
    await assert.rejects(files.rename(at("no"), at("neither")), hasCode("host/file-missing"));
  });

  it("appends keep their order, also when none waits for the one before", async () => {
    const { files, at } = given();
    await Promise.all(["1\n", "2\n", "3\n"].map((line) => files.append(at("journal"), line, { sync: true })));
    await files.append(at("journal"), "4\n", { sync: false });
    const content = text(await files.read(at("journal")));
    assert.equal(content?.split("\n").sort().join(""), "1234");
    assert.ok(content?.endsWith("4\n"));
    await files.write(at("journal"), "new\n");
    await files.append(at("journal"), "5\n", { sync: true });
    assert.equal(text(await files.read(at("journal"))), "new\n5\n");
  });

  it("of many who create one file exactly one succeeds", async () => {
    const { files, at } = given();
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, index) => files.createExclusive(at("ticket"), `${index}`)),
    );
    assert.equal(made.filter(Boolean).length, 1);
    assert.equal(text(await files.read(at("ticket"))), String(made.indexOf(true)));
    assert.equal(await files.createExclusive(at("ticket"), "late"), false);
    await assert.rejects(files.createExclusive(at("no/ticket"), "x"), hasCode("host/file-missing"));
  });

  it("missing folders are made with a file where that is wanted, with their own mode", async () => {
    const { files, at } = given();
    await files.write(at("made/folder/one"), "1", { mode: 0o600, folders: 0o700 });
    await files.write(at("made/folder/one"), "2", { mode: 0o600, folders: 0o700 });
    assert.equal(await files.createExclusive(at("made/other/two"), "2", { folders: 0o700 }), true);
    assert.equal(text(await files.read(at("made/folder/one"))), "2");
    assert.equal(((await files.stat(at("made/other")))?.mode ?? 0) & 0o777, 0o700);
    await files.write(at("plain file"), "x");
    await assert.rejects(files.write(at("plain file/below"), "x", { folders: 0o700 }), hasCode("host/exists"));
  });

  it("a file that is created after something else has its name only then, and not at all if that fails", async () => {
    const { files, at } = given();
    const { promise, resolve } = Promise.withResolvers<void>();
    const made = files.createExclusive(at("later"), "2", { after: promise });
    await files.write(at("sooner"), "1");
    assert.equal(await files.stat(at("later")), null);
    resolve();
    assert.equal(await made, true);
    assert.equal(text(await files.read(at("later"))), "2");
    const failed = files.createExclusive(at("never"), "3", { after: Promise.reject(new Error("no first")) });
    await assert.rejects(failed, /no first/);
    assert.deepEqual(
      (await files.list(at(".")))?.map(({ name }) => name).filter((name) => name.includes("never")),
      [],
    );
  });

  it("folders are made with those above them, again without harm, and list what is in them", async () => {
    const { files, at } = given();
    await files.mkdirs(at("deep/er/folder"), 0o700);
    await files.mkdirs(at("deep/er/folder"));
    assert.equal((await files.stat(at("deep/er")))?.kind, "directory");
    assert.equal((await files.stat(at("deep/er/folder")))?.mode, 0o700);
    await files.write(at("deep/er/b"), "1");
    await files.symlinkAtomic("b", at("deep/er/a"));
    const entries = await files.list(at("deep/er"));
    assert.deepEqual(
      entries?.map(({ name, kind }) => `${name} ${kind}`),
      ["a symlink", "b file", "folder directory"],
    );
    await files.write(at("plain"), "x");
    await assert.rejects(files.mkdirs(at("plain")), hasCode("host/exists"));
  });

  it("a symlink is turned in one step, and many are made at once", async () => {
    const { files, at } = given();
    await files.symlinkAtomic("first", at("live"));
    await files.symlinkAtomic("second", at("live"));
    assert.equal(await files.readlink(at("live")), "second");
    assert.equal((await files.lstat(at("live")))?.kind, "symlink");
    assert.equal(await files.stat(at("live")), null);
    await files.mkdirs(at("weights"));
    const entries = Array.from({ length: 256 }, (_, index) => ({ path: at(`weights/${index}`), target: "../a.sock" }));
    await files.symlinks(entries);
    await files.symlinks(entries);
    assert.equal((await files.list(at("weights")))?.length, 256);
    await assert.rejects(files.symlinks([{ path: at("weights/0"), target: "../b.sock" }]), hasCode("host/exists"));
    await files.write(at("file"), "x");
    assert.equal(await files.readlink(at("file")), null);
  });

  it("a rename replaces what is there", async () => {
    const { files, at } = given();
    await files.write(at("old"), "old");
    await files.write(at("new"), "new");
    await files.rename(at("new"), at("old"));
    assert.equal(text(await files.read(at("old"))), "new");
    assert.equal(await files.stat(at("new")), null);
  });

  it("the room on a disk is told for what is there, and for nothing else", async () => {
    const { files, at } = given();
    await files.write(at("some file"), "x");
    for (const path of ["/", at(""), at("some file")]) {
      const free = await files.freeBytes(path);
      assert.ok(Number.isSafeInteger(free) && free > 0, `${path}: ${free}`);
    }
    await assert.rejects(files.freeBytes(at("nothing")), hasCode("host/file-missing"));
  });

  it("a tree is removed with its links but not what they point at", async () => {
    const { files, at } = given();
    await files.mkdirs(at("tree/one/two"));
    await files.mkdirs(at("kept"));
    await files.write(at("kept/file"), "x");
    await files.write(at("tree/one/two/file"), "x");
    await files.symlinkAtomic("../kept", at("tree/link"));
    await files.removeTree(at("tree"));
    assert.equal(await files.stat(at("tree")), null);
    assert.equal(text(await files.read(at("kept/file"))), "x");
  });

  it("nothing outside of the root is removed as a tree, by no detour", async () => {
    const { files, at } = given();
    for (const path of ["/", "/etc", at(".."), at("../.."), `${at("x")}/../../../etc`]) {
      await assert.rejects(files.removeTree(path), hasCode("host/outside-root"), path);
    }
    await files.symlinkAtomic("/", at("door"));
    await assert.rejects(files.removeTree(at("door/etc")), hasCode("host/outside-root"));
    assert.notEqual(await files.lstat(at("door")), null);
  });
}

function describeLease(given: () => { setup: ContractSetup; host: Host; at(path: string): string }): void {
  it("a lease is granted with a rising fence and forgotten when released", async () => {
    const { host, at } = given();
    const folder = at("lease one");
    const first = await host.lease({ folder, owner: OWNER, ttlMs: 5000 });
    assert.ok(first.kind === "granted");
    assert.equal(first.fence, 1);
    await first.beat();
    const seen = await host.inspectLease(folder);
    assert.ok(seen.kind === "held");
    assert.deepEqual(seen.owner, OWNER);
    await first.release();
    await first.release();
    await assert.rejects(first.beat(), hasCode("host/lost"));
    assert.deepEqual(await host.inspectLease(folder), { kind: "free", fence: 1 });
    const second = await host.lease({ folder, owner: OWNER, ttlMs: 5000 });
    assert.ok(second.kind === "granted");
    assert.equal(second.fence, 2);
    assert.equal(second.tookOver, undefined);
    await second.release();
  });

  it("a second deployer is refused and told who has the lease, where from and since when", async () => {
    const { setup, host, at } = given();
    const folder = at("lease two");
    const owner = { ...OWNER, command: 'deploy "x\';$(touch pwned)\\n"\nand more' };
    const first = await host.lease({ folder, owner, ttlMs: 5000 });
    assert.ok(first.kind === "granted");
    const other = await setup.connect();
    const answer = await other.lease({ folder, owner: { ...OWNER, who: "bob" }, ttlMs: 5000 });
    assert.ok(answer.kind === "held");
    assert.deepEqual(answer.owner, owner);
    assert.ok(answer.heartbeatAgeMs < 5000);
    assert.equal(answer.expired, false);
    await other.close();
    await first.release();
  });

  it("two folders are leased independently on one connection", async () => {
    const { host, at } = given();
    const one = await host.lease({ folder: at("lease a"), owner: OWNER, ttlMs: 5000 });
    const two = await host.lease({ folder: at("lease b"), owner: OWNER, ttlMs: 5000 });
    assert.ok(one.kind === "granted" && two.kind === "granted");
    await one.release();
    await two.beat();
    await two.release();
  });

  it("whoever closes without releasing is named to the next owner", async () => {
    const { setup, host, at } = given();
    const folder = at("lease three");
    const other = await setup.connect();
    const left = await other.lease({ folder, owner: OWNER, ttlMs: 60_000 });
    assert.ok(left.kind === "granted");
    await other.close();
    // The host notices the end of a session in its own time.
    let next = await host.lease({ folder, owner: { ...OWNER, who: "bob" }, ttlMs: 5000 });
    await waitFor(
      "the lease to be free",
      async () => {
        if (next.kind !== "granted") next = await host.lease({ folder, owner: { ...OWNER, who: "bob" }, ttlMs: 5000 });
        return next.kind === "granted";
      },
      { timeoutMs: 5_000 },
    );
    assert.ok(next.kind === "granted", next.kind);
    assert.equal(next.fence, 2);
    assert.deepEqual(next.tookOver, OWNER);
    await next.release();
  });
}

export async function collected(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

/** Bytes as a stream that breaks off after so many of them. */
async function* piecesOf(bytes: Buffer, breaksOffAfter = Number.POSITIVE_INFINITY): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) {
    yield bytes.subarray(at, Math.min(at + 65_536, breaksOffAfter));
    if (at + 65_536 > breaksOffAfter) throw new Error("the source broke off");
  }
}

function describeEngine(given: () => { engine: Engine; setup: ContractSetup }): void {
  const labels = { "shiplock.test": "contract" };

  it("the engine says what it is, and what it has not is null", async (test) => {
    const { engine, setup } = given();
    if (setup.image === undefined) return test.skip("no engine here");
    await engine.ping();
    const info = await engine.info();
    assert.match(info.apiVersion, /^1\.\d+$/);
    assert.ok(["amd64", "arm64"].includes(info.architecture), info.architecture);
    assert.ok(info.memoryBytes > 0 && info.cpus > 0);
    assert.equal(await engine.inspectContainer("shiplock-none"), null);
    assert.equal(await engine.inspectImage("shiplock-none:1"), null);
    assert.equal(await engine.inspectImage("some/where/none:1"), null);
    assert.equal(await engine.inspectNetwork("shiplock-none"), null);
    assert.equal(await engine.inspectVolume("shiplock-none"), null);
    await engine.removeContainer("shiplock-none", { force: true });
    await engine.removeNetwork("shiplock-none");
    await engine.removeImage("shiplock-none:1");
    await assert.rejects(engine.startContainer("shiplock-none"), hasCode("engine/not-found"));
    await assert.rejects(
      engine.createContainer("shiplock-x", { Image: "shiplock-none:1" }),
      hasCode("engine/image-missing"),
    );
  });

  it("a container is made, started, seen, stopped and removed, each also a second time", async (test) => {
    const { engine, setup } = given();
    if (setup.image === undefined) return test.skip("no engine here");
    const name = "shiplock-contract-life";
    const body = { Image: setup.image, Labels: labels, HostConfig: { NetworkMode: "none" }, ...setup.containerBody };
    const id = await engine.createContainer(name, body);
    try {
      await assert.rejects(engine.createContainer(name, body), hasCode("engine/conflict"));
      assert.equal((await engine.inspectContainer(id))?.state.status, "created");
      await engine.startContainer(id);
      await engine.startContainer(id);
      const seen = await engine.inspectContainer(name);
      assert.equal(seen?.id, id);
      assert.equal(seen?.state.running, true);
      assert.equal(seen?.imageId, (await engine.inspectImage(setup.image))?.id);
      assert.equal(seen?.labels["shiplock.test"], "contract");
      const listed = await engine.listContainers({ labels: ["shiplock.test=contract"] });
      assert.deepEqual(
        listed.map((each) => each.name),
        [name],
      );
      assert.deepEqual(await engine.listContainers({ labels: ["shiplock.test=other"], all: true }), []);
      assert.equal(await engine.waitContainer(id, 100), null);
      assert.equal((await engine.exec(id, ["true"], { timeoutMs: 10_000 })).exitCode, 0);
      await engine.renameContainer(id, `${name}-2`);
      assert.equal((await engine.inspectContainer(id))?.name, `${name}-2`);
      await assert.rejects(engine.removeContainer(id, { force: false }), hasCode("engine/conflict"));
      await engine.killContainer(id, "KILL");
      assert.equal(await engine.waitContainer(id, 5000), 137);
      await engine.stopContainer(id, { graceSeconds: 1 });
      await assert.rejects(engine.killContainer(id, "KILL"), hasCode("engine/conflict"));
    } finally {
      await engine.removeContainer(id, { force: true });
      await engine.removeContainer(id, { force: true });
    }
    assert.equal(await engine.inspectContainer(id), null);
  });

  it("files go into a container as a stream and come back as one, also before it has run", async (test) => {
    const { engine, setup } = given();
    if (setup.image === undefined) return test.skip("no engine here");
    const body = { Image: setup.image, Labels: labels, HostConfig: { NetworkMode: "none" }, ...setup.containerBody };
    const id = await engine.createContainer("shiplock-contract-files", body);
    const large = Buffer.alloc(300_000, "x");
    try {
      await engine.putArchive(
        id,
        "/",
        writeArchive([
          { kind: "folder", path: "work", mode: 0o755 },
          { kind: "file", path: "work/large", mode: 0o644, size: large.length, body: large },
          { kind: "file", path: "work/run.sh", mode: 0o755, size: 2, body: Buffer.from("#!") },
        ]),
      );
      const stream = await engine.getArchive(id, "/work");
      assert.ok(stream !== null);
      const found: Record<string, number> = {};
      for await (const entry of readArchive(stream)) if (entry.kind === "file") found[entry.path] = entry.size;
      assert.deepEqual(found, { "work/large": 300_000, "work/run.sh": 2 });
      const single = await engine.getArchive(id, "/work/run.sh");
      assert.ok(single !== null);
      for await (const entry of readArchive(single)) assert.deepEqual([entry.path, entry.kind], ["run.sh", "file"]);
      assert.equal(await engine.getArchive(id, "/work/none"), null);
      await assert.rejects(engine.getArchive("shiplock-none", "/work"), hasCode("engine/not-found"));
      const broken = async function* (): AsyncGenerator<Uint8Array> {
        yield Buffer.alloc(10);
        throw new ShiplockError({ code: "test/broken", message: "broken" });
      };
      await assert.rejects(engine.putArchive(id, "/", broken()), hasCode("test/broken"));
    } finally {
      await engine.removeContainer(id, { force: true });
    }
  });

  it("tags protect an image until the last one is removed", async (test) => {
    const { engine, setup } = given();
    if (setup.image === undefined) return test.skip("no engine here");
    const image = await engine.inspectImage(setup.image);
    assert.ok(image !== null);
    await engine.tagImage(image.id, "shiplock.test/some/kept", "r1");
    assert.equal((await engine.inspectImage("shiplock.test/some/kept:r1"))?.id, image.id);
    assert.ok((await engine.listImages({ reference: "shiplock.test/some/kept" })).some((each) => each.id === image.id));
    await engine.removeImage("shiplock.test/some/kept:r1");
    assert.equal(await engine.inspectImage("shiplock.test/some/kept:r1"), null);
    assert.notEqual(await engine.inspectImage(image.id), null);
  });

  it("an image that was saved and removed is loaded again, all of it or nothing, without what the engine has", async (test) => {
    const { engine, setup } = given();
    if (setup.image === undefined) return test.skip("no engine here");
    const image = await engine.inspectImage(setup.image);
    assert.ok(image !== null && image.layers.length > 0);
    const whole = await collected(engine.saveImages([image.id]));
    assert.equal(await configOf(piecesOf(whole)), image.id);
    const history = await engine.imageHistory(image.id);
    assert.equal(layerSizes(history, image.layers.length).length, image.layers.length);
    const notNeeded = layersNotNeeded(image.layers, new Set(chainIds(image.layers)));
    assert.deepEqual(notNeeded, new Set(image.layers));
    const thin = await collected(withoutLayers(piecesOf(whole), image.layers, notNeeded));
    for await (const part of readTar(piecesOf(thin)))
      assert.ok(part.kind !== "entry" || part.size < 4096, "no layer is left in it");
    assert.ok(thin.length < whole.length);
    await engine.loadImages(piecesOf(thin));
    assert.equal((await engine.inspectImage(setup.image))?.id, image.id);

    await engine.removeImage(setup.image);
    assert.equal(await engine.inspectImage(image.id), null);
    try {
      await assert.rejects(engine.loadImages(piecesOf(thin)), { message: /no such file or directory/ });
      await assert.rejects(engine.loadImages(piecesOf(whole, whole.length - 1500)), /the source broke off/);
      await assert.rejects(engine.loadImages(piecesOf(whole), { signal: AbortSignal.abort("enough") }));
      assert.equal(await engine.inspectImage(image.id), null);
    } finally {
      await engine.loadImages(piecesOf(gzipSync(whole, { level: 1 })));
      await engine.tagImage(image.id, ...(setup.image.split(":") as [string, string]));
    }
    assert.deepEqual((await engine.inspectImage(setup.image))?.layers, image.layers);
    await assert.rejects(collected(engine.saveImages([`sha256:${"0".repeat(64)}`])), hasCode("engine/image-missing"));
  });

  it("a network is made once, connected with an alias, left and removed", async (test) => {
    const { engine, setup } = given();
    if (setup.image === undefined) return test.skip("no engine here");
    const name = "shiplock-contract-net";
    const networkId = await engine.createNetwork({ Name: name, Labels: labels, Internal: true });
    const body = { Image: setup.image, Labels: labels, ...setup.containerBody };
    const networking = {
      HostConfig: { NetworkMode: name },
      NetworkingConfig: { EndpointsConfig: { [name]: { Aliases: ["web-b"] } } },
    };
    const id = await engine.createContainer("shiplock-contract-net-1", { ...body, ...networking });
    try {
      await assert.rejects(engine.createNetwork({ Name: name }), hasCode("engine/conflict"));
      assert.deepEqual(
        (await engine.listNetworks({ labels: ["shiplock.test"] })).map((each) => each.id),
        [networkId],
      );
      await engine.startContainer(id);
      const endpoint = (await engine.inspectContainer(id))?.networks[name];
      assert.ok(endpoint?.aliases.includes("web-b"));
      assert.match(endpoint?.ipAddress ?? "", /^\d+\.\d+\.\d+\.\d+$/);
      assert.deepEqual(Object.keys((await engine.inspectNetwork(networkId))?.containers ?? {}), [id]);
      await assert.rejects(engine.removeNetwork(networkId), hasCode("engine/refused"));
      await engine.disconnectNetwork(networkId, id);
      await engine.disconnectNetwork(networkId, id);
      await engine.connectNetwork(networkId, { Container: id, EndpointConfig: { Aliases: ["web-c"] } });
      assert.ok((await engine.inspectContainer(id))?.networks[name]?.aliases.includes("web-c"));
    } finally {
      await engine.removeContainer(id, { force: true });
      await engine.removeNetwork(networkId);
    }
    assert.equal(await engine.inspectNetwork(networkId), null);
  });

  it("a volume that is there is kept when it is made again, and removed when nothing has it", async (test) => {
    const { engine, setup } = given();
    if (setup.image === undefined) return test.skip("no engine here");
    await engine.createVolume({ Name: "shiplock-contract-volume", Labels: labels });
    const again = await engine.createVolume({ Name: "shiplock-contract-volume" });
    assert.deepEqual(again.labels, labels);
    assert.ok(
      (await engine.listVolumes({ labels: ["shiplock.test=contract"] })).some((each) => each.name === again.name),
    );
    const body = { Image: setup.image, Labels: labels, ...setup.containerBody };
    const mounted = { NetworkMode: "none", Binds: [`${again.name}:/data`] };
    const id = await engine.createContainer("shiplock-contract-volume-1", { ...body, HostConfig: mounted });
    await assert
      .rejects(engine.removeVolume(again.name), hasCode("engine/conflict"))
      .finally(() => engine.removeContainer(id, { force: true }));
    await engine.removeVolume(again.name);
    await engine.removeVolume(again.name);
    assert.equal(await engine.inspectVolume(again.name), null);
  });
}
