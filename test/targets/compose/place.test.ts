import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parse } from "yaml";
import type { Place } from "../../../src/deploy/types.ts";
import { asObject, type JsonObject } from "../../../src/json.ts";
import type { Snapshot } from "../../../src/release/types.ts";
import { layoutOf } from "../../../src/targets/compose/layout.ts";
import { composeText, placeModel } from "../../../src/targets/compose/place.ts";
import { shop } from "../../fakes/shop.ts";

const layout = layoutOf("shop", "production", "~/.shiplock", "/home/deploy");

/** The shop with one service's definition as a test wants it. */
function snapshotWith(change: (services: { [name: string]: JsonObject }) => void, direct = false): Snapshot {
  const { snapshot } = shop("v1", { direct });
  const model = structuredClone(snapshot.model);
  change(model["services"] as { [name: string]: JsonObject });
  return { ...snapshot, model };
}

function placed(snapshot: Snapshot, place: Place = "b"): { [name: string]: JsonObject } {
  const model = placeModel({
    snapshot,
    release: "r-v1",
    project: "shop",
    place,
    layout,
    owner: { uid: 1000, gid: 1001 },
    proxyImage: "caddy:2",
  });
  return model["services"] as { [name: string]: JsonObject };
}

describe("the final compose file", () => {
  it("released services carry their slot in the name, backing services keep theirs, and the router stands beside them", () => {
    assert.deepEqual(Object.keys(placed(shop("v1").snapshot)).sort(), [
      "api-b",
      "db",
      "shiplock-port-8080",
      "shiplock-router",
      "web-b",
      "worker-b",
    ]);
    assert.deepEqual(Object.keys(placed(shop("v1").snapshot, "direct")).sort(), ["api", "db", "web", "worker"]);
  });

  it("the router has the service's name and aliases on every network of the service, and the service has them no more", () => {
    const services = placed(
      snapshotWith(({ web }) => {
        if (web !== undefined) web["networks"] = { default: { aliases: ["shop", "www"] }, front: null };
      }),
    );
    const networks = asObject(services["shiplock-router"]?.["networks"]);
    assert.deepEqual(networks?.["default"], { aliases: ["api", "shop", "web", "www"] });
    assert.deepEqual(networks?.["front"], { aliases: ["web"] });
    assert.deepEqual(services["web-b"]?.["networks"], { default: null, front: null });
  });

  it("a fixed container name and published ports leave the service, and a holder of its own publishes each port", () => {
    const services = placed(
      snapshotWith(({ web }) => {
        if (web !== undefined)
          Object.assign(web, { container_name: "shop-web", ports: [{ target: 3000, published: "8080" }] });
      }),
    );
    assert.equal(services["web-b"]?.["container_name"], undefined);
    assert.equal(services["web-b"]?.["ports"], undefined);
    assert.equal(services["shiplock-router"]?.["ports"], undefined);
    assert.deepEqual(services["shiplock-port-8080"]?.["ports"], [
      { mode: "ingress", target: 8080, published: "8080", protocol: "tcp" },
    ]);
  });

  it("in place, a service keeps its ports; its container's name is Compose's own, so that the old one can be set aside", () => {
    const services = placed(
      snapshotWith(({ web }) => {
        if (web !== undefined) web["container_name"] = "shop-web";
      }, true),
      "direct",
    );
    assert.equal(services["web"]?.["container_name"], undefined);
    assert.ok(Array.isArray(services["web"]?.["ports"]));
  });

  it("whoever names a released service goes on meaning it: dependencies, shared namespaces and volumes", () => {
    const services = placed(
      snapshotWith(({ worker }) => {
        if (worker !== undefined)
          Object.assign(worker, {
            depends_on: { api: { condition: "service_started" }, db: {} },
            network_mode: "service:api",
            pid: "service:db",
            volumes_from: ["web:ro"],
          });
      }),
    );
    const worker = services["worker-b"];
    assert.deepEqual(Object.keys(asObject(worker?.["depends_on"]) ?? {}), ["api-b", "db"]);
    assert.deepEqual(
      [worker?.["network_mode"], worker?.["pid"], worker?.["volumes_from"]],
      ["service:api-b", "service:db", ["web-b:ro"]],
    );
  });

  it("a kept container of the old release does not start again with the engine", () => {
    assert.equal(placed(shop("v1").snapshot)["web-b"]?.["restart"], "unless-stopped");
  });

  it("mounted files lie under the environment's folder by their content, and the owner of the router is the connection's user", () => {
    const services = placed(shop("v1").snapshot);
    assert.match(
      JSON.stringify(services["web-b"]),
      /"\/home\/deploy\/\.shiplock\/environments\/shop-production\/files\/[0-9a-f]{16}\/motd\.txt"/,
    );
    assert.equal(services["shiplock-router"]?.["user"], "1000:1001");
  });

  it("images stand in it by variables that demand a value, and secrets by reference", () => {
    const services = placed(shop("v1").snapshot);
    assert.equal(services["web-b"]?.["image"], "${SHIPLOCK_IMAGE_WEB:?}");
    assert.match(JSON.stringify(services["web-b"]?.["environment"]), /\$\{TOKEN:\?/);
  });

  it("a service whose network belongs to the host is refused, as two releases of it cannot stand beside each other", () => {
    const snapshot = snapshotWith(({ web }) => {
      if (web !== undefined) web["network_mode"] = "host";
    });
    assert.throws(() => placed(snapshot), { code: "compose/network-mode" });
    assert.doesNotThrow(() => placed(snapshot, "direct"));
  });

  it("a service of the team that is called as a slot would be is refused, whichever slot comes first", () => {
    const snapshot = snapshotWith((services) => {
      services["web-b"] = { image: "redis:8" };
    });
    for (const place of ["a", "b"] as const)
      assert.throws(() => placed({ ...snapshot, backing: ["db", "web-b"] }, place), { code: "compose/slot-name" });
  });

  it("the stored model is not changed by placing it, and the same release gives the same text", () => {
    const { snapshot } = shop("v1");
    const before = JSON.stringify(snapshot);
    const text = (): string =>
      composeText(
        placeModel({
          snapshot,
          release: "r-v1",
          project: "shop",
          place: "b",
          layout,
          owner: { uid: 1, gid: 1 },
          proxyImage: "caddy:2",
        }),
        layout,
      );
    assert.equal(text(), text());
    assert.equal(JSON.stringify(snapshot), before);
    assert.ok(parse(text()));
  });
});
