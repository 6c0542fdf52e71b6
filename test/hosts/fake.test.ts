import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFakeWorld, fakeImage } from "../../src/hosts/fake.ts";
import { describeHost, hasCode, OWNER } from "./contract.ts";

const ADDRESS = { kind: "ssh", destination: "deploy@one", name: "one" } as const;

describeHost("a host in memory", async () => {
  const world = createFakeWorld({ now: () => Date.now() });
  world.machine("one").addImage(fakeImage("app:1", { layers: ["sha256:base", "sha256:app"] }));
  const folder = "/home/deploy/.shiplock/test";
  const first = await world.connector.connect(ADDRESS);
  await first.files.mkdirs(folder);
  await first.close();
  return {
    connect: () => world.connector.connect(ADDRESS),
    folder,
    image: "app:1",
    separateSessions: true,
    close: async () => undefined,
  };
});

describe("the scriptable host", () => {
  it("a call that is made to fail before its effect leaves nothing, and after it leaves the effect", async () => {
    const world = createFakeWorld({ now: () => 0 });
    world.machine("one").addImage(fakeImage("app:1"));
    const host = await world.connector.connect(ADDRESS);
    for (const phase of ["before", "after"] as const) {
      world.setOnCall((call) => {
        if (call.name === "engine.createContainer" && call.phase === phase) throw new Error("cut");
      });
      await assert.rejects(host.engine.createContainer(phase, { Image: "app:1" }), /cut/);
    }
    world.setOnCall(undefined);
    assert.equal(await host.engine.inspectContainer("before"), null);
    assert.equal((await host.engine.inspectContainer("after"))?.name, "after");
  });

  it("a connection that is cut in the middle of a call loses it, and the host keeps what it had", async () => {
    const world = createFakeWorld({ now: () => 0 });
    const host = await world.connector.connect(ADDRESS);
    await host.files.mkdirs(".shiplock");
    world.setOnCall((call) => {
      if (call.name === "files.write" && call.phase === "after") host.cut();
    });
    await assert.rejects(host.files.write(".shiplock/a", "1"), hasCode("host/lost"));
    assert.equal((await host.lost).reason, "connection");
    await assert.rejects(host.files.read(".shiplock/a"), hasCode("host/lost"));
    const again = await world.connector.connect(ADDRESS);
    assert.equal(new TextDecoder().decode((await again.files.read(".shiplock/a")) ?? new Uint8Array()), "1");
  });

  it("containers become healthy, exit and restart as their script says", async () => {
    let now = 1_000_000;
    const world = createFakeWorld({ now: () => now });
    const machine = world.machine("one");
    machine.addImage(fakeImage("app:1"));
    machine.script(({ name }) => (name === "slow" ? { health: { healthyAfter: 3 } } : undefined));
    machine.script(({ name }) => (name === "dies" ? { exit: { code: 3, afterMs: 500 } } : undefined));
    const { engine } = await world.connector.connect(ADDRESS);
    for (const name of ["slow", "dies", "plain"]) {
      await engine.startContainer(await engine.createContainer(name, { Image: "app:1" }));
    }
    const health = [];
    for (let look = 0; look < 4; look += 1) health.push((await engine.inspectContainer("slow"))?.state.health);
    assert.deepEqual(health, ["starting", "starting", "healthy", "healthy"]);
    assert.equal((await engine.inspectContainer("dies"))?.state.running, true);
    now += 600;
    const dead = await engine.inspectContainer("dies");
    assert.deepEqual([dead?.state.running, dead?.state.exitCode], [false, 3]);
    assert.equal((await engine.inspectContainer("plain"))?.state.health, undefined);
    machine.script(({ name }) => (name === "again" ? { exit: { code: 1, afterMs: 0 } } : undefined));
    const body = { Image: "app:1", HostConfig: { RestartPolicy: { Name: "unless-stopped" } } };
    await engine.startContainer(await engine.createContainer("again", body));
    now += 1000;
    assert.ok(((await engine.inspectContainer("again"))?.restartCount ?? 0) > 2);
  });

  it("an image comes from the registry for those who have its password", async () => {
    const world = createFakeWorld({ now: () => 0 });
    world.registry.images.set("registry.test/app@sha256:aa", fakeImage("registry.test/app@sha256:aa"));
    world.registry.password = "s3cret";
    const { engine } = await world.connector.connect(ADDRESS);
    await assert.rejects(engine.pullImage("registry.test/app@sha256:aa"), hasCode("engine/registry-auth"));
    const auth = { username: "ci", password: "s3cret", serverAddress: "registry.test" };
    await assert.rejects(engine.pullImage("registry.test/app@sha256:bb", auth), hasCode("engine/image-missing"));
    await engine.pullImage("registry.test/app@sha256:aa", auth);
    assert.deepEqual((await engine.inspectImage("registry.test/app@sha256:aa"))?.repoTags, []);
  });

  it("a frozen owner is taken over when its lease has expired, and nothing of it arrives afterwards", async () => {
    let now = 0;
    const world = createFakeWorld({ now: () => now });
    const [one, two] = [await world.connector.connect(ADDRESS), await world.connector.connect(ADDRESS)];
    const request = { folder: ".shiplock/environments/x", owner: OWNER, ttlMs: 1000 };
    assert.equal((await one.lease(request)).kind, "granted");
    one.freeze({ endable: false });
    now += 900;
    assert.equal((await two.lease(request)).kind, "held");
    now += 200;
    assert.equal((await two.lease(request)).kind, "stuck");
    one.freeze();
    now += 1100;
    const taken = await two.lease(request);
    assert.ok(taken.kind === "granted");
    assert.deepEqual([taken.fence, taken.tookOver], [2, OWNER]);
    one.thaw();
    await assert.rejects(one.files.write(".shiplock/late", "x"), hasCode("host/lost"));
  });

  it("a host that is down cannot be reached, and can again when it is up", async () => {
    const world = createFakeWorld({ now: () => 0 });
    const host = await world.connector.connect(ADDRESS);
    world.machine("one").down();
    assert.equal((await host.lost).reason, "connection");
    await assert.rejects(world.connector.connect(ADDRESS), hasCode("ssh/unreachable"));
    world.machine("one").up();
    await world.connector.connect(ADDRESS);
  });
});
