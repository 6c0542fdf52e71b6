import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createFakeWorld, fakeImage } from "../../../src/hosts/fake.ts";
import { edgeConfig } from "../../../src/proxy/caddy/edge-config.ts";
import { diagnoseHost } from "../../../src/targets/compose/diagnose.ts";
import { routerName } from "../../../src/targets/compose/routers.ts";
import { layoutOf } from "../../../src/targets/compose/layout.ts";

const proxy = { http: 80, https: 443, tls: "off" } as const;

/** The findings on a host whose edge and router run this Caddy; nothing is set up without one. */
async function findings(caddy: string | null, settings: Parameters<typeof diagnoseHost>[1] = proxy) {
  const world = createFakeWorld({ now: () => 1_000_000 });
  const machine = world.machine("one");
  machine.addImage(fakeImage("caddy:2"));
  machine.script(() => ({ exec: () => ({ exitCode: 0, stdout: `${caddy}\n`, stderr: "" }) }));
  const host = await world.connector.connect({ kind: "ssh", name: "one", destination: "one" });
  const layout = layoutOf("shop", "production", "~/.shiplock", host.facts.home);
  if (caddy !== null) {
    await host.files.mkdirs(layout.edge);
    await host.files.mkdirs(layout.front);
    await host.files.symlinkAtomic("12345678", `${layout.front}/current`);
    await host.files.write(`${layout.edge}/caddy.json`, JSON.stringify(edgeConfig("off")));
    const ports = { PortBindings: { "8080/tcp": [{ HostPort: "80" }] } };
    const made = [
      await host.engine.createContainer("shiplock-edge", { Image: "caddy:2", HostConfig: ports }),
      await host.engine.createContainer(routerName(layout, "12345678"), { Image: "caddy:2" }),
    ];
    for (const id of made) await host.engine.startContainer(id);
  }
  const found = await diagnoseHost({ name: "one", host, layout }, settings, () => new Date(1_000_000));
  return Object.fromEntries(found.map((finding) => [finding.name, finding]));
}

describe("doctor, looking at the proxies of a host", () => {
  it("says which Caddy edge and router run, and that it is the tested one", async () => {
    const { edge, router } = await findings("2.6.2");
    for (const found of [edge, router]) {
      assert.equal(found?.said, "Caddy 2.6.2, the version that is tested (caddy:2)");
      assert.equal(found?.ok, true);
    }
  });

  it("is content where nothing is set up yet", async () => {
    const { edge, router } = await findings(null);
    assert.deepEqual([edge?.ok, router?.ok], [true, true]);
    assert.match(`${edge?.said} ${router?.said}`, /not set up yet/);
  });

  it("refuses a Caddy that is too old, with the way out", async () => {
    const { router } = await findings("v2.4.6 h1:HGkGICFGvyrodcqOOclHKfvJC0qTU7vny/7FhYp9hNw=");
    assert.equal(router?.ok, false);
    assert.match(router?.said ?? "", /runs Caddy 2\.4\.6, which is older than 2\.6/);
    assert.match(router?.remedy ?? "", /proxy\.image/);
  });

  it("tells an edge that was set up with other settings than the environment has", async () => {
    const { edge } = await findings("2.6.2", { ...proxy, tls: { issuer: "internal", port: 443 } });
    assert.equal(edge?.ok, false);
    assert.match(edge?.said ?? "", /other settings/);
    assert.match(edge?.remedy ?? "", /docker rm -f shiplock-edge.*shiplock setup/);
    assert.equal((await findings("2.6.2", { ...proxy, http: 8080 })).edge?.ok, false);
  });
});
