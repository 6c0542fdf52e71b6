import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { asList, asObject, type JsonObject } from "../../src/json.ts";
import { edgeConfig } from "../../src/proxy/caddy/edge-config.ts";
import { replicaSocket, type RouterService } from "../../src/proxy/caddy/router-config.ts";
import { bothReleases, routerConfigText } from "../../src/targets/compose/place.ts";
import { layoutOf } from "../../src/targets/compose/layout.ts";

const layout = layoutOf("shop", "production", "~/.shiplock", "/home/deploy");

const service = (name: string, port: number, paths: string[], more: Partial<RouterService> = {}): RouterService => ({
  ...{ name, port, published: [], capacity: 2 },
  routes: paths.map((path) => ({ host: "shop.example.com", path })),
  ...more,
});

function servers(services: readonly RouterService[]): JsonObject {
  const config = JSON.parse(routerConfigText(services, layout)) as JsonObject;
  return asObject(asObject(asObject(config["apps"])?.["http"])?.["servers"]) ?? {};
}

/** Which service answers a path, as the router goes through its routes. */
function answering(services: readonly RouterService[], path: string): string | null {
  for (const route of asList(asObject(servers(services)["front"])?.["routes"])) {
    const match = asObject(asList(asObject(route)?.["match"])[0]);
    const paths = asList(match?.["path"]).map(String);
    if (match === undefined) return null;
    if (
      paths.length > 0 &&
      !paths.some((each) => each === path || (each.endsWith("/*") && path.startsWith(each.slice(0, -1))))
    )
      continue;
    const text = JSON.stringify(route);
    return /live\/([a-z]+)\//.exec(text)?.[1] ?? null;
  }
  return null;
}

describe("the router's configuration", () => {
  it("does not change with the order in which services and routes are named, so nothing reloads without need", () => {
    const services = [
      service("web", 3000, ["/", "/docs"]),
      service("api", 8000, ["/api", "/v2"]),
      service("admin", 8000, ["/admin"]),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(services, { minLength: 3 }), fc.boolean(), (shuffled, turn) => {
        const same = shuffled.map((each) => ({ ...each, routes: turn ? [...each.routes].reverse() : each.routes }));
        assert.equal(routerConfigText(same, layout), routerConfigText(services, layout));
      }),
    );
  });

  it("the most specific route wins", () => {
    const services = [
      service("web", 3000, ["/"]),
      service("api", 8000, ["/api"]),
      service("admin", 8001, ["/api/admin"]),
    ];
    assert.equal(answering(services, "/"), "web");
    assert.equal(answering(services, "/apiary"), "web");
    assert.equal(answering(services, "/api"), "api");
    assert.equal(answering(services, "/api/orders"), "api");
    assert.equal(answering(services, "/api/admin/x"), "admin");
  });

  it("has a socket for every replica of every slot, and knows no release", () => {
    const text = routerConfigText([service("web", 3000, ["/"])], layout);
    for (const slot of ["a", "b", "c"] as const)
      for (const replica of [1, 2]) assert.ok(text.includes(replicaSocket("web", slot, replica)));
    assert.doesNotMatch(text, /r-v\d|sha256/);
  });

  it("services that share a port are told apart by name, one that is alone answers by any", () => {
    const shared = servers([service("api", 8000, []), service("admin", 8000, []), service("web", 3000, [])]);
    assert.equal(asList(asObject(shared["inside-8000"])?.["routes"]).length, 3);
    assert.equal(asList(asObject(shared["inside-3000"])?.["routes"]).length, 1);
  });

  it("while both releases are there, a route that moves stays with the old service, and what is new is there already", () => {
    const before = [service("web", 3000, ["/", "/api"]), service("old", 9000, ["/old"])];
    const after = [service("web", 3000, ["/"], { capacity: 6 }), service("api", 8000, ["/api", "/v2"])];
    const both = bothReleases(before, after);
    assert.equal(answering(both, "/api"), "web");
    assert.equal(answering(both, "/v2"), "api");
    assert.equal(answering(both, "/old/x"), "old");
    assert.equal(both.find((each) => each.name === "web")?.capacity, 6);
  });
});

describe("the edge's configuration", () => {
  it("never depends on a project, so a new one touches nobody's connections", () => {
    for (const tls of ["off", "internal", "auto"] as const) {
      assert.equal(JSON.stringify(edgeConfig(tls)), JSON.stringify(edgeConfig(tls)));
      assert.doesNotMatch(JSON.stringify(edgeConfig(tls)), /shop|example\.com/);
    }
  });

  it("takes nothing for a host name that could lead out of its folder", () => {
    const pattern = /"pattern":"(\^[^"]+\$)"/.exec(JSON.stringify(edgeConfig("off")))?.[1];
    const hostName = new RegExp(JSON.parse(`"${pattern}"`) as string);
    for (const name of ["shop.example.com", "a", "x-1.test"]) assert.match(name, hostName);
    for (const name of ["../../etc", "a/b", "", ".hidden", "a\nb", "..", "-x"])
      assert.doesNotMatch(name, hostName, name);
  });

  it("with certificates, plain requests are sent on to the safe address, and certificates are only fetched for claimed names", () => {
    const text = JSON.stringify(edgeConfig("auto"));
    assert.match(text, /"status_code":308/);
    assert.match(text, /"on_demand":true/);
    assert.match(text, /"ask":"http:\/\/127\.0\.0\.1:/);
    assert.doesNotMatch(JSON.stringify(edgeConfig("off")), /on_demand|308/);
  });
});
